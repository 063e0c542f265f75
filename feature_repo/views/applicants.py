"""What a model may know: what an applicant states, and what the bureau and the account tell of them."""

import entities
import sources
from declaring import ACCOUNT, PULL, YEARS, category, number, view

application = view(
    entities.application,
    sources.application,
    YEARS,
    "originations",
    [
        number("amount", "applications.amount"),
        number("term_months", "applications.term_months"),
        number("declared_income", "applications.declared_income"),
        number("declared_debt_payments", "applications.declared_debt_payments"),
        number("income_verified", "applications.income_verified"),
        category("employment_status", "applications.employment_status"),
        number("employment_months", "applications.employment_months"),
        category("housing", "applications.housing"),
        category("channel", "applications.channel"),
        category("loan_purpose", "applications.purpose"),
        number("repeat_customer", "applications.repeat_customer"),
        number("applications_12m", "applications.customer_id", "applications.available_at"),
        number("days_since_last_application", "applications.customer_id", "applications.available_at"),
        number("days_since_last_loan_ended", "repayments.balance", "repayments.available_at"),
        number("distance_to_last_km", "applications.lat", "applications.lon"),
    ],
)

text = view(
    entities.application,
    sources.text,
    YEARS,
    "originations",
    [
        number("text_length", "applications.free_text"),
        number("text_digit_share", "applications.free_text"),
        *(number(f"text_topic_{topic}", "applications.free_text") for topic in range(1, 9)),
    ],
)

geography = view(
    entities.application,
    sources.geography,
    YEARS,
    "originations",
    [
        number("area_application_share_12m", "applications.lat", "applications.lon"),
        number("area_bad_share", "applications.lat", "applications.lon", "repayments.days_past_due"),
    ],
)

customer = view(
    entities.customer,
    sources.customer,
    YEARS,
    "originations",
    [
        category("education", "customers.education"),
        category("bank_name", "customers.bank_name"),
        category("bank_account_type", "customers.bank_account_type"),
    ],
)

bureau = view(
    entities.customer,
    sources.bureau,
    PULL,
    "bureau desk",
    [
        number("bureau_score", "bureau_reports.score"),
        number("bureau_open_accounts", "bureau_reports.open_accounts"),
        number("bureau_total_balance", "bureau_reports.total_balance"),
        number("bureau_overdue_balance", "bureau_reports.overdue_balance"),
        number("bureau_overdue_share", "bureau_reports.overdue_balance", "bureau_reports.total_balance"),
        number("bureau_delinquencies_24m", "bureau_reports.delinquencies_24m"),
        number("bureau_inquiries_6m", "bureau_reports.inquiries_6m"),
        number("bureau_oldest_account_months", "bureau_reports.oldest_account_months"),
        number("bureau_utilisation", "bureau_reports.utilisation"),
        number("bureau_public_records", "bureau_reports.public_records"),
        number("bureau_thin", "bureau_reports.score", "bureau_reports.open_accounts"),
        number("bureau_score_change", "bureau_reports.score"),
        number("bureau_balance_change", "bureau_reports.total_balance"),
        number("bureau_overdue_change", "bureau_reports.overdue_balance"),
        number("bureau_inquiries_change", "bureau_reports.inquiries_6m"),
        number("bureau_days_since_pull", "bureau_reports.available_at"),
        number("bureau_score_change_12m", "bureau_reports.score"),
        number("bureau_balance_change_12m", "bureau_reports.total_balance"),
        number("bureau_overdue_change_12m", "bureau_reports.overdue_balance"),
        number("bureau_pulls_12m", "bureau_reports.available_at"),
    ],
)

FLOW = ("transactions.amount", "transactions.direction")
SPENT = ("transactions.amount", "transactions.category")

transactions = view(
    entities.customer,
    sources.transactions,
    ACCOUNT,
    "open banking",
    [
        number("transactions_30d", "transactions.available_at"),
        number("transactions_90d", "transactions.available_at"),
        number("transactions_365d", "transactions.available_at"),
        number("inflow_30d", *FLOW),
        number("inflow_90d", *FLOW),
        number("inflow_365d", *FLOW),
        number("outflow_30d", *FLOW),
        number("outflow_90d", *FLOW),
        number("outflow_365d", *FLOW),
        number("salary_90d", *SPENT),
        number("salary_365d", *SPENT),
        number("salaries_90d", "transactions.category"),
        number("salary_payment_90d", *SPENT),
        number("cash_share_90d", *SPENT),
        number("gambling_share_90d", *SPENT),
        number("gambling_share_365d", *SPENT),
        number("spend_ratio_90d", *FLOW),
        number("spend_ratio_365d", *FLOW),
        number("night_share_90d", "transactions.event_at"),
        number("inflow_trend_30d", *FLOW),
        number("outflow_trend_30d", *FLOW),
        number("inflow_trend_90d", *FLOW),
        number("outflow_trend_90d", *FLOW),
        number("net_flow_sd_6m", *FLOW),
        number("salary_month_share_6m", "transactions.category"),
        number("salary_gap_sd_365d", "transactions.category", "transactions.event_at"),
    ],
)
