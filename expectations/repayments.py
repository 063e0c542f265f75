"""What must hold of repayments: one row per due instalment."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import CLOCKS, held, noted, of

DERIVED = CLOCKS

RULES = (
    *of("repayments"),
    gxe.ExpectColumnValuesToBeBetween(
        column="instalment_no",
        min_value=1,
        **held("instalment_no_from_1", "the first instalment is number 1"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="due_amount", min_value=0, **held("due_not_negative", "it can't be below zero")
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="paid_amount", min_value=0, **held("paid_not_negative", "it can't be below zero")
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="balance", min_value=0, **noted("balance_not_negative", "the loan is overpaid")
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="days_past_due", min_value=0, **held("days_past_due_not_negative", "it can't be below zero")
    ),
)
