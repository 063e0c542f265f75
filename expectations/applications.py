"""What must hold of applications: one row per application."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import CLOCKS, garbled_texts, held, of, whole_texts

DERIVED = CLOCKS

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
    *whole_texts("purpose", "free_text"),
    *garbled_texts("free_text"),
)
