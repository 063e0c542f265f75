"""What a model may know: every feature, its type, source columns, freshness, purpose and owner."""

from datetime import timedelta

import entities
import sources
from feast import Entity, FeatureView, Field, FileSource
from feast.types import Float64, PrimitiveFeastType, String

# A value older than this is unknown, not stale.
YEARS = timedelta(days=3650)
PULL = timedelta(days=365)
ACCOUNT = timedelta(days=180)


def _number(name: str, *columns: str) -> Field:
    return _field(name, Float64, columns)


def _category(name: str, *columns: str) -> Field:
    return _field(name, String, columns)


def _field(name: str, kind: PrimitiveFeastType, columns: tuple[str, ...]) -> Field:
    return Field(name=name, dtype=kind, tags={"from": ",".join(columns)})


def _view(entity: Entity, source: FileSource, ttl: timedelta, owner: str, fields: list[Field]) -> FeatureView:
    return FeatureView(
        name=source.name.removesuffix("_table"),
        entities=[entity],
        ttl=ttl,
        source=source,
        schema=fields,
        owner=owner,
        tags={"purpose": "underwriting"},
    )


application = _view(
    entities.application,
    sources.application,
    YEARS,
    "originations",
    [
        _number("amount", "applications.amount"),
        _number("term_months", "applications.term_months"),
        _number("declared_income", "applications.declared_income"),
        _number("declared_debt_payments", "applications.declared_debt_payments"),
        _number("income_verified", "applications.income_verified"),
        _category("employment_status", "applications.employment_status"),
        _number("employment_months", "applications.employment_months"),
        _category("housing", "applications.housing"),
        _category("channel", "applications.channel"),
        _category("loan_purpose", "applications.purpose"),
        _number("repeat_customer", "applications.repeat_customer"),
        _number("text_length", "applications.free_text"),
        _number("applications_12m", "applications.customer_id", "applications.available_at"),
        _number("days_since_last_application", "applications.customer_id", "applications.available_at"),
        _number("days_since_last_loan_ended", "repayments.balance", "repayments.available_at"),
    ],
)

customer = _view(
    entities.customer,
    sources.customer,
    YEARS,
    "originations",
    [
        _category("education", "customers.education"),
        _category("bank_name", "customers.bank_name"),
        _category("bank_account_type", "customers.bank_account_type"),
    ],
)

bureau = _view(
    entities.customer,
    sources.bureau,
    PULL,
    "bureau desk",
    [
        _number("bureau_score", "bureau_reports.score"),
        _number("bureau_open_accounts", "bureau_reports.open_accounts"),
        _number("bureau_total_balance", "bureau_reports.total_balance"),
        _number("bureau_overdue_balance", "bureau_reports.overdue_balance"),
        _number("bureau_delinquencies_24m", "bureau_reports.delinquencies_24m"),
        _number("bureau_inquiries_6m", "bureau_reports.inquiries_6m"),
        _number("bureau_oldest_account_months", "bureau_reports.oldest_account_months"),
        _number("bureau_utilisation", "bureau_reports.utilisation"),
        _number("bureau_public_records", "bureau_reports.public_records"),
        _number("bureau_thin", "bureau_reports.score", "bureau_reports.open_accounts"),
        _number("bureau_score_change", "bureau_reports.score"),
        _number("bureau_pulls_12m", "bureau_reports.available_at"),
    ],
)

history = _view(
    entities.customer,
    sources.history,
    YEARS,
    "servicing",
    [
        _number("history_loans", "repayments.loan_id"),
        _number("history_closed", "repayments.balance"),
        _number("history_instalments", "repayments.loan_id"),
        _number("history_late_share", "repayments.days_past_due"),
        _number("history_mean_dpd", "repayments.days_past_due"),
        _number("history_worst_dpd", "repayments.days_past_due"),
        _number("history_worst_dpd_12m", "repayments.days_past_due"),
        _number("history_latest_dpd", "repayments.days_past_due"),
        _number("history_paid_share", "repayments.paid_amount", "repayments.due_amount"),
    ],
)

closed_loans = _view(
    entities.customer,
    sources.closed_loans,
    YEARS,
    "servicing",
    [
        _number("closed_loans", "repayments.balance"),
        _number("closed_late_share", "repayments.days_past_due"),
        _number("closed_mean_dpd", "repayments.days_past_due"),
        _number("closed_worst_dpd", "repayments.days_past_due"),
        _number("closed_last_dpd", "repayments.days_past_due"),
        _number("closed_last3_dpd", "repayments.days_past_due"),
        _number("closed_mean_days_against_end", "repayments.event_at", "loans.term_months"),
        _number("closed_last_days_against_end", "repayments.event_at", "loans.term_months"),
        _number("closed_last3_days_against_end", "repayments.event_at", "loans.term_months"),
        _number("closed_largest_principal", "loans.principal"),
        _number("closed_tenure_days", "loans.event_at", "repayments.available_at"),
    ],
)

transactions = _view(
    entities.customer,
    sources.transactions,
    ACCOUNT,
    "open banking",
    [
        _number("transactions_90d", "transactions.available_at"),
        _number("inflow_90d", "transactions.amount", "transactions.direction"),
        _number("outflow_90d", "transactions.amount", "transactions.direction"),
        _number("salary_90d", "transactions.amount", "transactions.category"),
        _number("salaries_90d", "transactions.category"),
        _number("cash_share_90d", "transactions.amount", "transactions.category"),
        _number("gambling_share_90d", "transactions.amount", "transactions.category"),
        _number("spend_ratio_90d", "transactions.amount", "transactions.direction"),
        _number("transactions_30d", "transactions.available_at"),
    ],
)

vehicle = _view(
    entities.vehicle,
    sources.vehicle,
    YEARS,
    "collateral",
    [
        _number("vehicle_value", "vehicles.appraised_value", "vehicles.list_price"),
        _number("vehicle_age", "vehicles.model_year"),
        _number("vehicle_new", "vehicles.condition"),
        _number("vehicle_mileage_km", "vehicles.mileage_km"),
        _category("vehicle_make", "vehicles.make"),
    ],
)
