"""What must hold of recoveries: one row per recovery."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import CLOCKS, held, of

DERIVED = CLOCKS

RULES = (
    *of("recoveries"),
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
)
