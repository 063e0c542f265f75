"""Data truth, in figures: what is refused, what is named, what is private, what survives a kill."""

from __future__ import annotations

from collections.abc import Iterator

from bench import data_drift, data_faults, data_leaks, data_private
from bench.measuring import Row


def rows() -> Iterator[Row]:
    """Measure everything about data that isn't speed or memory."""
    for each in (data_private, data_drift, data_leaks, data_faults):
        yield from each.rows()
