"""candidate → champion: a measure of a sample, held to its bounds; of an interval each end.

A measure outside its range, or taken on other rows than the sample's, is unreadable.
"""

from __future__ import annotations

from collections.abc import Mapping

from loanbook.governance import reading
from loanbook.governance.findings import Finding, within
from loanbook.governance.policy import Gate
from loanbook.governance.reading import Facts, UnreadableFact

Ranges = Mapping[str, tuple[float, float]]


def told(part: str | None, what: str) -> str:
    """Give what a gate names, or raise UnreadableFact."""
    if part is None:
        raise UnreadableFact(f"the gate names no {what}")
    return part


def in_range(ranges: Ranges, measure: str, value: object, where: str) -> float:
    """Take a number that the measure may have."""
    if measure not in ranges:
        raise UnreadableFact(f"{measure} is no measure of this line")
    number, (low, high) = reading.finite(value, where), ranges[measure]
    if not low <= number <= high:
        raise UnreadableFact(f"{where} is {number:g}, outside {low:g} to {high:g}")
    return number


def rows_of(facts: Facts, sample: str) -> int:
    """Count a sample's rows; none is unreadable."""
    rows = reading.count(facts, "samples", sample, "rows")
    if not rows:
        raise UnreadableFact(f"the sample {sample} has no rows")
    return rows


def figure(ranges: Ranges, gate: Gate, facts: Facts) -> Finding:
    """Hold a measure to its bounds; of an interval each end, which must hold its own estimate."""
    sample, measure = told(gate.sample, "sample"), told(gate.measure, "measure")
    rows = rows_of(facts, sample)
    if reading.count(facts, "metrics", sample, "rows") != rows:
        raise UnreadableFact(f"metrics.{sample} were not taken on the {rows} rows of the sample")
    found, name = reading.at(facts, "metrics", sample, measure), f"metrics.{sample}.{measure}"
    single = measure.removesuffix("_interval")
    if single == measure:
        value = in_range(ranges, measure, found, name)
        return Finding(value, within(gate, value, value), f"{measure} of {sample} is {value:.4g}")
    if not isinstance(found, list | tuple) or len(found) != 2:
        raise UnreadableFact(f"{name} is {found!r}, no interval")
    low, high = (in_range(ranges, single, end, name) for end in found)
    middle = reading.number(facts, "metrics", sample, single)
    if not low <= middle <= high:
        raise UnreadableFact(f"{name} [{low:g}, {high:g}] doesn't hold {middle:g}")
    worse = low if gate.floor is not None else high
    return Finding(worse, within(gate, low, high), f"{measure} of {sample} is {low:.4g} to {high:.4g}")
