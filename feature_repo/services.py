"""What a model may know: one feature service per line. What isn't here, that line can't ask for."""

import on_demand
import views
from feast import FeatureService

_APPLICANT = [
    views.application,
    views.customer,
    views.bureau,
    views.history,
    views.closed_loans,
    views.transactions,
    on_demand.affordability,
    on_demand.experience,
]

underwriting_consumer = FeatureService(
    name="underwriting_consumer",
    features=_APPLICANT,
    owner="credit risk",
    tags={"purpose": "underwriting"},
)

underwriting_auto = FeatureService(
    name="underwriting_auto",
    features=[*_APPLICANT, views.vehicle, on_demand.collateral],
    owner="credit risk",
    tags={"purpose": "underwriting"},
)
