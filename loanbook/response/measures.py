"""features → candidate: what is told of doses held to what a lot saw, and a ranking by how steep they are.

Doses were drawn by lot, so their law is known and hangs on nobody. A slope is the projection of an outcome on
the dose's centred logarithm under that law. Of a row one dose alone is seen: its `score` is the slope told,
plus the projection of what the outcome left of that which was told; its mean over any customers is the mean
of their true slopes, whatever was told (the doubly robust score: Nie and Wager 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from loanbook.training import lots
from loanbook.training.lots import Draws

Vector = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

POINTS = 50


@dataclass(frozen=True)
class Law:
    """The law of a lot: the doses, the share of each, and the steps of their logarithms from the mean."""

    doses: Vector
    shares: Vector

    @classmethod
    def of(cls, dose: Vector) -> Law:
        """Count the doses of a sample."""
        doses, counts = np.unique(dose, return_counts=True)
        return cls(doses, counts / len(dose))

    @property
    def steps(self) -> Vector:
        """The centred logarithms."""
        logs = np.log(self.doses)
        return np.asarray(logs - self.shares @ logs)

    @property
    def spread(self) -> float:
        """The mean of the squared steps."""
        return float(self.shares @ self.steps**2)

    def slopes(self, over: Vector) -> Vector:
        """Project what is told, rows × doses, on the steps."""
        return np.asarray(over @ (self.shares * self.steps) / self.spread)


@dataclass(frozen=True)
class Seen:
    """One outcome of a sample: what was seen and told at each row's own dose, and its slope told and scored.

    `unit` says which customer each row is of, from 0; whole customers are drawn.
    """

    seen: Vector
    told: Vector
    slope: Vector
    score: Vector
    unit: Places

    @classmethod
    def of(cls, law: Law, dose: Vector, seen: Vector, told: Vector, over: Vector, unit: Places) -> Seen:
        """Score each row's slope; `over` is what is told of it at every dose of the law."""
        slope, step = law.slopes(over), law.steps[np.searchsorted(law.doses, dose)]
        return cls(seen, told, slope, slope + step * (seen - told) / law.spread, unit)


def measures(name: str, one: Seen, *, seed: int) -> dict[str, Any]:
    """Measure an outcome, each figure with its interval; figures begin with the outcome's name.

    `gap` is what was told over what was seen less 1; `slope` what was seen, and `steepness` the slope told
    over it; `calibration` and `slope_calibration` are 1 where customers differ as much as told; `ranking` is
    the area between a targeting by slope and one of anybody (the Qini coefficient among the rank-weighted
    average effects of Yadlowsky et al. 2021), in units of a slope.
    """
    order = np.argsort(-one.slope, kind="stable")

    def taken(counts: Draws | None) -> dict[str, Vector]:
        weight = np.ones((1, len(one.seen))) if counts is None else counts
        weight = weight / weight.sum(axis=1, keepdims=True)
        told, seen = weight @ one.told, weight @ one.seen
        steep, scored = weight @ one.slope, weight @ one.score
        found = {
            "gap": told / seen - 1,
            "slope": scored,
            "steepness": steep / scored,
            "calibration": _by(weight, one.seen, one.told),
            "slope_calibration": _by(weight, one.score, one.slope),
            "ranking": ranking(weight, one.score, order),
        }
        return {f"{name}_{what}": values for what, values in found.items()}

    with np.errstate(invalid="ignore", divide="ignore"):
        at = {what: float(values[0]) for what, values in taken(None).items()}
        ends = lots.intervals(one.unit, taken, seed=seed)
    means = {"seen": one.seen, "told": one.told, "slope_told": one.slope}
    return at | ends | {f"{name}_{what}": float(values.mean()) for what, values in means.items()}


def _by(weight: Draws, seen: Vector, told: Vector) -> Vector:
    """Give the slope of what was seen by what was told, of each draw."""
    mean = weight @ told
    together = weight @ (seen * told) - mean * (weight @ seen)
    return np.asarray(together / (weight @ told**2 - mean**2))


def ranking(weight: Draws, score: Vector, order: Places) -> Vector:
    """Give the area under scores gained by the share that is taken, less that of taking anybody."""
    ordered = weight[:, order]
    share, gain = np.cumsum(ordered, axis=1), np.cumsum(ordered * score[order], axis=1)
    under = np.sum(ordered * (gain + np.insert(gain[:, :-1], 0, 0.0, axis=1)) / 2, axis=1)
    return np.asarray(under - share[:, -1] * gain[:, -1] / 2)


def points(one: Seen) -> dict[str, list[float]]:
    """Give the mean slope of the steepest by their share, less everybody's, to be drawn: the TOC curve."""
    order = np.argsort(-one.slope, kind="stable")
    share = np.arange(1, len(order) + 1) / len(order)
    above = np.cumsum(one.score[order]) / np.arange(1, len(order) + 1) - one.score.mean()
    at = np.linspace(0.1, 1, POINTS)
    return {"share": at.tolist(), "gain": np.interp(at, share, above).tolist()}


def parts(one: Seen, part: Vector, *, seed: int) -> list[dict[str, Any]]:
    """Hold what is told to what was seen, by each value of a part, such as the dose; with its interval."""
    found = []
    for value in np.unique(part):
        rows = part == value

        def taken(counts: Draws | None, rows: npt.NDArray[np.bool_] = rows) -> dict[str, Vector]:
            weight = np.ones((1, len(rows))) if counts is None else counts
            kept = weight * rows
            return {"seen": kept @ one.seen / kept.sum(axis=1)}

        found.append(
            {
                "part": float(value),
                "rows": int(rows.sum()),
                "told": float(one.told[rows].mean()),
                "seen": float(one.seen[rows].mean()),
                **lots.intervals(one.unit, taken, seed=seed),
            }
        )
    return found


def straight(one: Seen, dose: Vector, *, seed: int) -> dict[str, Any]:
    """Hold the means by dose to a straight line in the dose's logarithm, and to a line in the dose itself.

    `bends` are the means by dose less the line that fits them best, over the mean of all. `diminishing` is by
    how much less a unit of dose adds above the middle dose than below it: 1 where it adds nothing there, 0
    where a balance grows with its dose in proportion.
    """
    doses = np.unique(dose)
    place = np.searchsorted(doses, dose)
    flags = np.eye(len(doses))[place]
    both = np.column_stack([np.ones(len(doses)), np.log(doses)])
    middle = len(doses) // 2

    def means(counts: Draws | None) -> tuple[Vector, Vector]:
        weight = np.ones((1, len(dose))) if counts is None else counts
        rows = weight @ flags
        return (weight * one.seen) @ flags / rows, rows

    def taken(counts: Draws | None) -> dict[str, Vector]:
        mean, rows = means(counts)
        lines = [
            np.linalg.solve((both * n[:, None]).T @ both, (both * n[:, None]).T @ m)
            for m, n in zip(mean, rows, strict=True)
        ]
        off = (
            (mean - np.array(lines) @ both.T)
            / (mean * rows).sum(axis=1, keepdims=True)
            * rows.sum(axis=1, keepdims=True)
        )
        below = (mean[:, middle] - mean[:, 0]) / (doses[middle] - doses[0])
        above = (mean[:, -1] - mean[:, middle]) / (doses[-1] - doses[middle])
        found = {f"bend_{dose:g}": off[:, place] for place, dose in enumerate(doses)}
        return found | {"diminishing": 1 - above / below}

    with np.errstate(invalid="ignore", divide="ignore"):
        at = {name: float(values[0]) for name, values in taken(None).items()}
        ends = lots.intervals(one.unit, taken, seed=seed)
    bends = [
        {"dose": float(each), "bend": at[f"bend_{each:g}"], "bend_interval": ends[f"bend_{each:g}_interval"]}
        for each in doses
    ]
    return {
        "bends": bends,
        "diminishing": at["diminishing"],
        "diminishing_interval": ends["diminishing_interval"],
    }
