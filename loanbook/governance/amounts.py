"""candidate → champion: how the gates of an amount find their figures in the facts.

As the rules of a PD do: a finding, or UnreadableFact; no third way and no default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from loanbook.governance import bounded, reading
from loanbook.governance.findings import Finding, within
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


def _rows(gate: Gate, facts: Facts) -> Finding:
    rows = bounded.rows_of(facts, bounded.told(gate.sample, "sample"))
    return Finding(float(rows), within(gate, rows, rows), f"{gate.sample} holds {rows} amounts")


def _worst(gate: Gate, facts: Facts) -> Finding:
    """Find the worst part of any cut of the report sample; one that is too small has no figure."""
    measure = bounded.told(gate.measure, "measure")
    parts = [one for cut in SEGMENTS for one in parts_of(facts, cut)]
    told = {
        reading.text(one, "part"): bounded.in_range(
            RANGES, measure, one[measure], f"{measure} of {one['part']}"
        )
        for one in parts
        if reading.at(one, "unmeasured") is None
    }
    if not told:
        raise UnreadableFact("no segment is large enough for a figure")
    worst = max(told, key=lambda name: (told[name], name))
    small = sum(reading.at(one, "unmeasured") is not None for one in parts)
    said = f"{measure} is worst for {worst}: {told[worst]:.4g}; {small} segments are too small"
    return Finding(told[worst], within(gate, told[worst], told[worst]), said)


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
    holds = within(gate, filled, filled) and filled == len(names) and not shared and not alike
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
        "figure": partial(bounded.figure, RANGES),
        "rows": _rows,
        "worst": _worst,
        "apart": _apart,
        "uncrossed": _uncrossed,
        "falling": _falling,
    }
)
