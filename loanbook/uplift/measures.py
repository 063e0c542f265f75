"""features → candidate: what ranking by an uplift brings, counted on both arms of a lot.

A control was offered nothing, so it has no terms. It stands here once for each of the terms that the lot
draws, by their share: then who was offered something and who wasn't follow one law of customers and terms,
and what differs between them is what the offers made (Radcliffe 2007, Gutierrez and Gérardy 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.training import lots
from loanbook.training.lots import Draws, Taken

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
POINTS = 100


@dataclass(frozen=True)
class Arms:
    """Both arms under one law: `weight` is 1 for who was offered something, a share of 1 for a control.

    `unit` says which customer each row is of, from 0; whole customers are drawn.
    """

    treated: Flags
    answered: Vector
    weight: Vector
    unit: Places

    def __post_init__(self) -> None:
        """Refuse arms of which one is empty."""
        if not self.treated.any() or self.treated.all():
            raise TrainingError("an arm of the lot is empty", right="Draw controls beside the offered")


def expand(
    treated: Flags, answered: Flags, customers: npt.NDArray[Any], shares: Vector
) -> tuple[Arms, Places]:
    """Put every control down once per kind of terms; give which row each stands for, the offered first.

    Controls follow in order, each with all terms in the order of `shares`, which add up to 1.
    """
    offered, controls = np.flatnonzero(treated), np.flatnonzero(~treated)
    row = np.concatenate([offered, np.repeat(controls, len(shares))])
    weight = np.concatenate([np.ones(len(offered)), np.tile(shares, len(controls))])
    unit = np.unique(customers.astype(str), return_inverse=True)[1]
    return Arms(treated[row], answered[row].astype(float), weight, unit[row]), row


@dataclass(frozen=True)
class Order:
    """Rows by a score, the highest first: who comes when, and where a run of equal scores ends."""

    rows: Places
    ends: Places

    @classmethod
    def of(cls, score: Vector) -> Order:
        """Sort by a score."""
        rows = np.argsort(-score, kind="stable")
        return cls(rows, np.flatnonzero(np.append(np.diff(score[rows]) != 0, True)))


def curve(arms: Arms, order: Order, counts: Draws | None = None) -> tuple[Draws, Draws]:
    """Give the share that is targeted and the answers that it adds per head of all, draws × ends of runs."""
    drawn = np.ones((1, len(arms.weight))) if counts is None else counts
    weight = (drawn * arms.weight)[:, order.rows]
    treated, answered = arms.treated[order.rows], arms.answered[order.rows]
    with_offer, without = weight * treated, weight * ~treated
    with_offer /= with_offer.sum(axis=1, keepdims=True)
    without /= without.sum(axis=1, keepdims=True)
    share = np.cumsum((with_offer + without) / 2, axis=1)[:, order.ends]
    gain = np.cumsum((with_offer - without) * answered, axis=1)[:, order.ends]
    return np.insert(share, 0, 0.0, axis=1), np.insert(gain, 0, 0.0, axis=1)


def qini(arms: Arms, order: Order, counts: Draws | None = None) -> Vector:
    """Give the area between the curve and the straight line of targeting anybody, of each draw."""
    share, gain = curve(arms, order, counts)
    under = np.sum(np.diff(share, axis=1) * (gain[:, 1:] + gain[:, :-1]) / 2, axis=1)
    return np.asarray(under - gain[:, -1] / 2)


def effect(arms: Arms, counts: Draws | None = None, rows: Flags | None = None) -> Vector:
    """Give the share of answers with an offer less that without, of each draw, of some rows or of all."""
    drawn = np.ones((1, len(arms.weight))) if counts is None else counts
    weight = drawn * (arms.weight if rows is None else arms.weight * rows)
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = [
            weight @ (arms.answered * arm) / (weight @ arm.astype(float))
            for arm in (arms.treated, ~arms.treated)
        ]
    return np.asarray(parts[0] - parts[1])


def calibrated(arms: Arms, score: Vector, counts: Draws | None = None) -> tuple[Vector, Vector]:
    """Give the mean uplift told, and the slope of what was seen by what was told, of each draw.

    Where both arms follow one law the covariance of answers and score differs between them by the slope times
    the score's variance.
    """
    drawn = np.ones((1, len(arms.weight))) if counts is None else counts
    weight = drawn * arms.weight
    with_offer, without = weight * arms.treated, weight * ~arms.treated
    with_offer /= with_offer.sum(axis=1, keepdims=True)
    without /= without.sum(axis=1, keepdims=True)
    whole = (with_offer + without) / 2
    mean = whole @ score
    spread = whole @ score**2 - mean**2
    answers = with_offer - without
    together = answers @ (arms.answered * score) - mean * (answers @ arms.answered)
    with np.errstate(invalid="ignore", divide="ignore"):
        return mean, np.asarray(together / spread)


def measures(arms: Arms, score: Vector, response: Vector, *, seed: int) -> dict[str, Any]:
    """Measure a ranking by uplift, and beside it one by the chance of an answer, each with its interval.

    `qini` and `response_qini` are areas in answers added per head; `over_response` is their difference, drawn
    together. `calibration_gap` is the mean told less the mean seen, `calibration_slope` 1 where differences
    are as large as told.
    """
    by_uplift, by_response = Order.of(score), Order.of(response)

    def taken(counts: Draws | None) -> dict[str, Vector]:
        area, other = qini(arms, by_uplift, counts), qini(arms, by_response, counts)
        seen, (told, slope) = effect(arms, counts), calibrated(arms, score, counts)
        return {
            "average_effect": seen,
            "qini": area,
            "response_qini": other,
            "over_response": area - other,
            "calibration_gap": told - seen,
            "calibration_slope": slope,
        }

    at = {name: float(values[0]) for name, values in taken(None).items()}
    return at | {"predicted_effect": float(calibrated(arms, score)[0][0])} | intervals(arms, taken, seed=seed)


def intervals(arms: Arms, taken: Taken, *, seed: int) -> dict[str, list[float]]:
    """Give each figure's percentile interval at 95 %; `taken` gives figures by name of some draws."""
    return lots.intervals(arms.unit, taken, seed=seed)


def points(arms: Arms, score: Vector) -> dict[str, list[float]]:
    """Give the curve at evenly spaced shares, to be drawn."""
    share, gain = curve(arms, Order.of(score))
    at = np.linspace(0, 1, POINTS + 1)
    return {"share": at.tolist(), "gain": np.interp(at, share[0], gain[0]).tolist()}
