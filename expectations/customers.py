"""What must hold of customers: one row per customer."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import CLOCKS, garbled_texts, held, of, whole_texts

DERIVED = {**CLOCKS, "age_years": "datediff('day', birth_date, event_at) / 365.25"}

RULES = (
    *of("customers"),
    gxe.ExpectColumnValuesToBeBetween(
        column="age_years",
        min_value=16,
        max_value=110,
        **held("age_plausible", "a borrower is between 16 and 110 years old", "birth_date"),
    ),
    *whole_texts("name", "region", "address"),
    *garbled_texts("name", "address"),
)
