"""What is predicted: which loan on the book will be 60 days late within six months, asked each month anew."""

from __future__ import annotations

from types import MappingProxyType

from loanbook.lines.underwriting import APPLICANT
from loanbook.schema import LOAN_MONTH, Line, Purpose, Recurring

LABEL = Recurring(days_past_due=60, window_months=6, ripening_months=1, every_months=3)

BEHAVIOUR = {
    "loan_dpd": 1,
    "loan_worst_dpd_3m": 1,
    "loan_worst_dpd_6m": 1,
    "loan_worst_dpd_12m": 1,
    "loan_worst_dpd": 1,
    "loan_mean_dpd_6m": 1,
    "loan_late_share_6m": 1,
    "loan_late_share": 1,
    "loan_misses_in_a_row": 1,
    "loan_misses_12m": 1,
    "loan_days_since_payment": 1,
    "loan_balance_to_plan": 1,
}
APPLIED = {
    name: APPLICANT[name]
    for name in (
        "bureau_score",
        "bureau_delinquencies_24m",
        "bureau_inquiries_6m",
        "bureau_overdue_balance",
        "bureau_utilisation",
        "history_worst_dpd_12m",
        "payment_to_income",
        "debt_to_income",
        "employment_months",
    )
}

EARLY_WARNING_CONSUMER = Line(
    name="early_warning/consumer",
    title="Probability that a consumer loan on the book is 60 days late within 6 months",
    product="consumer",
    purpose=Purpose.SERVICING,
    label=LABEL,
    decision_days=0,
    feature_service="early_warning_consumer",
    monotone=MappingProxyType(APPLIED | BEHAVIOUR),
    grain=LOAN_MONTH,
)

EARLY_WARNING_AUTO = Line(
    name="early_warning/auto",
    title="Probability that an auto loan on the book is 60 days late within 6 months",
    product="auto",
    purpose=Purpose.SERVICING,
    label=LABEL,
    decision_days=0,
    feature_service="early_warning_auto",
    monotone=MappingProxyType(APPLIED | BEHAVIOUR | {"balance_to_value": 1}),
    grain=LOAN_MONTH,
)
