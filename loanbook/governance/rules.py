"""candidate → champion: how each kind of gate finds its figure in the facts.

A rule gives a finding or raises UnreadableFact; it knows no third way and no default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import pairwise
from types import MappingProxyType

from loanbook.governance import grouped, reading
from loanbook.governance.findings import Finding, within
from loanbook.governance.policy import Gate
from loanbook.governance.reading import Facts, UnreadableFact
from loanbook.schema import Privacy, Purpose
from loanbook.training.response import TOLERANCE

# Outside of these a figure is a mistake and no measurement.
RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"auc": (0, 1), "auc_interval": (0, 1), "ks": (0, 1), "ece": (0, 1), "brier": (0, 1)}
)
NEVER_AN_INPUT = frozenset({Privacy.PROTECTED})


def _named(part: str | None) -> str:
    if part is None:
        raise UnreadableFact("the gate names no sample or measure")
    return part


def _in_range(measure: str, value: float) -> float:
    low, high = RANGES.get(measure, (float("-inf"), float("inf")))
    if not low <= value <= high:
        raise UnreadableFact(f"{measure} is {value:g}, outside {low:g} to {high:g}")
    return value


def _measure(gate: Gate, facts: Facts) -> Finding:
    sample, measure = _named(gate.sample), _named(gate.measure)
    _same_sample(facts, sample)
    found = reading.at(facts, "metrics", sample, measure)
    if isinstance(found, list | tuple):
        return _interval(gate, facts, list(found))
    value = _in_range(measure, reading.finite(found, f"metrics.{sample}.{measure}"))
    return Finding(value, within(gate, value, value), f"{measure} of {sample} is {value:.4g}")


def _same_sample(facts: Facts, sample: str) -> None:
    """Refuse measures that say they were taken on other rows than the sample has."""
    measures = reading.mapping(facts, "metrics", sample)
    for part in ("rows", "bads"):
        counted = reading.count(facts, "samples", sample, part)
        if not counted:
            raise UnreadableFact(f"the sample {sample} has no {part}")
        if part in measures and measures[part] != counted:
            raise UnreadableFact(f"metrics.{sample} were taken on {measures[part]} {part}, not {counted}")


def _interval(gate: Gate, facts: Facts, ends: list[object]) -> Finding:
    """Hold an interval's worse end to each bound; an interval must hold its own estimate."""
    sample, measure = _named(gate.sample), _named(gate.measure)
    if len(ends) != 2:
        raise UnreadableFact(f"metrics.{sample}.{measure} is {ends!r}, no interval")
    low, high = (_in_range(measure, reading.finite(end, f"metrics.{sample}.{measure}")) for end in ends)
    middle = reading.number(facts, "metrics", sample, measure.removesuffix("_interval"))
    if not low <= middle <= high:
        raise UnreadableFact(f"{measure} of {sample} [{low:g}, {high:g}] doesn't hold {middle:g}")
    worse = low if gate.floor is not None else high
    return Finding(worse, within(gate, low, high), f"{measure} of {sample} is {low:.4g} to {high:.4g}")


def _stability(gate: Gate, facts: Facts) -> Finding:
    measure = _named(gate.measure)
    value = reading.number(facts, "stability", measure)
    if value < 0:
        raise UnreadableFact(f"stability.{measure} is {value:g}, and can't be negative")
    return Finding(value, within(gate, value, value), f"{measure} from fit to report is {value:.4g}")


def _counts(facts: Facts, sample: str) -> tuple[int, int]:
    rows = reading.count(facts, "samples", sample, "rows")
    bads = reading.count(facts, "samples", sample, "bads")
    if bads > rows:
        raise UnreadableFact(f"samples.{sample} has {bads} bads in {rows} rows")
    return bads, rows - bads


def _bads(gate: Gate, facts: Facts) -> Finding:
    bads, _ = _counts(facts, _named(gate.sample))
    return Finding(float(bads), within(gate, bads, bads), f"{gate.sample} holds {bads} bads")


def _goods(gate: Gate, facts: Facts) -> Finding:
    _, goods = _counts(facts, _named(gate.sample))
    return Finding(float(goods), within(gate, goods, goods), f"{gate.sample} holds {goods} goods")


def _samples(gate: Gate, facts: Facts) -> Finding:
    """Count samples that share no row, the report coming after all that the model was fitted to."""
    names = reading.mapping(facts, "samples")
    spans = {name: _span(facts, name) for name in names}
    filled = sum(reading.count(facts, "samples", name, "rows") > 0 for name in names)
    apart = all(earlier[1] < later[0] for earlier, later in pairwise(sorted(spans.values())))
    shared = 0 if apart else reading.count(facts, "split", "shared_rows")
    for name in ("fit", "report"):
        reading.mapping(facts, "samples", name)
    fit_end, report_start = spans["fit"][1], spans["report"][0]
    said = f"{filled} samples, {shared} rows shared; fit ends {fit_end}, report starts {report_start}"
    enough = filled == len(names) and within(gate, filled, filled)
    return Finding(float(filled), enough and shared == 0 and fit_end < report_start, said)


def _span(facts: Facts, sample: str) -> tuple[datetime, datetime]:
    start, end = (reading.instant(facts, "samples", sample, side) for side in ("from", "to"))
    if start > end:
        raise UnreadableFact(f"samples.{sample} ends before it starts")
    return start, end


def _inputs(gate: Gate, facts: Facts) -> Finding:
    """Count features that stand on a protected column, or on one not meant for this purpose."""
    used = reading.texts(facts, "features", "used")
    if not used:
        raise UnreadableFact("features.used is empty")
    if gate.purpose is None:
        raise UnreadableFact("the gate names no purpose")
    forbidden = sorted(name for name in used if not _permitted(facts, name, gate.purpose))
    said = f"not permitted: {', '.join(forbidden)}" if forbidden else f"{len(used)} features, all permitted"
    return Finding(float(len(forbidden)), not forbidden, said)


def _permitted(facts: Facts, feature: str, purpose: Purpose) -> bool:
    place = ("features", "columns", feature)
    privacy, purposes = reading.text(facts, *place, "privacy"), reading.texts(facts, *place, "purposes")
    unknown = {privacy} - set(Privacy) | set(purposes) - set(Purpose)
    if unknown:
        raise UnreadableFact(f"{'.'.join(place)} speaks of {', '.join(sorted(unknown))}, unknown here")
    return privacy not in NEVER_AN_INPUT and purpose in purposes


def _published(_: Gate, facts: Facts) -> Finding:
    """Find every table read from a publication; one that was blocked has none."""
    tables = reading.mapping(facts, "data", "tables")
    reading.text(facts, "data", "publication")
    for name in tables:
        reading.text(facts, "data", "tables", name, "snapshot")
    blocked = sorted(name for name in tables if _blocked(facts, name))
    said = f"blocked: {', '.join(blocked)}" if blocked else f"{len(tables)} tables, all published"
    return Finding(float(len(blocked)), not blocked, said)


def _blocked(facts: Facts, table: str) -> bool:
    """Say whether a table is stated as unpublished: null or false. Published, it has a name or true."""
    published = reading.at(facts, "data", "tables", table, "published")
    if published is None or published is False:
        return True
    if published is not True:
        reading.text(facts, "data", "tables", table, "published")
    return False


def _held(gate: Gate, facts: Facts) -> Finding:
    """Find the largest share of rows that any table has in quarantine."""
    shares = {name: _held_share(facts, name) for name in reading.mapping(facts, "data", "tables")}
    worst = max(shares, key=lambda name: (shares[name], name))
    share = shares[worst]
    return Finding(share, within(gate, share, share), f"{worst} has {share:.2%} of its rows held back")


def _held_share(facts: Facts, table: str) -> float:
    """Divide by the rows that passed, so that the share is rather over than under the truth."""
    rows = reading.count(facts, "data", "tables", table, "rows")
    held = reading.count(facts, "data", "tables", table, "held")
    return held / max(rows, held) if held else 0.0


def _ripe(gate: Gate, facts: Facts) -> Finding:
    """Find the share of a sample's outcomes that were ripe when they were counted."""
    sample = _named(gate.sample)
    rows = reading.count(facts, "samples", sample, "rows")
    ripe = reading.count(facts, "maturity", sample, "ripe")
    judged = reading.count(facts, "maturity", sample, "rows")
    if not rows or judged != rows or ripe > rows:
        raise UnreadableFact(f"maturity.{sample} judges {ripe} of {judged} rows, the sample has {rows}")
    share = ripe / rows
    return Finding(share, within(gate, share, share), f"{ripe} of {rows} outcomes of {sample} are ripe")


def _reproducible(gate: Gate, facts: Facts) -> Finding:
    commit = reading.matching(reading.COMMIT, facts, "code", "commit")
    for name in ("digest", "lockfile"):
        reading.digest(facts, "code", name)
    seed, threads = reading.count(facts, "seed"), reading.count(facts, "threads")
    reading.mapping(facts, "environment")
    dirty = reading.flag(facts, "code", "dirty")
    if not threads:
        raise UnreadableFact("threads is 0")
    state = "with changes that are in no commit" if dirty else "clean"
    said = f"commit {commit[:12]} ({state}), seed {seed}, {threads} threads"
    return Finding(None, not (gate.clean and dirty), said)


def _monotone(_: Gate, facts: Facts) -> Finding:
    """Count features whose PD was seen to move against its declared sign.

    Not applicable only where the evidence states that no feature of the model has one.
    """
    place = ("judged", "monotone")
    declared = reading.at(facts, *place, "declared")
    if not isinstance(declared, Mapping):
        raise UnreadableFact(f"judged.monotone.declared is {declared!r}")
    walked = reading.at(facts, *place, "features")
    if not isinstance(walked, Mapping):
        raise UnreadableFact(f"judged.monotone.features is {walked!r}")
    if not declared and not walked:
        return Finding(None, True, "not applicable: no feature of the model has a declared sign")
    unwalked = declared.keys() ^ walked.keys()
    if unwalked:
        raise UnreadableFact(f"declared and walked differ in {', '.join(sorted(unwalked))}")
    against = sorted(name for name in declared if _moves_against(facts, name))
    said = f"against its sign: {', '.join(against)}" if against else f"{len(declared)} signs, all kept"
    return Finding(float(len(against)), not against, said)


def _moves_against(facts: Facts, feature: str) -> bool:
    place = ("judged", "monotone", "features", feature)
    if reading.number(facts, *place, "sign") != reading.number(
        facts, "judged", "monotone", "declared", feature
    ):
        raise UnreadableFact(f"{'.'.join(place)} was walked for another sign")
    if reading.count(facts, *place, "values") < 2 or not reading.count(facts, *place, "rows"):
        raise UnreadableFact(f"{'.'.join(place)} was walked over nothing")
    return reading.number(facts, *place, "against") > TOLERANCE


RULES: Mapping[str, Callable[[Gate, Facts], Finding]] = MappingProxyType(
    {
        "measure": _measure,
        "stability": _stability,
        "bads": _bads,
        "goods": _goods,
        "samples": _samples,
        "inputs": _inputs,
        "published": _published,
        "held": _held,
        "ripe": _ripe,
        "reproducible": _reproducible,
        "fair": grouped.fair,
        "group": grouped.group,
        "proxy": grouped.proxy,
        "alternative": grouped.alternative,
        "monotone": _monotone,
    }
)
