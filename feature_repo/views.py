"""What a model may know: every feature, its type, source columns, freshness, purpose and owner."""

from datetime import timedelta

import entities
import sources
from declaring import category, number, view

# A value older than this is unknown, not stale.
YEARS = timedelta(days=3650)
PULL = timedelta(days=365)
ACCOUNT = timedelta(days=180)
MONTHLY = timedelta(days=31)  # the book is looked at anew each month

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

dealer = view(
    entities.application,
    sources.dealer,
    YEARS,
    "dealer desk",
    [
        number("dealer_applications_90d", "applications.dealer_id"),
        number("dealer_share_90d", "applications.dealer_id"),
        number("dealer_growth_30d", "applications.dealer_id"),
        number(
            "dealer_price_to_value_90d",
            "applications.dealer_id",
            "vehicles.list_price",
            "vehicles.appraised_value",
        ),
        number("dealer_bad_share", "applications.dealer_id", "repayments.days_past_due"),
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

history = view(
    entities.customer,
    sources.history,
    YEARS,
    "servicing",
    [
        number("history_loans", "repayments.loan_id"),
        number("history_closed", "repayments.balance"),
        number("history_instalments", "repayments.loan_id"),
        number("history_late_share", "repayments.days_past_due"),
        number("history_mean_dpd", "repayments.days_past_due"),
        number("history_worst_dpd", "repayments.days_past_due"),
        number("history_worst_dpd_12m", "repayments.days_past_due"),
        number("history_latest_dpd", "repayments.days_past_due"),
        number("history_paid_share", "repayments.paid_amount", "repayments.due_amount"),
    ],
)

open_loans = view(
    entities.customer,
    sources.open_loans,
    YEARS,
    "servicing",
    [
        number("open_loans", "repayments.balance", "loans.principal"),
        number("open_balance", "repayments.balance", "loans.principal"),
        number("open_used", "repayments.balance", "loans.principal"),
        number("open_instalments", "repayments.balance", "loans.instalment"),
        number("overdue_amount", "repayments.due_amount", "repayments.paid_amount"),
        number("overdue_loans", "repayments.days_past_due"),
        number("loans_lent", "loans.loan_id"),
        number("loans_lent_12m", "loans.loan_id", "loans.available_at"),
    ],
)

closed_loans = view(
    entities.customer,
    sources.closed_loans,
    YEARS,
    "servicing",
    [
        number("closed_loans", "repayments.balance"),
        number("closed_late_share", "repayments.days_past_due"),
        number("closed_mean_dpd", "repayments.days_past_due"),
        number("closed_worst_dpd", "repayments.days_past_due"),
        number("closed_last_dpd", "repayments.days_past_due"),
        number("closed_last3_dpd", "repayments.days_past_due"),
        number("closed_mean_days_against_end", "repayments.event_at", "loans.term_months"),
        number("closed_last_days_against_end", "repayments.event_at", "loans.term_months"),
        number("closed_last3_days_against_end", "repayments.event_at", "loans.term_months"),
        number("closed_largest_principal", "loans.principal"),
        number("closed_tenure_days", "loans.event_at", "repayments.available_at"),
    ],
)

TOLD = ("repayments.available_at", "repayments.event_at")
LATE = ("repayments.days_past_due", "repayments.available_at")
PAID = ("repayments.paid_amount", "repayments.due_amount", "repayments.available_at")
LEFT = ("repayments.balance", "loans.principal")

behaviour = view(
    entities.loan,
    sources.behaviour,
    MONTHLY,
    "servicing",
    [
        number("loan_age_months", "loans.event_at"),
        number("loan_months_left", "loans.event_at", "loans.term_months"),
        number("loan_rate", "loans.rate"),
        number("loan_instalment", "loans.instalment"),
        number("loan_instalments_told", *TOLD),
        number("loan_balance", "repayments.balance"),
        number("loan_balance_share", *LEFT),
        number("loan_balance_to_plan", *LEFT, "loans.rate", "loans.term_months", "loans.event_at"),
        number("loan_dpd", *LATE),
        number("loan_worst_dpd_3m", *LATE),
        number("loan_worst_dpd_6m", *LATE),
        number("loan_worst_dpd_12m", *LATE),
        number("loan_worst_dpd", *LATE),
        number("loan_mean_dpd_6m", *LATE),
        number("loan_late_share_6m", *LATE),
        number("loan_late_share", *LATE),
        number("loan_dpd_change_3m", *LATE),
        number("loan_cures", *LATE),
        number("loan_misses_in_a_row", *PAID),
        number("loan_misses_12m", *PAID),
        number("loan_instalments_since_miss", *PAID),
        number("loan_last_paid_share", *PAID),
        number("loan_paid_share_3m", *PAID),
        number("loan_paid_share_6m", *PAID),
        number("loan_paid_share", *PAID),
        number("loan_paid_change_3m", *PAID),
        number("loan_arrears", *PAID, "loans.instalment"),
        number("loan_partial_share_6m", *PAID),
        number("loan_over_share_6m", *PAID),
        number("loan_days_since_payment", "repayments.paid_amount", *TOLD),
        number("loan_days_since_told", *TOLD),
    ],
    purpose="servicing",
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

SEEN = ("links.kind", "links.shared_key")
WENT_BAD = (*SEEN, "repayments.days_past_due")

links = view(
    entities.customer,
    sources.links,
    YEARS,
    "fraud desk",
    [
        number("component_size", *SEEN),
        number("component_bad_share", *WENT_BAD),
        number("keys_shared", *SEEN),
        number("device_others", *SEEN),
        number("phone_others", *SEEN),
        number("address_others", *SEEN),
        number("bank_account_others", *SEEN),
        number("employer_others", *SEEN),
        number("guarantor_others", *SEEN),
        number("referrer_others", *SEEN),
        number("neighbour_bad_share", *WENT_BAD),
        number("referred_bad_share", *WENT_BAD),
        number("key_new_7d", *SEEN),
        number("key_new_30d", *SEEN),
    ],
    purpose="fraud",
)

MET = (*SEEN, "applications.available_at")
FOUND = (*MET, "cases.outcome", "cases.available_at")

strangers = view(
    entities.customer,
    sources.strangers,
    YEARS,
    "fraud desk",
    [
        number("device_strangers", *MET),
        number("phone_strangers", *MET),
        number("account_strangers", *MET),
        number("identity_others", "customers.id_number", "applications.available_at"),
        number("device_acquainted", *MET),
        number("phone_household", *MET),
        number("strangers_30d", *MET),
        number("sharers_confirmed", *FOUND),
    ],
    purpose="fraud",
)

SENT = (*MET, "links.own_key")

referrals = view(
    entities.customer,
    sources.referrals,
    YEARS,
    "fraud desk",
    [
        number("referred", *SENT),
        number("referrer_days", *SENT),
        number("referral_chain", *SENT),
        number("referrals_made", *SENT),
        number("referrals_made_quick", *SENT),
    ],
    purpose="fraud",
)

PRICED = ("applications.dealer_id", "vehicles.list_price", "vehicles.appraised_value")

dealer_conduct = view(
    entities.application,
    sources.dealer_conduct,
    YEARS,
    "dealer desk",
    [
        number("dealer_known_days", "applications.dealer_id", "applications.available_at"),
        number("dealer_newcomer_share_90d", "applications.dealer_id", "applications.customer_id"),
        number("dealer_dear_share_90d", *PRICED),
        number("dealer_dear_90d", *PRICED),
    ],
    purpose="fraud",
)

vehicle = view(
    entities.vehicle,
    sources.vehicle,
    YEARS,
    "collateral",
    [
        number("vehicle_value", "vehicles.appraised_value", "vehicles.list_price"),
        number("vehicle_age", "vehicles.model_year"),
        number("vehicle_new", "vehicles.condition"),
        number("vehicle_mileage_km", "vehicles.mileage_km"),
        number("vehicle_km_a_year", "vehicles.mileage_km", "vehicles.model_year"),
        number("vehicle_price_to_value", "vehicles.list_price", "vehicles.appraised_value"),
        category("vehicle_make", "vehicles.make"),
    ],
)

ALIKE = ("vehicles.make", "vehicles.model", "vehicles.model_year")
WORTH = (*ALIKE, "vehicles.appraised_value", "vehicles.list_price")

vehicle_market = view(
    entities.vehicle,
    sources.vehicle_market,
    YEARS,
    "collateral",
    [
        number("vehicle_market_value", *WORTH),
        number("vehicle_value_to_market", *WORTH),
        number("vehicle_price_to_market", *ALIKE, "vehicles.list_price"),
        number("vehicle_residual_share", *WORTH),
        number("vehicle_yearly_depreciation", *WORTH),
        number("used_vehicle_index", "market.used_vehicle_index"),
        number("used_vehicle_index_change_12m", "market.used_vehicle_index"),
    ],
)

vehicle_kind = view(
    entities.vehicle,
    sources.vehicle_kind,
    YEARS,
    "collateral",
    [
        number("vehicle_age_years", "vehicles.model_year", "vehicles.event_at"),
        category("vehicle_model", "vehicles.make", "vehicles.model"),
        category("vehicle_fuel", "vehicles.fuel"),
        category("vehicle_transmission", "vehicles.transmission"),
        number("vehicle_engine_litres", "vehicles.engine_litres"),
        number("vehicle_litres_100km", "vehicles.litres_100km"),
        number("vehicle_yearly_tax", "vehicles.yearly_tax"),
    ],
    purpose="valuation",
)

ASKED = ("applications.customer_id", "applications.available_at")
LENT = ("loans.loan_id", "loans.available_at")

outreach = view(
    entities.customer,
    sources.outreach,
    YEARS,
    "customer relations",
    [
        number("outreach_contacts", "contacts.contact_id", "contacts.available_at"),
        number("outreach_answer_share", "contacts.response"),
        category("outreach_last_offer", "contacts.offer", "contacts.randomised"),
        number("outreach_last_limit", "contacts.limit_amount", "contacts.randomised"),
        number("outreach_last_rate", "contacts.rate", "contacts.randomised"),
        number("outreach_applications", *ASKED),
        number("outreach_auto_share", *ASKED, "applications.product"),
        number("outreach_loans", *LENT),
        number("outreach_lent_share", *LENT, *ASKED),
    ],
    purpose="marketing",
)
