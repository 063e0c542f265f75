"""features → candidate: how decisions and PDs fall on protected groups. The one door to fairlearn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.training import evaluation
from loanbook.training.fairness import gaps
from loanbook.training.fairness.gaps import Gap
from loanbook.training.segments import FEWEST_BADS, wilson

FEWEST = 100  # a smaller group has no rate of its own: its interval would say nothing
UNKNOWN = "unknown"
TOGETHER = "judged together"
Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[np.object_]
Rates = Mapping[str, Any]


def named(groups: npt.NDArray[np.object_]) -> Names:
    """Name each row's group; who says nothing is unknown."""
    return np.array([UNKNOWN if group is None else str(group) for group in groups], dtype=object)


def pooled(names: Names, *samples: Flags) -> tuple[Names, list[str]]:
    """Put groups that are too small in any sample under one name; give the names, and which those are."""
    known = sorted(set(names.tolist()) - {UNKNOWN})
    small = [one for one in known if min(int(np.sum(names[rows] == one)) for rows in samples) < FEWEST]
    return np.where(np.isin(names, small), TOGETHER, names), small


def judged(names: Names) -> list[str]:
    """Name the groups that are large enough, of names that were pooled."""
    found = sorted(set(names.tolist()) - {UNKNOWN})
    return [name for name in found if int(np.sum(names == name)) >= FEWEST]


def by_group(groups: npt.NDArray[np.object_], approved: Flags, bad: Flags, pd: Vector) -> dict[str, Any]:
    """Give each group's rates, calibration and ranking, and how far apart the judged groups are.

    Groups too small for a rate of their own are judged together; `too_few` names them where even that is too
    small. `selection_ratio` is the smallest approval rate over the largest (29 CFR 1607.4(D) calls it the
    four-fifths rule), null where fewer than two groups are large enough or nobody is approved.
    """
    names = named(groups)
    whole, small = pooled(names, np.ones(len(names), dtype=bool))
    found = _rates(names, approved, bad, pd)
    if TOGETHER in whole:
        found |= {TOGETHER: _rates(whole, approved, bad, pd)[TOGETHER]}
    compared = {name: found[name] for name in judged(whole)}
    measures = _measures(compared)
    return {
        "groups": {name: one for name, one in found.items() if name != TOGETHER or name in compared},
        "judged_together": small,
        "too_few": small if TOGETHER not in compared else [],
        "measures": measures,
        "selection_ratio": measures["selection_ratio"]["figure"],
    }


def selection_ratio(names: Names, approved: Flags) -> tuple[float | None, str, str]:
    """Give the smallest approval rate over the largest among judged groups, and which they are."""
    rates = {name: float(approved[names == name].mean()) for name in judged(names)}
    if len(rates) < 2 or not max(rates.values()):
        return None, "", ""
    low, high = min(rates, key=lambda one: rates[one]), max(rates, key=lambda one: rates[one])
    return rates[low] / rates[high], low, high


def _rates(names: Names, approved: Flags, bad: Flags, pd: Vector) -> dict[str, dict[str, Any]]:
    from functools import partial

    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate

    metrics: dict[str, Callable[..., float]] = {
        "approved": selection_rate,
        "approved_goods": partial(true_positive_rate, pos_label=1),
        "approved_bads": partial(false_positive_rate, pos_label=1),
    }
    frame = MetricFrame(
        metrics=metrics,
        y_true=(~bad).astype(int),
        y_pred=approved.astype(int),
        sensitive_features=names.astype(str),
    ).by_group
    return {
        str(name): _told(frame.loc[name], approved[names == name], bad[names == name], pd[names == name])
        for name in frame.index
    }


def _told(rates: Mapping[str, float], approved: Flags, bad: Flags, pd: Vector) -> dict[str, Any]:
    """Put a group's rates beside their counts and intervals; a rate of nobody is null."""
    parts = {
        "approved": ("rows", np.ones(len(bad), dtype=bool)),
        "approved_goods": ("goods", ~bad),
        "approved_bads": ("bads", bad),
    }
    found: dict[str, Any] = {}
    for name, (count, rows) in parts.items():
        found[count] = int(rows.sum())
        found[name] = float(rates[name]) if rows.any() else None
        found[f"{name}_interval"] = wilson(int(approved[rows].sum()), int(rows.sum())) if rows.any() else None
    return found | _calibrated(bad, pd) | _ranked(bad, pd)


def _calibrated(bad: Flags, pd: Vector) -> dict[str, Any]:
    rate, mean = float(bad.mean()), float(pd.mean())
    low, high = wilson(int(bad.sum()), len(bad))
    return {
        "bad_rate": rate,
        "bad_rate_interval": [low, high],
        "mean_pd": mean,
        "calibration_gap": mean - rate,
        "calibration_gap_interval": [mean - high, mean - low],
    }


def _ranked(bad: Flags, pd: Vector) -> dict[str, Any]:
    """Measure slope and AUC where there are bads and goods enough, and a PD that tells people apart."""
    found: dict[str, Any] = dict.fromkeys(
        ("calibration_slope", "calibration_slope_interval", "auc", "auc_interval", "unmeasured")
    )
    bads, goods = int(bad.sum()), int((~bad).sum())
    if min(bads, goods) < FEWEST_BADS:
        return found | {"unmeasured": f"{bads} bads and {goods} goods, {FEWEST_BADS} of each are needed"}
    area, low, high = evaluation.auc(pd, bad)
    found |= {"auc": area, "auc_interval": [low, high]}
    try:
        slope, ends = gaps.slope(pd, bad)
    except TrainingError as reason:
        return found | {"unmeasured": str(reason)}
    return found | {"calibration_slope": slope, "calibration_slope_interval": ends}


def _measures(found: Mapping[str, Rates]) -> dict[str, Gap]:
    """Find how far apart the groups are; each measure among the groups that are large enough for it."""
    goods = {name: one for name, one in found.items() if one["goods"] >= FEWEST}
    bads = {name: one for name, one in found.items() if one["bads"] >= FEWEST_BADS}
    return {
        "selection_ratio": _shares(found, "approved", "rows", gaps.ratio),
        "selection_difference": _shares(found, "approved", "rows", gaps.difference),
        "opportunity_ratio": _shares(goods, "approved_goods", "goods", gaps.ratio),
        "opportunity_difference": _shares(goods, "approved_goods", "goods", gaps.difference),
        "false_approval_difference": _shares(bads, "approved_bads", "bads", gaps.difference),
        "calibration_gap": _furthest(found),
        "auc_difference": _ranking({name: one for name, one in found.items() if one["auc"] is not None}),
    }


def _shares(
    found: Mapping[str, Rates],
    rate: str,
    count: str,
    interval: Callable[[tuple[int, int], tuple[int, int]], list[float]],
) -> Gap:
    """Hold the lowest share to the highest."""
    if len(found) < 2:
        return gaps.none(f"{len(found)} groups have enough {count}, two are needed")
    low, high = _ends(found, rate)
    if not found[high][rate]:
        return gaps.none("nobody is approved")
    few, many = ((round(found[one][rate] * found[one][count]), int(found[one][count])) for one in (low, high))
    first, second = found[low][rate], found[high][rate]
    figure = first / second if interval is gaps.ratio else second - first
    return Gap(figure=figure, interval=interval(few, many), lowest=low, highest=high, unmeasured=None)


def _furthest(found: Mapping[str, Rates]) -> Gap:
    """Find the group whose mean PD lies furthest from its bad rate."""
    if not found:
        return gaps.none("no group is large enough")
    worst = max(found, key=lambda one: (abs(found[one]["calibration_gap"]), one))
    signed, ends = found[worst]["calibration_gap"], found[worst]["calibration_gap_interval"]
    low, high = (worst, None) if signed < 0 else (None, worst)
    return Gap(figure=abs(signed), interval=gaps.absolute(ends), lowest=low, highest=high, unmeasured=None)


def _ranking(found: Mapping[str, Rates]) -> Gap:
    """Hold the lowest AUC to the highest; the groups share no row, so their variances add up."""
    if len(found) < 2:
        return gaps.none(f"{len(found)} groups have enough bads and goods, two are needed")
    low, high = _ends(found, "auc")
    half = float(np.hypot(*(np.ptp(np.array(found[one]["auc_interval"])) / 2 for one in (low, high))))
    figure = found[high]["auc"] - found[low]["auc"]
    return Gap(
        figure=figure, interval=[figure - half, figure + half], lowest=low, highest=high, unmeasured=None
    )


def _ends(found: Mapping[str, Rates], rate: str) -> tuple[str, str]:
    ordered = sorted(found, key=lambda one: (found[one][rate], one))
    return ordered[0], ordered[-1]
