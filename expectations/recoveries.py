"""What must hold of recoveries: one row per recovery."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import CLOCKS, held, noted, of

DERIVED = {
    **CLOCKS,
    "written_off_to_lent": "CASE kind WHEN 'charge_off' THEN amount::DOUBLE END "
    "/ nullif(loan_id__principal, 0)::DOUBLE",
}

RULES = (
    *of("recoveries", stale=92),
    gxe.ExpectColumnValuesToNotBeNull(column="kind", **held("kind_given", "a recovery is of some kind")),
    gxe.ExpectColumnValuesToBeInSet(
        column="kind",
        value_set=["charge_off", "repossession", "sale", "payment"],
        **held("kind_of_its_kinds", "no such kind of recovery is known"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="amount", min_value=0, **held("amount_not_negative", "it can't be below zero")
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="cost", min_value=0, **held("cost_not_negative", "it can't be below zero")
    ),
    gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A="event_at",
        column_B="loan_id__event_at",
        or_equal=True,
        ignore_row_if="either_value_is_missing",
        **held("after_its_loan", "nothing is recovered before it is lent", "event_at", "loan_id"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="written_off_to_lent",
        max_value=1.1,
        **noted("written_off_within_lent", "more was written off than was lent", "amount", "loan_id"),
    ),
)
