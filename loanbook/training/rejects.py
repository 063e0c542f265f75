"""features → candidate: what whoever was not lent to would have done, as bounds. The one door to rejectkit.

Nothing in the data tells it: each method stands on an assumption. So they are told side by side, as an
interval from the lowest end to the highest, and beside them what holds whatever is assumed (Manski 1989).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.training import calibration, segments

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Figures = tuple[float, float, float]  # by MEASURES
Weighed = tuple[Vector, Flags, Vector]  # score, bad, weight: people as a method takes them to be

MEASURES = ("bad_rate", "bad_rate_of_the_unlent", "auc")
BANDS = 10
TIMES = (1.0, 1.5, 2.0)  # as bad as the lent of the same band, half again as bad, twice
GROUPS, T95 = 10, 2.262  # the jackknife's groups, and Student's 95 % for one less
FEWEST = 20  # bads and goods among the lent, and unlent, under which nothing is inferred


@dataclass(frozen=True)
class Door:
    """Who came in a period: `score` is the log-odds of the PD, `lending` those of being lent to."""

    score: Vector
    lending: Vector
    bad: Flags
    unlent_score: Vector
    unlent_lending: Vector

    @property
    def lent_share(self) -> float:
        """The share of the door that was lent to."""
        return len(self.score) / (len(self.score) + len(self.unlent_score))

    def without(self, lent: Flags, unlent: Flags) -> Door:
        """Leave some people out."""
        return Door(
            self.score[~lent],
            self.lending[~lent],
            self.bad[~lent],
            self.unlent_score[~unlent],
            self.unlent_lending[~unlent],
        )


def bounds(door: Door, seed: int) -> dict[str, Any]:
    """Give each method's bad rates and AUC through the door, the interval over all, and the worst case.

    A method's interval is of its sampling alone, by a jackknife that leaves out a tenth of the door at a
    time (Kott 2001); that the assumption is wrong is told by the others.
    """
    bads = int(door.bad.sum())
    if min(bads, len(door.bad) - bads, len(door.unlent_score)) < FEWEST:
        raise TrainingError(
            f"{bads} bads of {len(door.bad)} lent and {len(door.unlent_score)} unlent: "
            f"{FEWEST} bads, goods and unlent are needed"
        )
    people = weighed(door)
    whole = _estimates(people, door)
    left = [door.without(*one) for one in _groups(door, seed)]
    apart = [_estimates(weighed(one), one) for one in left]
    methods = [_method(name, whole[name], [one[name] for one in apart]) for name in whole]
    return {
        "methods": methods,
        **{f"{name}_interval": _over(methods, f"{name}_interval") for name in MEASURES},
        "worst_case": worst_case(door),
        "effective_rows": effective_rows(people["reweighting"][2]),
    }


def _over(methods: list[dict[str, Any]], name: str) -> list[float]:
    return [min(one[name][0] for one in methods), max(one[name][1] for one in methods)]


def _groups(door: Door, seed: int) -> list[tuple[Flags, Flags]]:
    """Deal the door into groups by lot, lent and unlent alike."""
    chance = np.random.default_rng(seed)
    dealt = [
        chance.permutation(np.arange(rows) % GROUPS) for rows in (len(door.score), len(door.unlent_score))
    ]
    return [(dealt[0] == group, dealt[1] == group) for group in range(GROUPS)]


def _method(name: str, found: Figures, apart: Sequence[Figures]) -> dict[str, Any]:
    told: dict[str, Any] = {"method": name, "assumes": ASSUMES[name]}
    for measure, value, left_out in zip(MEASURES, found, zip(*apart, strict=True), strict=True):
        told[measure] = value
        told[f"{measure}_interval"] = _ends(value, _error(np.array(left_out)))
    return told


def _error(left_out: Vector) -> float:
    return float(np.sqrt((GROUPS - 1) / GROUPS * np.sum((left_out - left_out.mean()) ** 2)))


def _ends(middle: float, error: float) -> list[float]:
    return [max(0.0, middle - T95 * error), min(1.0, middle + T95 * error)]


def _estimates(people: Mapping[str, Weighed], door: Door) -> dict[str, Figures]:
    """Give each method's bad rate of the door, of the unlent alone, and AUC."""
    share, rate = door.lent_share, float(door.bad.mean())
    found = {}
    for name, (score, bad, weight) in people.items():
        whole = float(weight[bad].sum() / weight.sum())
        found[name] = whole, (whole - share * rate) / (1 - share), weighed_auc(score, bad, weight)
    return found


def weighed(door: Door) -> dict[str, Weighed]:
    """Give the door as each method takes it to be, by rejectkit."""
    from rejectkit import FuzzyAugmentation, Parcelling, Reweighting

    base = _Logistic()
    score = door.score[:, None], door.bad.astype(int), door.unlent_score[:, None]
    lending = door.lending[:, None], door.bad.astype(int), door.unlent_lending[:, None]
    parcelled = Parcelling(base, n_bins=BANDS).fit(*score)
    made: dict[str, Weighed] = {
        _times(times): _rows(parcelled.set_params(uplift=times).resample()) for times in TIMES
    }
    made["fuzzy augmentation"] = _rows(FuzzyAugmentation(base).fit_resample(*score))
    # it weighs the lent by how likely they were to be: the rows come back as they went in
    _, bad, weight = Reweighting(base).fit_resample(*lending)
    return made | {"reweighting": (door.score, bad.astype(bool), weight)}


class _Logistic:
    """How rejectkit learns an outcome from a score: our logistic fit, in a shape that scikit-learn clones."""

    def get_params(self, deep: bool = True) -> dict[str, object]:  # noqa: ARG002  scikit-learn passes it by name
        """Have none."""
        return {}

    def fit(self, rows: Vector, came: npt.NDArray[np.int_]) -> _Logistic:
        """Fit the log-odds of what came on the score."""
        self.fitted = calibration.logistic(rows[:, 0], came.astype(float))
        return self

    def predict_proba(self, rows: Vector) -> Vector:
        """Give both probabilities of each row."""
        chance = self.fitted.pd(rows[:, 0])
        return np.column_stack([1 - chance, chance])


def _rows(made: tuple[Vector, Any, Vector]) -> Weighed:
    score, bad, weight = made
    return score[:, 0], bad.astype(bool), weight


def _times(times: float) -> str:
    return f"parcelling × {times:g}"


ASSUMES: Mapping[str, str] = {
    **{
        _times(times): f"in each tenth of the score the unlent are {times:g} times as bad as the lent"
        for times in TIMES
    },
    "fuzzy augmentation": "the unlent are as bad as the score says, drawn on from the lent",
    "reweighting": "of two people of whom the same is known, the lent and the unlent are alike",
}


def effective_rows(weight: Vector) -> float:
    """Count the equal rows that tell as much (Kish 1965); few, where few like the unlent were lent to."""
    return float(weight.sum() ** 2 / np.sum(weight**2))


def weighed_auc(score: Vector, bad: Flags, weight: Vector) -> float:
    """Give the AUC of people of whom each counts by a weight; equal scores count half."""
    values, place = np.unique(score, return_inverse=True)
    bads = np.bincount(place, weight * bad, len(values))
    goods = np.bincount(place, weight * ~bad, len(values))
    return float(bads @ (np.cumsum(goods) - goods / 2) / (bads.sum() * goods.sum()))


def worst_case(door: Door) -> dict[str, list[float]]:
    """Give the bad rate if all the unlent were good or all bad, and the AUC at its lowest and highest.

    The bad rate's ends hold the sampling of the lent (Wilson); the AUC's don't.
    """
    share = door.lent_share
    low, high = segments.wilson(int(door.bad.sum()), len(door.bad))
    return {
        "bad_rate_interval": [share * low, share * high + 1 - share],
        "auc_interval": [_extreme(door, door.unlent_score, min), _extreme(door, -door.unlent_score, max)],
    }


def _extreme(door: Door, order: Vector, choose: Callable[[Vector], Any]) -> float:
    """Call the first k of the unlent bad, the rest good, and take the k at which the AUC is most extreme."""
    unlent = door.unlent_score[np.argsort(order, kind="stable")]
    goods, bads = np.sort(door.score[~door.bad]), np.sort(door.score[door.bad])
    as_bad = _below(goods, unlent)  # goods of the lent that each passes, if bad
    as_good = len(bads) - _below(bads, unlent)  # bads of the lent that pass each, if good
    k = np.arange(len(unlent) + 1)
    lent = _below(goods, bads).sum()
    rest = as_good.sum() - np.append(0, np.cumsum(as_good))
    among = k * (len(unlent) - k) * (1.0 if choose is max else 0.0)
    won = lent + np.append(0, np.cumsum(as_bad)) + rest + among
    pairs = (len(bads) + k) * (len(goods) + len(unlent) - k)
    return float(choose(won / pairs))


def _below(values: Vector, asked: Vector) -> Vector:
    """Count the sorted values under each that is asked for, an equal one as half."""
    left, right = (np.searchsorted(values, asked, side) for side in ("left", "right"))
    return np.asarray((left + right) / 2)


def compared(interval: list[float], truth: float, truth_interval: list[float]) -> str:
    """Say whether an interval holds what came: holds it, touches its own interval, or misses both."""
    low, high = interval
    if low <= truth <= high:
        return "holds"
    return "touches" if truth_interval[0] <= high and low <= truth_interval[1] else "misses"
