"""What must hold of vehicles: one row per vehicle."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import CLOCKS, held, noted, of, spread, whole_texts

DERIVED = {
    **CLOCKS,
    "model_year_ahead": "model_year - year(event_at)",
    "value_to_list": "appraised_value::DOUBLE / nullif(list_price, 0)::DOUBLE",
    "km_when_new": "CASE condition WHEN 'new' THEN mileage_km END",
    "km_when_old": "CASE WHEN year(event_at) - model_year >= 25 THEN mileage_km END",
}

RULES = (
    *of("vehicles"),
    gxe.ExpectColumnValuesToNotBeNull(column="make", **held("make_given", "a vehicle has a maker")),
    gxe.ExpectColumnValuesToNotBeNull(
        column="model_year", **held("model_year_given", "a vehicle has a model year")
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="model_year",
        min_value=1950,
        **held("model_year_not_before_1950", "no car on the road is that old"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="model_year_ahead",
        max_value=2,
        **held("model_year_not_ahead", "a model year is at most two years ahead of the day", "model_year"),
    ),
    gxe.ExpectColumnValuesToBeInSet(
        column="condition",
        value_set=["new", "used"],
        **held("condition_of_its_kinds", "a vehicle is new or used"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="list_price",
        min_value=0,
        strict_min=True,
        **held("list_price_positive", "it must be above zero"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="appraised_value",
        min_value=0,
        strict_min=True,
        **held("appraised_value_positive", "it must be above zero"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="mileage_km",
        min_value=0,
        max_value=2000000,
        **held("mileage_plausible", "it lies within 0 and 2,000,000 km"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="engine_litres",
        min_value=0,
        max_value=12,
        **held("engine_plausible", "it lies within 0 and 12 litres"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="litres_100km",
        min_value=0,
        max_value=60,
        **held("consumption_plausible", "it lies within 0 and 60 litres for 100 km"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="yearly_tax",
        min_value=0,
        **held("yearly_tax_not_negative", "nobody is paid for a vehicle's tax"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="value_to_list",
        min_value=0.01,
        max_value=2,
        **noted("value_fits_list_price", "value and price are far apart", "appraised_value", "list_price"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="km_when_new",
        max_value=5000,
        **noted("new_is_new", "a new vehicle has hardly been driven", "mileage_km", "condition"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="km_when_old",
        min_value=30000,
        **noted("old_is_driven", "25 years and hardly driven", "mileage_km", "model_year"),
    ),
    *whole_texts("vehicles", "make", "model"),
    *spread("list_price", "condition"),
)
