"""candidate → champion: how each kind of gate on protected groups finds its figure in the facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loanbook.governance import reading
from loanbook.governance.equity import INTERVAL
from loanbook.governance.findings import Finding, within
from loanbook.governance.policy import Gate
from loanbook.governance.reading import Facts, UnreadableFact

NONE = "not applicable: the dataset states that it has no protected attribute"


def fair(gate: Gate, facts: Facts) -> Finding:
    """Find the worst ratio of approval rates between groups of any protected attribute.

    Not applicable only where the evidence itself states that the dataset holds no such attribute.
    """
    attributes = reading.texts(facts, "fairness", "protected_attributes")
    ratios = reading.at(facts, "fairness", "ratios")
    if not isinstance(ratios, Mapping):
        raise UnreadableFact(f"fairness.ratios is {ratios!r}")
    if not attributes:
        if ratios:
            raise UnreadableFact("fairness names no protected attribute and yet has ratios")
        return Finding(None, True, NONE)
    found = {name: reading.number(facts, "fairness", "ratios", name) for name in attributes}
    for name, ratio in found.items():
        if not 0 <= ratio <= 1:
            raise UnreadableFact(f"fairness.ratios.{name} is {ratio:g}, outside 0 to 1")
    worst = min(found, key=lambda name: (found[name], name))
    ratio = found[worst]
    return Finding(ratio, within(gate, ratio, ratio), f"by {worst} the lowest approval ratio is {ratio:.3f}")


def group(gate: Gate, facts: Facts) -> Finding:
    """Find the worst of a measure over the attributes that the gate names.

    An attribute that the gate names and the evidence doesn't have can't be judged: the gate can't run.
    """
    measure, attributes = _asked(gate)
    found = {name: _ends(facts, name, measure) for name in attributes}
    worst = _worst(gate, found)
    low, high = found[worst]
    figure = low if gate.floor is not None else high
    said = f"{low:.4g} to {high:.4g}" if measure.endswith(INTERVAL) else f"{figure:.4g}"
    ends = [end for pair in found.values() for end in pair]
    return Finding(figure, within(gate, min(ends), max(ends)), f"by {worst} the {measure} is {said}")


def proxy(gate: Gate, facts: Facts) -> Finding:
    """Find how well the features tell any group of the attributes that the gate names."""
    _, attributes = _asked(gate)
    found = {name: reading.number(facts, "fairness", "proxies", name, "proxy_auc") for name in attributes}
    for name, area in found.items():
        if not 0 <= area <= 1:
            raise UnreadableFact(f"fairness.proxies.{name}.proxy_auc is {area:g}, outside 0 to 1")
    worst = max(found, key=lambda name: (found[name], name))
    area = found[worst]
    return Finding(
        area, within(gate, area, area), f"the features tell a group by {worst} with AUC {area:.3f}"
    )


def alternative(gate: Gate, facts: Facts) -> Finding:
    """Find by how much an alternative within the stated loss of AUC betters the worst ratio; 0 if none."""
    place = ("fairness", "alternatives")
    found = reading.mapping(facts, *place)
    if "unmeasured" in found:
        raise UnreadableFact(f"{'.'.join(place)}: {found['unmeasured']}")
    if not reading.mapping(facts, *place, "tried"):
        raise UnreadableFact(f"{'.'.join(place)}.tried is empty")
    left_out = reading.texts(facts, *place, "left_out")
    if left_out:
        raise UnreadableFact(f"{'.'.join(place)} left out {', '.join(left_out)}: its groups are too small")
    gain, chosen = reading.number(facts, *place, "gain"), reading.at(facts, *place, "chosen")
    loss = reading.number(facts, *place, "max_auc_loss")
    if chosen is None:
        if gain:
            raise UnreadableFact(f"{'.'.join(place)} chose nothing and gains {gain:g}")
        return Finding(
            gain, within(gate, gain, gain), f"no alternative within an AUC loss of {loss:g} was found"
        )
    if chosen not in found["tried"] or gain <= 0:
        raise UnreadableFact(f"{'.'.join(place)} chose {chosen!r} with a gain of {gain:g}")
    said = f"{chosen} betters the lowest approval ratio by {gain:.3f} within an AUC loss of {loss:g}"
    return Finding(gain, within(gate, gain, gain), said)


def _asked(gate: Gate) -> tuple[str, tuple[str, ...]]:
    if not gate.attributes:
        raise UnreadableFact("the gate names no attribute")
    return gate.measure or "", gate.attributes


def _ends(facts: Facts, attribute: str, measure: str) -> tuple[float, float]:
    """Read a figure as two equal ends, or an interval that holds its figure."""
    place = ("fairness", "measures", attribute, measure.removesuffix(INTERVAL))
    figure = reading.number(facts, *place, "figure")
    ratio = measure.removesuffix(INTERVAL).endswith("_ratio")
    if figure < 0 or figure > 1:
        raise UnreadableFact(f"{'.'.join(place)} is {figure:g}, outside 0 to 1")
    if not measure.endswith(INTERVAL):
        return figure, figure
    ends: Any = reading.at(facts, *place, "interval")
    if not isinstance(ends, list | tuple) or len(ends) != 2:
        raise UnreadableFact(f"{'.'.join(place)}.interval is {ends!r}, no interval")
    low, high = (reading.finite(end, f"{'.'.join(place)}.interval") for end in ends)
    if not low <= figure <= high:
        raise UnreadableFact(f"{'.'.join(place)} [{low:g}, {high:g}] doesn't hold {figure:g}")
    return low, min(high, 1.0) if ratio else high


def _worst(gate: Gate, found: Mapping[str, tuple[float, float]]) -> str:
    """Name the attribute that lies nearest to, or furthest over, the gate's bound."""
    if gate.floor is not None:
        return min(found, key=lambda name: (found[name][0], name))
    return max(found, key=lambda name: (found[name][1], name))
