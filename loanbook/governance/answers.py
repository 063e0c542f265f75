"""candidate → champion: how the gates of a response find their figures in the facts.

As the rules of a PD do: a finding, or UnreadableFact; no third way and no default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from loanbook.governance import bounded, reading
from loanbook.governance.findings import Finding, within
from loanbook.governance.policy import Gate
from loanbook.governance.reading import Facts, UnreadableFact

ANY = (float("-inf"), float("inf"))
MEASURES = ("slope", "ranking", "steepness", "calibration", "slope_calibration", "gap")
OUTCOMES = ("balance", "pd")
RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {f"{outcome}_{name}": ANY for outcome in OUTCOMES for name in MEASURES}
)


def _departs(gate: Gate, facts: Facts) -> Finding:
    """Find the dose at which what was told departs furthest from what was seen, over the mean seen."""
    outcome = bounded.told(gate.measure, "measure")
    if outcome not in OUTCOMES:
        raise UnreadableFact(f"{outcome} is no outcome of this line")
    found = reading.at(facts, "judged", "parts", outcome, "dose")
    if not isinstance(found, list | tuple) or len(found) < 2:
        raise UnreadableFact(f"judged.parts.{outcome}.dose lists no doses")
    counts = [reading.count(one, "rows") for one in found]
    if sum(counts) != bounded.rows_of(facts, "report") or not min(counts):
        raise UnreadableFact(f"judged.parts.{outcome}.dose was not taken on the rows of the report")
    told, seen = ([reading.number(one, side) for one in found] for side in ("told", "seen"))
    mean = sum(each * count for each, count in zip(seen, counts, strict=True)) / sum(counts)
    if mean <= 0:
        raise UnreadableFact(f"the mean {outcome} that was seen is {mean:g}")
    off = [abs(one - other) / mean for one, other in zip(told, seen, strict=True)]
    worst = max(range(len(off)), key=off.__getitem__)
    dose = reading.number(found[worst], "part")
    said = f"at {dose:g} the {outcome} told departs from that seen by {off[worst]:.3f} of the mean"
    return Finding(off[worst], within(gate, off[worst], off[worst]), said)


def _diminishes(gate: Gate, facts: Facts) -> Finding:
    """Hold by how much less a unit adds above the middle dose than below it, at its interval's low end."""
    place = ("judged", "straight")
    middle = reading.number(facts, *place, "diminishing")
    ends = reading.at(facts, *place, "diminishing_interval")
    if not isinstance(ends, list | tuple) or len(ends) != 2:
        raise UnreadableFact(f"judged.straight.diminishing_interval is {ends!r}, no interval")
    low, high = (reading.finite(end, "judged.straight.diminishing_interval") for end in ends)
    if not low <= middle <= high:
        raise UnreadableFact(f"judged.straight: {middle:g} lies outside {low:g} to {high:g}")
    said = (
        f"above the middle dose a unit adds {middle:.2f} less of what it adds below ({low:.2f} to {high:.2f})"
    )
    return Finding(low, within(gate, low, low), said)


def _defaults(gate: Gate, facts: Facts) -> Finding:
    sample = bounded.told(gate.sample, "sample")
    rows, found = bounded.rows_of(facts, sample), reading.mapping(facts, "metrics", sample)
    defaults = reading.count(found, "defaults")
    if reading.count(found, "rows") != rows or defaults > rows:
        raise UnreadableFact(f"metrics.{sample} count {defaults} defaults, the sample has {rows} rows")
    return Finding(float(defaults), within(gate, defaults, defaults), f"{sample} holds {defaults} defaults")


def _each_dose(gate: Gate, facts: Facts) -> Finding:
    sample = bounded.told(gate.sample, "sample")
    fewest = reading.count(facts, "judged", "lot", "fewest", sample)
    if fewest > bounded.rows_of(facts, sample):
        raise UnreadableFact(f"judged.lot counts {fewest} rows of one dose, more than {sample} has")
    return Finding(
        float(fewest), within(gate, fewest, fewest), f"the rarest dose of {sample} has {fewest} rows"
    )


def _dealt(gate: Gate, facts: Facts) -> Finding:
    """Hold the rarest dose's share to an even one's: 1 where all doses are as frequent."""
    place = ("judged", "lot")
    rows, doses = reading.count(facts, *place, "rows"), reading.mapping(facts, *place, "doses")
    counts = {name: reading.count(doses, name) for name in doses}
    if sum(counts.values()) != rows or len(counts) < 2:
        raise UnreadableFact(
            f"judged.lot counts {sum(counts.values())} doses of {len(counts)} in {rows} rows"
        )
    rarest = min(counts, key=lambda name: (counts[name], name))
    even = counts[rarest] * len(counts) / rows
    return Finding(
        even, within(gate, even, even), f"{rarest}, the rarest dose, came {even:.3f} times its even share"
    )


RULES: Mapping[str, Callable[[Gate, Facts], Finding]] = MappingProxyType(
    {
        "answer": partial(bounded.figure, RANGES),
        "departs": _departs,
        "diminishes": _diminishes,
        "defaults": _defaults,
        "each_dose": _each_dose,
        "dealt": _dealt,
    }
)
