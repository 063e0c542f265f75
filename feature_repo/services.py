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

vehicle_value = FeatureService(
    name="vehicle_value",
    features=[
        _only(views.vehicle, "vehicle_make", "vehicle_new", "vehicle_mileage_km"),
        views.vehicle_kind,
    ],
    owner="collateral",
    tags={"purpose": "valuation"},
)
