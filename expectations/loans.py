"""What must hold of loans: one row per loan."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import CLOCKS, held, noted, of, spread

DERIVED = {
    **CLOCKS,
    "of_its_applicant": "customer_id = application_id__customer_id",
    "of_its_product": "product = application_id__product",
    "lent_to_asked": "principal::DOUBLE / nullif(application_id__amount, 0)::DOUBLE",
    "repaid_to_lent": "instalment::DOUBLE * greatest(floor(term_months), 1) / nullif(principal, 0)::DOUBLE",
}

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
    gxe.ExpectColumnValuesToBeInSet(
        column="_first_of_application_id",
        value_set=[True],
        **held("application_id_once", "another loan came of this application before", "application_id"),
    ),
    gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A="event_at",
        column_B="application_id__event_at",
        or_equal=True,
        ignore_row_if="either_value_is_missing",
        **held("after_its_application", "it was lent before it was asked for", "event_at", "application_id"),
    ),
    gxe.ExpectColumnValuesToBeInSet(
        column="of_its_applicant",
        value_set=[True],
        **held("of_its_applicant", "somebody else asked for it", "customer_id", "application_id"),
    ),
    gxe.ExpectColumnValuesToBeInSet(
        column="of_its_product",
        value_set=[True],
        **held("of_its_product", "another product was asked for", "product", "application_id"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="lent_to_asked",
        max_value=2,
        **noted("lent_as_asked", "over twice of what was asked for was lent", "principal"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="repaid_to_lent",
        min_value=0.95,
        **noted(
            "instalments_repay_it", "the instalments don't repay it", "instalment", "term_months", "principal"
        ),
    ),
    *spread("principal", "rate", "term_months", "product"),
)
