"""What must hold of loans: one row per loan."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import CLOCKS, held, of

DERIVED = CLOCKS

RULES = (
    *of("loans"),
    gxe.ExpectColumnValuesToNotBeNull(column="product", **held("product_given", "a loan is of a product")),
    gxe.ExpectColumnValuesToBeInSet(
        column="product",
        value_set=["auto", "consumer"],
        **held("product_of_its_kinds", "the products are auto and consumer"),
    ),
    gxe.ExpectColumnValuesToNotBeNull(
        column="principal", **held("principal_given", "a loan has a principal")
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="principal",
        min_value=0,
        strict_min=True,
        **held("principal_positive", "it must be above zero"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="rate",
        min_value=0,
        max_value=10,
        **held("rate_plausible", "a yearly rate lies within 0 and 10, as a fraction"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="term_months",
        min_value=0,
        max_value=480,
        strict_min=True,
        **held("term_plausible", "a term is over 0 and at most 480 months"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="instalment", min_value=0, **held("instalment_not_negative", "it can't be below zero")
    ),
)
