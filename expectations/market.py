"""What must hold of market: one row per month."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import CLOCKS, held, of

DERIVED = {**CLOCKS, "month_is_its_event": "month = strftime(event_at, '%Y-%m')"}

RULES = (
    *of("market", stale=62),
    gxe.ExpectColumnValuesToMatchRegex(
        column="month",
        regex="^(?:19|20)[0-9][0-9]-(?:0[1-9]|1[0-2])$",
        **held("month_as_written", "a month is written as 2024-07"),
    ),
    gxe.ExpectColumnValuesToBeInSet(
        column="month_is_its_event",
        value_set=[True],
        **held("month_is_its_event", "it happened in another month", "month", "event_at"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="used_vehicle_index",
        min_value=0,
        strict_min=True,
        **held("index_positive", "it must be above zero"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="policy_rate",
        min_value=-0.1,
        max_value=1,
        **held("policy_rate_plausible", "a rate lies within -0.1 and 1, as a fraction"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="unemployment",
        min_value=0,
        max_value=1,
        **held("unemployment_as_fraction", "it is a fraction"),
    ),
)
