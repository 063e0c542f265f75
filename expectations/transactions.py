"""What must hold of transactions: one row per transaction."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import CLOCKS, held, of, whole_texts

DERIVED = CLOCKS

RULES = (
    *of("transactions"),
    gxe.ExpectColumnValuesToNotBeNull(column="amount", **held("amount_given", "a transaction has an amount")),
    gxe.ExpectColumnValuesToBeBetween(
        column="amount",
        min_value=0,
        **held("amount_not_negative", "the direction tells in from out, so it can't be below zero"),
    ),
    gxe.ExpectColumnValuesToNotBeNull(column="direction", **held("direction_given", "money goes in or out")),
    gxe.ExpectColumnValuesToBeInSet(
        column="direction", value_set=["in", "out"], **held("direction_of_its_kinds", "money goes in or out")
    ),
    *whole_texts("merchant"),
)
