"""What a model may know: one feature service per line. What isn't here, that line can't ask for."""

import on_demand
import views
from feast import FeatureService

_APPLICANT = [
    views.application,
    views.text,
    views.customer,
    views.bureau,
    views.history,
    views.open_loans,
    views.closed_loans,
    views.transactions,
    on_demand.affordability,
    on_demand.means,
    on_demand.experience,
]
_VEHICLE = [views.vehicle, views.vehicle_market, views.dealer, on_demand.collateral, on_demand.market_value]

underwriting_consumer = FeatureService(
    name="underwriting_consumer",
    features=_APPLICANT,
    owner="credit risk",
    tags={"purpose": "underwriting"},
)

underwriting_auto = FeatureService(
    name="underwriting_auto",
    features=[*_APPLICANT, *_VEHICLE],
    owner="credit risk",
    tags={"purpose": "underwriting"},
)

fraud = FeatureService(
    name="fraud",
    features=[*_APPLICANT, *_VEHICLE, views.geography, views.links],
    owner="fraud desk",
    tags={"purpose": "fraud"},
)
