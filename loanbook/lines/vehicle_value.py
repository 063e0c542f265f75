"""What is predicted: what a vehicle is worth on the day it is valued, and months later."""

from __future__ import annotations

from types import MappingProxyType

from loanbook.schema import VEHICLE, Amount, Line, Purpose

VEHICLE_VALUE = Line(
    name="vehicle_value",
    title="What a vehicle is worth, by quantiles, now and in months to come",
    product="vehicle",
    purpose=Purpose.VALUATION,
    label=Amount(
        table="vehicles",
        column="appraised_value",
        quantiles=(0.1, 0.5, 0.9),
        indexed="used_vehicle_index",
    ),
    decision_days=0,
    feature_service="vehicle_value",
    monotone=MappingProxyType({"vehicle_age_years": -1, "vehicle_mileage_km": -1, "vehicle_new": 1}),
    grain=VEHICLE,
)
