"""Data truth, in speed and memory: against the limit by hand, against peers, and as the lender grows."""

from __future__ import annotations

from collections.abc import Iterator

from bench import data_features, data_judged, data_scale
from bench.measuring import Row


def rows() -> Iterator[Row]:
    """Measure judging, training sets, online reads and writes, and growth."""
    for each in (data_judged, data_features, data_scale):
        yield from each.rows()
