"""What must hold of repayments: one row per due instalment."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import CLOCKS, held, noted, of, spread

DERIVED = {
    **CLOCKS,
    "late_to_age": "days_past_due - datediff('day', loan_id__event_at, event_at)",
    "balance_to_lent": "balance::DOUBLE / nullif(loan_id__principal, 0)::DOUBLE",
}

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
    gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A="event_at",
        column_B="loan_id__event_at",
        or_equal=True,
        ignore_row_if="either_value_is_missing",
        **held("after_its_loan", "nothing is repaid before it is lent", "event_at", "loan_id"),
    ),
    # some lenders count a month as due from its first day
    gxe.ExpectColumnValuesToBeBetween(
        column="late_to_age",
        max_value=31,
        **held(
            "not_later_than_its_age",
            "a loan can't be late for longer than it runs",
            "days_past_due",
            "event_at",
        ),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="balance_to_lent",
        max_value=1.1,
        **noted("balance_within_lent", "more is owed than was lent", "balance", "loan_id"),
    ),
    *spread("due_amount", "days_past_due"),
)
