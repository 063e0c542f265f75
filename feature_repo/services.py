"""What a model may know: one feature service per line. What isn't here, that line can't ask for.

What a view tells beyond its service's part only blurred the ranking of applicants when it was tried.
"""

import on_demand
import views
from feast import FeatureService, FeatureView, OnDemandFeatureView
from feast.feature_view_projection import FeatureViewProjection


def _only(view: FeatureView | OnDemandFeatureView, *names: str) -> FeatureViewProjection:
    return view[list(names)]


def _but(view: FeatureView, *names: str) -> FeatureViewProjection:
    return view[[field.name for field in view.features if field.name not in names]]


_APPLICANT = [
    _but(views.application, "distance_to_last_km"),
    _only(views.text, "text_length"),
    views.customer,
    _but(
        views.bureau,
        "bureau_overdue_share",
        "bureau_balance_change",
        "bureau_overdue_change",
        "bureau_inquiries_change",
        "bureau_days_since_pull",
        "bureau_score_change_12m",
        "bureau_balance_change_12m",
        "bureau_overdue_change_12m",
    ),
    views.history,
    _only(views.open_loans, "open_instalments"),
    views.closed_loans,
    _only(
        views.transactions,
        "transactions_30d",
        "transactions_90d",
        "inflow_90d",
        "outflow_90d",
        "salary_90d",
        "salaries_90d",
        "salary_payment_90d",
        "cash_share_90d",
        "gambling_share_90d",
        "spend_ratio_90d",
        "net_flow_sd_6m",
    ),
    on_demand.affordability,
    _only(on_demand.means, "payment_to_salary", "all_payments_to_income", "residual_salary"),
    on_demand.experience,
]

_COLLATERAL = [
    _but(views.vehicle, "vehicle_km_a_year"),
    _only(views.vehicle_market, "vehicle_market_value", "vehicle_price_to_market"),
    _only(views.dealer, "dealer_price_to_value_90d"),
    on_demand.collateral,
    on_demand.market_value,
]

underwriting_consumer = FeatureService(
    name="underwriting_consumer",
    features=_APPLICANT,
    owner="credit risk",
    tags={"purpose": "underwriting"},
)

underwriting_auto = FeatureService(
    name="underwriting_auto",
    features=[*_APPLICANT, *_COLLATERAL],
    owner="credit risk",
    tags={"purpose": "underwriting"},
)

_ON_THE_BOOK = [
    views.behaviour,
    _but(
        views.application, "distance_to_last_km", "days_since_last_loan_ended", "days_since_last_application"
    ),
    views.customer,
    _only(
        views.bureau,
        "bureau_score",
        "bureau_open_accounts",
        "bureau_total_balance",
        "bureau_overdue_balance",
        "bureau_delinquencies_24m",
        "bureau_inquiries_6m",
        "bureau_oldest_account_months",
        "bureau_utilisation",
    ),
    _only(
        views.history, "history_loans", "history_late_share", "history_worst_dpd_12m", "history_latest_dpd"
    ),
    _only(
        views.open_loans, "open_loans", "open_balance", "open_instalments", "overdue_amount", "overdue_loans"
    ),
    _only(
        views.transactions,
        "transactions_90d",
        "inflow_90d",
        "outflow_90d",
        "salary_90d",
        "salaries_90d",
        "cash_share_90d",
        "gambling_share_90d",
        "net_flow_sd_6m",
    ),
    on_demand.affordability,
]

early_warning_consumer = FeatureService(
    name="early_warning_consumer",
    features=_ON_THE_BOOK,
    owner="servicing",
    tags={"purpose": "servicing"},
)

early_warning_auto = FeatureService(
    name="early_warning_auto",
    features=[
        *_ON_THE_BOOK,
        _only(views.vehicle, "vehicle_value", "vehicle_age", "vehicle_new", "vehicle_make"),
        _only(views.vehicle_market, "vehicle_yearly_depreciation", "vehicle_residual_share"),
        on_demand.collateral,
        on_demand.collateral_now,
    ],
    owner="servicing",
    tags={"purpose": "servicing"},
)

fraud = FeatureService(
    name="fraud",
    features=[
        views.application,
        views.text,
        views.geography,
        views.dealer,
        views.customer,
        views.bureau,
        views.history,
        views.open_loans,
        views.closed_loans,
        views.transactions,
        views.links,
        views.strangers,
        views.referrals,
        views.dealer_conduct,
        views.vehicle,
        views.vehicle_market,
        on_demand.affordability,
        on_demand.means,
        on_demand.experience,
        on_demand.collateral,
        on_demand.market_value,
    ],
    owner="fraud desk",
    tags={"purpose": "fraud"},
)

# Who shares a key without an honest reason, who sent whom, how a dealer carries on. Not how many share a
# key: that accuses families and call centres. Not how well somebody pays: cases are often opened for a
# default, and a model of defaults would find those again.
application_fraud = FeatureService(
    name="application_fraud",
    features=[
        _only(
            views.application,
            "amount",
            "term_months",
            "employment_months",
            "housing",
            "channel",
            "loan_purpose",
            "repeat_customer",
            "applications_12m",
            "days_since_last_application",
            "distance_to_last_km",
        ),
        _only(views.bureau, "bureau_thin", "bureau_pulls_12m"),
        _but(views.strangers, "device_acquainted", "phone_household"),
        views.referrals,
        views.dealer,
        views.dealer_conduct,
        _only(views.vehicle, "vehicle_price_to_value"),
        _only(views.vehicle_market, "vehicle_price_to_market"),
    ],
    owner="fraud desk",
    tags={"purpose": "fraud"},
)

vehicle_value = FeatureService(
    name="vehicle_value",
    features=[
        _only(views.vehicle, "vehicle_make", "vehicle_new", "vehicle_mileage_km"),
        views.vehicle_kind,
    ],
    owner="collateral",
    tags={"purpose": "valuation"},
)

# What an offer may know of a customer who agreed to offers: how they dealt with us, and nothing that only a
# lender may know. Incomes, balances and lateness would tell more, and serve other purposes.
uptake = FeatureService(
    name="uptake",
    features=[views.outreach],
    owner="customer relations",
    tags={"purpose": "marketing"},
)

# Who is given a limit has asked for nothing: no application tells of the day, and what is known is known of
# the customer alone.
limit_response = FeatureService(
    name="limit_response",
    features=[
        views.customer,
        _only(
            views.bureau,
            "bureau_score",
            "bureau_open_accounts",
            "bureau_total_balance",
            "bureau_overdue_balance",
            "bureau_delinquencies_24m",
            "bureau_inquiries_6m",
            "bureau_oldest_account_months",
            "bureau_utilisation",
            "bureau_thin",
        ),
        _only(
            views.history,
            "history_loans",
            "history_instalments",
            "history_late_share",
            "history_mean_dpd",
            "history_worst_dpd",
            "history_latest_dpd",
            "history_paid_share",
        ),
        _only(
            views.open_loans,
            "open_loans",
            "open_balance",
            "open_instalments",
            "overdue_amount",
            "overdue_loans",
        ),
        _only(views.closed_loans, "closed_loans", "closed_late_share", "closed_worst_dpd"),
        _only(
            views.transactions,
            "transactions_90d",
            "inflow_90d",
            "outflow_90d",
            "salary_90d",
            "salary_365d",
            "salaries_90d",
            "cash_share_90d",
            "gambling_share_90d",
            "spend_ratio_90d",
            "net_flow_sd_6m",
        ),
    ],
    owner="servicing",
    tags={"purpose": "servicing"},
)
