"""What must hold of cases: one row per investigated application, known once the case is closed."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import CLOCKS, held, of

DERIVED = {
    **CLOCKS,
    "of_its_applicant": "customer_id = application_id__customer_id",
}

RULES = (
    *of("cases", stale=183),
    gxe.ExpectColumnValuesToNotBeNull(column="kind", **held("kind_given", "a case is of some kind")),
    gxe.ExpectColumnValuesToBeInSet(
        column="kind",
        value_set=["linked_party", "identity", "dealer", "early_default"],
        **held("kind_of_its_kinds", "no such kind of case is known"),
    ),
    gxe.ExpectColumnValuesToNotBeNull(
        column="outcome", **held("outcome_given", "a closed case was confirmed or cleared")
    ),
    gxe.ExpectColumnValuesToBeInSet(
        column="outcome",
        value_set=["confirmed", "cleared"],
        **held("outcome_of_its_kinds", "a case ends confirmed or cleared"),
    ),
    gxe.ExpectColumnValuesToBeInSet(
        column="_first_of_application_id",
        value_set=[True],
        **held("application_id_once", "another case was about this application before", "application_id"),
    ),
    gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A="event_at",
        column_B="application_id__event_at",
        or_equal=True,
        ignore_row_if="either_value_is_missing",
        **held("after_its_application", "it closed before anybody applied", "event_at", "application_id"),
    ),
    gxe.ExpectColumnValuesToBeInSet(
        column="of_its_applicant",
        value_set=[True],
        **held("of_its_applicant", "somebody else applied", "customer_id", "application_id"),
    ),
)
