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


def _view(
    entity: Entity,
    source: FileSource,
    ttl: timedelta,
    owner: str,
    fields: list[Field],
    purpose: str = "underwriting",
) -> FeatureView:
    return FeatureView(
        name=source.name.removesuffix("_table"),
        entities=[entity],
        ttl=ttl,
        source=source,
        schema=fields,
        owner=owner,
        tags={"purpose": purpose},
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
        _number("applications_12m", "applications.customer_id", "applications.available_at"),
        _number("days_since_last_application", "applications.customer_id", "applications.available_at"),
        _number("days_since_last_loan_ended", "repayments.balance", "repayments.available_at"),
        _number("distance_to_last_km", "applications.lat", "applications.lon"),
    ],
)

text = _view(
    entities.application,
    sources.text,
    YEARS,
    "originations",
    [
        _number("text_length", "applications.free_text"),
        _number("text_digit_share", "applications.free_text"),
        *(_number(f"text_topic_{number}", "applications.free_text") for number in range(1, 9)),
    ],
)

geography = _view(
    entities.application,
    sources.geography,
    YEARS,
    "originations",
    [
        _number("area_application_share_12m", "applications.lat", "applications.lon"),
        _number("area_bad_share", "applications.lat", "applications.lon", "repayments.days_past_due"),
    ],
)

dealer = _view(
    entities.application,
    sources.dealer,
    YEARS,
    "dealer desk",
    [
        _number("dealer_applications_90d", "applications.dealer_id"),
        _number("dealer_share_90d", "applications.dealer_id"),
        _number("dealer_growth_30d", "applications.dealer_id"),
        _number(
            "dealer_price_to_value_90d",
            "applications.dealer_id",
            "vehicles.list_price",
            "vehicles.appraised_value",
        ),
        _number("dealer_bad_share", "applications.dealer_id", "repayments.days_past_due"),
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
        _number("bureau_overdue_share", "bureau_reports.overdue_balance", "bureau_reports.total_balance"),
        _number("bureau_delinquencies_24m", "bureau_reports.delinquencies_24m"),
        _number("bureau_inquiries_6m", "bureau_reports.inquiries_6m"),
        _number("bureau_oldest_account_months", "bureau_reports.oldest_account_months"),
        _number("bureau_utilisation", "bureau_reports.utilisation"),
        _number("bureau_public_records", "bureau_reports.public_records"),
        _number("bureau_thin", "bureau_reports.score", "bureau_reports.open_accounts"),
        _number("bureau_score_change", "bureau_reports.score"),
        _number("bureau_balance_change", "bureau_reports.total_balance"),
        _number("bureau_overdue_change", "bureau_reports.overdue_balance"),
        _number("bureau_inquiries_change", "bureau_reports.inquiries_6m"),
        _number("bureau_days_since_pull", "bureau_reports.available_at"),
        _number("bureau_score_change_12m", "bureau_reports.score"),
        _number("bureau_balance_change_12m", "bureau_reports.total_balance"),
        _number("bureau_overdue_change_12m", "bureau_reports.overdue_balance"),
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

open_loans = _view(
    entities.customer,
    sources.open_loans,
    YEARS,
    "servicing",
    [
        _number("open_loans", "repayments.balance", "loans.principal"),
        _number("open_balance", "repayments.balance", "loans.principal"),
        _number("open_used", "repayments.balance", "loans.principal"),
        _number("open_instalments", "repayments.balance", "loans.instalment"),
        _number("overdue_amount", "repayments.due_amount", "repayments.paid_amount"),
        _number("overdue_loans", "repayments.days_past_due"),
        _number("loans_lent", "loans.loan_id"),
        _number("loans_lent_12m", "loans.loan_id", "loans.available_at"),
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

FLOW = ("transactions.amount", "transactions.direction")
SPENT = ("transactions.amount", "transactions.category")

transactions = _view(
    entities.customer,
    sources.transactions,
    ACCOUNT,
    "open banking",
    [
        _number("transactions_30d", "transactions.available_at"),
        _number("transactions_90d", "transactions.available_at"),
        _number("transactions_365d", "transactions.available_at"),
        _number("inflow_30d", *FLOW),
        _number("inflow_90d", *FLOW),
        _number("inflow_365d", *FLOW),
        _number("outflow_30d", *FLOW),
        _number("outflow_90d", *FLOW),
        _number("outflow_365d", *FLOW),
        _number("salary_90d", *SPENT),
        _number("salary_365d", *SPENT),
        _number("salaries_90d", "transactions.category"),
        _number("salary_payment_90d", *SPENT),
        _number("cash_share_90d", *SPENT),
        _number("gambling_share_90d", *SPENT),
        _number("gambling_share_365d", *SPENT),
        _number("spend_ratio_90d", *FLOW),
        _number("spend_ratio_365d", *FLOW),
        _number("night_share_90d", "transactions.event_at"),
        _number("inflow_trend_30d", *FLOW),
        _number("outflow_trend_30d", *FLOW),
        _number("inflow_trend_90d", *FLOW),
        _number("outflow_trend_90d", *FLOW),
        _number("net_flow_sd_6m", *FLOW),
        _number("salary_month_share_6m", "transactions.category"),
        _number("salary_gap_sd_365d", "transactions.category", "transactions.event_at"),
    ],
)

SEEN = ("links.kind", "links.shared_key")
WENT_BAD = (*SEEN, "repayments.days_past_due")

links = _view(
    entities.customer,
    sources.links,
    YEARS,
    "fraud desk",
    [
        _number("component_size", *SEEN),
        _number("component_bad_share", *WENT_BAD),
        _number("keys_shared", *SEEN),
        _number("device_others", *SEEN),
        _number("phone_others", *SEEN),
        _number("address_others", *SEEN),
        _number("bank_account_others", *SEEN),
        _number("employer_others", *SEEN),
        _number("guarantor_others", *SEEN),
        _number("referrer_others", *SEEN),
        _number("neighbour_bad_share", *WENT_BAD),
        _number("referred_bad_share", *WENT_BAD),
        _number("key_new_7d", *SEEN),
        _number("key_new_30d", *SEEN),
    ],
    purpose="fraud",
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
        _number("vehicle_km_a_year", "vehicles.mileage_km", "vehicles.model_year"),
        _number("vehicle_price_to_value", "vehicles.list_price", "vehicles.appraised_value"),
        _category("vehicle_make", "vehicles.make"),
    ],
)

ALIKE = ("vehicles.make", "vehicles.model", "vehicles.model_year")
WORTH = (*ALIKE, "vehicles.appraised_value", "vehicles.list_price")

vehicle_market = _view(
    entities.vehicle,
    sources.vehicle_market,
    YEARS,
    "collateral",
    [
        _number("vehicle_market_value", *WORTH),
        _number("vehicle_value_to_market", *WORTH),
        _number("vehicle_price_to_market", *ALIKE, "vehicles.list_price"),
        _number("vehicle_residual_share", *WORTH),
        _number("vehicle_yearly_depreciation", *WORTH),
        _number("used_vehicle_index", "market.used_vehicle_index"),
        _number("used_vehicle_index_change_12m", "market.used_vehicle_index"),
    ],
)
