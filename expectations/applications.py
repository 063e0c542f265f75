"""What must hold of applications: one row per application."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import (
    CLOCKS,
    as_written,
    garbled_texts,
    held,
    not_cut_short,
    noted,
    of,
    spread,
    whole_texts,
)

DERIVED = {
    **CLOCKS,
    "place_whole": "(lat IS NULL) = (lon IS NULL)",
    "pledge_fits_product": "product = 'consumer' OR vehicle_id IS NOT NULL",
    "amount_to_income": "amount::DOUBLE / nullif(declared_income, 0)::DOUBLE",
    "debts_to_income": "12 * declared_debt_payments::DOUBLE / nullif(declared_income, 0)::DOUBLE",
}

RULES = (
    *of("applications"),
    gxe.ExpectColumnValuesToNotBeNull(
        column="product", **held("product_given", "an application is for a product")
    ),
    gxe.ExpectColumnValuesToBeInSet(
        column="product",
        value_set=["auto", "consumer"],
        **held("product_of_its_kinds", "the products are auto and consumer"),
    ),
    gxe.ExpectColumnValuesToNotBeNull(
        column="amount", **held("amount_given", "an application asks for an amount")
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="amount", min_value=0, strict_min=True, **held("amount_positive", "it must be above zero")
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="term_months",
        min_value=0,
        max_value=480,
        strict_min=True,
        **held("term_plausible", "a term is over 0 and at most 480 months"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="declared_income", min_value=0, **held("income_not_negative", "it can't be below zero")
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="declared_debt_payments",
        min_value=0,
        **held("debt_payments_not_negative", "it can't be below zero"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="employment_months",
        min_value=0,
        max_value=1000,
        **held("employment_plausible", "nobody is employed for under 0 or over 1,000 months"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="lat", min_value=-90, max_value=90, **held("lat_plausible", "a latitude lies within ±90")
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="lon", min_value=-180, max_value=180, **held("lon_plausible", "a longitude lies within ±180")
    ),
    gxe.ExpectColumnValuesToBeInSet(
        column="_place_inside",
        value_set=[True],
        **held("place_inside", "customers live elsewhere", "lat", "lon"),
    ),
    gxe.ExpectColumnValuesToBeInSet(
        column="decision",
        value_set=["approved", "declined"],
        **held("decision_of_its_kinds", "an application is approved or declined"),
    ),
    gxe.ExpectColumnValuesToBeInSet(
        column="place_whole",
        value_set=[True],
        **held("place_whole", "half a position is none", "lat", "lon"),
    ),
    as_written(
        "applications",
        "ip",
        "^(?:9{1,3}(?:[.]9{1,3}){3}|[A9:.]*:[A9:.]*)$",
        "a network address is written as 10.0.0.1 or 2001:db8::1",
    ),
    *whole_texts("applications", "purpose", "device_id", "free_text"),
    *garbled_texts("applications", "free_text"),
    gxe.ExpectColumnValuesToBeInSet(
        column="pledge_fits_product",
        value_set=[True],
        **noted("auto_names_its_vehicle", "an auto loan pledges a vehicle", "product", "vehicle_id"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="amount_to_income",
        max_value=20,
        **noted(
            "amount_to_income_plausible",
            "over 20 years' income is asked for: perhaps one is in another unit",
            "amount",
            "declared_income",
        ),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="debts_to_income",
        max_value=1,
        **noted(
            "debts_within_income",
            "other debts take more than the income: perhaps one is in another unit",
            "declared_debt_payments",
            "declared_income",
        ),
    ),
    not_cut_short(),
    *spread("amount", "declared_income", "term_months", "product", "channel"),
)
