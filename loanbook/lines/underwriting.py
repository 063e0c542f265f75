"""What is predicted: the PD of an application, as it was known when it was decided."""

from __future__ import annotations

from types import MappingProxyType

from loanbook.schema import Label, Line, Purpose

APPLICANT = {
    "bureau_score": -1,
    "bureau_delinquencies_24m": 1,
    "bureau_inquiries_6m": 1,
    "bureau_overdue_balance": 1,
    "bureau_public_records": 1,
    "bureau_utilisation": 1,
    "history_late_share": 1,
    "history_mean_dpd": 1,
    "history_worst_dpd": 1,
    "history_worst_dpd_12m": 1,
    "history_latest_dpd": 1,
    "closed_loans": -1,
    "closed_late_share": 1,
    "closed_mean_dpd": 1,
    "closed_worst_dpd": 1,
    "closed_last_dpd": 1,
    "closed_last3_dpd": 1,
    "closed_mean_days_against_end": 1,
    "closed_last_days_against_end": 1,
    "closed_last3_days_against_end": 1,
    "gambling_share_90d": 1,
    "payment_to_income": 1,
    "debt_to_income": 1,
    "payment_to_salary": 1,
    "all_payments_to_income": 1,
    "residual_salary": -1,
    "employment_months": -1,
}

UNDERWRITING_CONSUMER = Line(
    name="underwriting/consumer",
    title="PD within 12 months of a consumer loan, at application",
    product="consumer",
    purpose=Purpose.UNDERWRITING,
    label=Label(days_past_due=30, window_months=12, ripening_months=1),
    decision_days=3,
    feature_service="underwriting_consumer",
    monotone=MappingProxyType(APPLICANT),
)

UNDERWRITING_AUTO = Line(
    name="underwriting/auto",
    title="PD within 12 months of an auto loan, at application",
    product="auto",
    purpose=Purpose.UNDERWRITING,
    label=Label(days_past_due=90, window_months=12, ripening_months=1),
    decision_days=3,
    feature_service="underwriting_auto",
    monotone=MappingProxyType(APPLICANT | {"ltv": 1, "loan_to_market": 1, "vehicle_price_to_value": 1}),
)
