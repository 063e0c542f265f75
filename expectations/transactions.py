"""What must hold of transactions: one row per transaction."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import CLOCKS, held, not_cut_short, noted, of, spread, whole_texts

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
    gxe.ExpectColumnValuesToBeBetween(
        column="amount",
        min_value=0,
        strict_min=True,
        **noted("amount_not_nothing", "nothing was moved"),
    ),
    *whole_texts("transactions", "merchant"),
    not_cut_short(),
    *spread("amount", "category"),
)
