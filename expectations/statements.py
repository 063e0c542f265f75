"""What must hold of statements: one row per limit and month."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import CLOCKS, held, noted, of

DERIVED = {
    **CLOCKS,
    "of_its_customer": "customer_id = limit_id__customer_id",
    "balance_to_limit": "balance::DOUBLE / nullif(limit_id__limit_amount, 0)::DOUBLE",
}

RULES = (
    *of("statements"),
    gxe.ExpectColumnValuesToBeBetween(
        column="balance", min_value=0, **noted("balance_not_negative", "more was paid than is owed")
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="days_past_due", min_value=0, **held("days_past_due_not_negative", "it can't be below zero")
    ),
    gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A="event_at",
        column_B="limit_id__event_at",
        or_equal=True,
        ignore_row_if="either_value_is_missing",
        **held("after_its_limit", "nothing is owed before there is a limit", "event_at", "limit_id"),
    ),
    gxe.ExpectColumnValuesToBeInSet(
        column="of_its_customer",
        value_set=[True],
        **held("of_its_customer", "the limit is somebody else's", "customer_id", "limit_id"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="balance_to_limit",
        max_value=1.1,
        **noted("balance_within_limit", "more is owed than may be", "balance", "limit_id"),
    ),
)
