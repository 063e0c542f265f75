"""candidate → champion: how the gates of an amount find their figures in the facts.

As the rules of a PD do: a finding, or UnreadableFact; no third way and no default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from loanbook.governance import reading
from loanbook.governance.findings import Finding
from loanbook.governance.policy import Gate
from loanbook.governance.reading import Facts, UnreadableFact

# Outside of these a figure is a mistake and no measurement. An error over the amount has no upper end.
SHARE, ERROR = (0.0, 1.0), (0.0, float("inf"))
RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "coverage": SHARE,
        "below": SHARE,
        "above": SHARE,
        "within_10": SHARE,
        "median_ape": ERROR,
        "mean_ape": ERROR,
        "mae": ERROR,
        "width": ERROR,
        "pinball": ERROR,
        "bias": (-1.0, float("inf")),
    }
)
SEGMENTS = ("make", "age", "driven")


def speaks_of(facts: Facts) -> bool:
    """Say whether the facts are of a line that predicts an amount: then its label names quantiles."""
    try:
        return "quantiles" in reading.mapping(facts, "split", "label")
    except UnreadableFact:  # it decides which tables a page has, and no gate
        return False


def _holds(gate: Gate, low: float, high: float) -> bool:
    return (gate.floor is None or low >= gate.floor) and (gate.ceiling is None or high <= gate.ceiling)


def _told(part: str | None, what: str) -> str:
    if part is None:
        raise UnreadableFact(f"the gate names no {what}")
    return part


def _in_range(measure: str, value: object, where: str) -> float:
    if measure not in RANGES:
        raise UnreadableFact(f"{measure} is no measure of an amount")
    number, (low, high) = reading.finite(value, where), RANGES[measure]
    if not low <= number <= high:
        raise UnreadableFact(f"{where} is {number:g}, outside {low:g} to {high:g}")
    return number


def _figure(gate: Gate, facts: Facts) -> Finding:
    """Hold a measure to its bounds; of an interval each end, which must hold its own estimate."""
    sample, measure = _told(gate.sample, "sample"), _told(gate.measure, "measure")
    rows = _rows_of(facts, sample)
    if reading.count(facts, "metrics", sample, "rows") != rows:
        raise UnreadableFact(f"metrics.{sample} were not taken on the {rows} rows of the sample")
    found, name = reading.at(facts, "metrics", sample, measure), f"metrics.{sample}.{measure}"
    single = measure.removesuffix("_interval")
    if single == measure:
        value = _in_range(measure, found, name)
        return Finding(value, _holds(gate, value, value), f"{measure} of {sample} is {value:.4g}")
    if not isinstance(found, list | tuple) or len(found) != 2:
        raise UnreadableFact(f"{name} is {found!r}, no interval")
    low, high = (_in_range(single, end, name) for end in found)
    middle = reading.number(facts, "metrics", sample, single)
    if not low <= middle <= high:
        raise UnreadableFact(f"{name} [{low:g}, {high:g}] doesn't hold {middle:g}")
    worse = low if gate.floor is not None else high
    return Finding(worse, _holds(gate, low, high), f"{measure} of {sample} is {low:.4g} to {high:.4g}")


def _rows_of(facts: Facts, sample: str) -> int:
    rows = reading.count(facts, "samples", sample, "rows")
    if not rows:
        raise UnreadableFact(f"the sample {sample} has no rows")
    return rows


def _rows(gate: Gate, facts: Facts) -> Finding:
    rows = _rows_of(facts, _told(gate.sample, "sample"))
    return Finding(float(rows), _holds(gate, rows, rows), f"{gate.sample} holds {rows} amounts")


def _worst(gate: Gate, facts: Facts) -> Finding:
    """Find the worst part of any cut of the report sample; one that is too small has no figure."""
    measure = _told(gate.measure, "measure")
    parts = [one for cut in SEGMENTS for one in parts_of(facts, cut)]
    told = {
        reading.text(one, "part"): _in_range(measure, one[measure], f"{measure} of {one['part']}")
        for one in parts
        if reading.at(one, "unmeasured") is None
    }
    if not told:
        raise UnreadableFact("no segment is large enough for a figure")
    worst = max(told, key=lambda name: (told[name], name))
    small = sum(reading.at(one, "unmeasured") is not None for one in parts)
    said = f"{measure} is worst for {worst}: {told[worst]:.4g}; {small} segments are too small"
    return Finding(told[worst], _holds(gate, told[worst], told[worst]), said)


def parts_of(facts: Facts, cut: str) -> list[Mapping[str, Any]]:
    """Read the parts of a cut of the report sample."""
    found = reading.at(facts, "judged", "segments", cut)
    if not isinstance(found, list | tuple) or not all(isinstance(one, Mapping) for one in found):
        raise UnreadableFact(f"judged.segments.{cut} is no list of parts")
    return list(found)


def _apart(gate: Gate, facts: Facts) -> Finding:
    """Count samples that share no row and nothing alike; if not drawn, the report comes after the fit."""
    names = reading.mapping(facts, "samples")
    filled = sum(reading.count(facts, "samples", name, "rows") > 0 for name in names)
    shared = reading.count(facts, "split", "shared_rows")
    alike = reading.count(facts, "judged", "apart", "shared")
    drawn = reading.flag(facts, "judged", "apart", "drawn")
    ends, starts = (
        reading.instant(facts, "samples", name, side) for name, side in (("fit", "to"), ("report", "from"))
    )
    how = "drawn by what a row is" if drawn else f"fit ends {ends}, report starts {starts}"
    said = f"{filled} samples, {shared} rows and {alike} of a kind shared; {how}"
    holds = _holds(gate, filled, filled) and filled == len(names) and not shared and not alike
    return Finding(float(filled), holds and (drawn or ends < starts), said)


def _uncrossed(_: Gate, facts: Facts) -> Finding:
    rows, crossed = (reading.count(facts, "judged", "crossing", name) for name in ("rows", "crossed"))
    if not rows or crossed > rows:
        raise UnreadableFact(f"judged.crossing counts {crossed} of {rows} rows")
    return Finding(float(crossed), not crossed, f"{crossed} of {rows} rows have quantiles that cross")


def _falling(_: Gate, facts: Facts) -> Finding:
    """Count rows whose value was told to rise with the months, the market standing still."""
    months = reading.mapping(facts, "judged", "ahead", "months")
    if not all(reading.count(facts, "judged", "ahead", "months", one, "rows") for one in months):
        raise UnreadableFact("judged.ahead was told of no row")
    rising = reading.count(facts, "judged", "ahead", "rising")
    return Finding(float(rising), not rising, f"{rising} values rise over {', '.join(months)} months")


RULES: Mapping[str, Callable[[Gate, Facts], Finding]] = MappingProxyType(
    {
        "figure": _figure,
        "rows": _rows,
        "worst": _worst,
        "apart": _apart,
        "uncrossed": _uncrossed,
        "falling": _falling,
    }
)
