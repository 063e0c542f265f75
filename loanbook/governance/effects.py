"""candidate → champion: how the gates of an uplift find their figures in the facts.

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

# A difference of two shares, an area under one, and a slope, which has no ends.
DIFFERENCE, AREA, SLOPE = (-1.0, 1.0), (-0.5, 0.5), (float("-inf"), float("inf"))
RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "average_effect": DIFFERENCE,
        "predicted_effect": DIFFERENCE,
        "calibration_gap": DIFFERENCE,
        "qini": AREA,
        "response_qini": AREA,
        "over_response": (-1.0, 1.0),
        "calibration_slope": SLOPE,
    }
)
ARMS = ("offered", "controls")
COUNTED = MappingProxyType({"arms": "{arm}", "arms_answered": "{arm}_answered"})


def _arms(gate: Gate, facts: Facts) -> Finding:
    """Count the smaller arm of a sample: its rows, or those of them that answered."""
    sample, measure = bounded.told(gate.sample, "sample"), bounded.told(gate.measure, "measure")
    if measure not in COUNTED:
        raise UnreadableFact(f"{measure} counts no arm")
    rows, found = bounded.rows_of(facts, sample), reading.mapping(facts, "metrics", sample)
    sizes = {arm: reading.count(found, arm) for arm in ARMS}
    if sum(sizes.values()) != rows or reading.count(found, "rows") != rows:
        raise UnreadableFact(f"metrics.{sample} were not taken on the {rows} rows of the sample")
    told = {arm: reading.count(found, COUNTED[measure].format(arm=arm)) for arm in ARMS}
    if any(told[arm] > sizes[arm] for arm in ARMS):
        raise UnreadableFact(f"metrics.{sample} count more answers than rows")
    least = min(told, key=lambda arm: (told[arm], arm))
    what = "rows" if measure == "arms" else "answers"
    said = f"the smaller arm of {sample}, {least}, has {told[least]} {what}"
    return Finding(float(told[least]), within(gate, told[least], told[least]), said)


def _balanced(gate: Gate, facts: Facts) -> Finding:
    """Hold to its bound how well the features tell what was drawn; its interval must reach chance."""
    place = ("judged", "lot")
    area = reading.number(facts, *place, "auc")
    ends = reading.at(facts, *place, "auc_interval")
    if not isinstance(ends, list | tuple) or len(ends) != 2:
        raise UnreadableFact(f"judged.lot.auc_interval is {ends!r}, no interval")
    low, high = (reading.finite(end, "judged.lot.auc_interval") for end in ends)
    if not 0 <= low <= area <= high <= 1:
        raise UnreadableFact(f"judged.lot: {area:g} lies outside {low:g} to {high:g}, or they outside 0 to 1")
    said = f"the features tell what was drawn with an AUC of {area:.3f} ({low:.3f} to {high:.3f})"
    return Finding(area, within(gate, area, area) and low <= 0.5, said)


def _arm_share(gate: Gate, facts: Facts) -> Finding:
    rows, controls = (reading.count(facts, "judged", "lot", name) for name in ("rows", "controls"))
    if not rows or controls > rows:
        raise UnreadableFact(f"judged.lot counts {controls} controls of {rows}")
    share = controls / rows
    return Finding(share, within(gate, share, share), f"{controls} of {rows} drawn by lot are controls")


def _parted(gate: Gate, facts: Facts) -> Finding:
    """Count samples that share no row and no customer, the report coming after the fit."""
    names = reading.mapping(facts, "samples")
    filled = sum(reading.count(facts, "samples", name, "rows") > 0 for name in names)
    shared = {name: reading.count(facts, "split", f"shared_{name}") for name in ("rows", "customers")}
    ends, starts = (
        reading.instant(facts, "samples", name, side) for name, side in (("fit", "to"), ("report", "from"))
    )
    said = f"{filled} samples, {shared['rows']} rows and {shared['customers']} customers shared; "
    holds = within(gate, filled, filled) and filled == len(names) and not any(shared.values())
    return Finding(float(filled), holds and ends < starts, f"{said}fit ends {ends}, report starts {starts}")


RULES: Mapping[str, Callable[[Gate, Facts], Finding]] = MappingProxyType(
    {
        "effect": partial(bounded.figure, RANGES),
        "arms": _arms,
        "balanced": _balanced,
        "arm_share": _arm_share,
        "parted": _parted,
    }
)
