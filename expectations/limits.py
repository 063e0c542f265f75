"""What must hold of limits: one row per limit that was set."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import CLOCKS, held, of

DERIVED = CLOCKS

RULES = (
    *of("limits", stale=92),
    gxe.ExpectColumnValuesToBeBetween(
        column="limit_amount", min_value=0, **held("limit_not_negative", "it can't be below zero")
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="rate",
        min_value=0,
        max_value=10,
        **held("rate_plausible", "a yearly rate lies within 0 and 10, as a fraction"),
    ),
)
