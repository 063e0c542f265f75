"""What a model may know: the vehicle that is pledged, and its market."""

import entities
import sources
from declaring import YEARS, category, number, view

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
