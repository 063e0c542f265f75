"""What must hold of contacts: one row per outreach."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import CLOCKS, held, noted, of, whole_texts

DERIVED = {
    **CLOCKS,
    "control_without_offer": "offer <> 'none' OR (limit_amount IS NULL AND rate IS NULL)",
}

RULES = (
    *of("contacts", stale=92),
    gxe.ExpectColumnValuesToBeBetween(
        column="limit_amount", min_value=0, **held("limit_not_negative", "it can't be below zero")
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="rate",
        min_value=0,
        max_value=10,
        **held("rate_plausible", "a yearly rate lies within 0 and 10, as a fraction"),
    ),
    gxe.ExpectColumnValuesToBeInSet(
        column="control_without_offer",
        value_set=[True],
        **noted(
            "control_without_offer", "who was offered nothing has no terms", "offer", "limit_amount", "rate"
        ),
    ),
    *whole_texts("contacts", "offer"),
)
