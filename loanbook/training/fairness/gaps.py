"""features → candidate: how far apart two groups are, and how well that is known."""

from __future__ import annotations

from math import exp, sqrt
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.training import calibration, evaluation
from loanbook.training.evaluation import Z95
from loanbook.training.segments import wilson

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Gap(TypedDict):
    """A measure of what lies furthest apart, at 95 %; null with its reason where it couldn't be taken.

    The interval takes the groups as given: that they were found to be the lowest and the highest isn't in it.
    """

    figure: float | None
    interval: list[float] | None
    lowest: str | None
    highest: str | None
    unmeasured: str | None


def none(why: str) -> Gap:
    """Say why a gap wasn't measured."""
    return Gap(figure=None, interval=None, lowest=None, highest=None, unmeasured=why)


def ratio(few: tuple[int, int], many: tuple[int, int]) -> list[float]:
    """Give the interval of a ratio of two shares, each as hits and rows (Katz et al. 1978, on the log scale).

    Without a hit in the first the upper end is that of Wilson's interval over the lower one of the second.
    """
    hits, rows = few
    best, of = many
    if not hits:
        return [0.0, wilson(hits, rows)[1] / wilson(best, of)[0]]
    point, error = (hits / rows) / (best / of), sqrt(1 / hits - 1 / rows + 1 / best - 1 / of)
    return [point * exp(-Z95 * error), point * exp(Z95 * error)]


def difference(few: tuple[int, int], many: tuple[int, int]) -> list[float]:
    """Give the interval of the second share less the first (Newcombe 1998, method 10)."""
    low, high = few[0] / few[1], many[0] / many[1]
    (low_from, low_to), (high_from, high_to) = wilson(*few), wilson(*many)
    point = high - low
    return [
        point - sqrt((high - high_from) ** 2 + (low_to - low) ** 2),
        point + sqrt((high_to - high) ** 2 + (low - low_from) ** 2),
    ]


def absolute(ends: list[float]) -> list[float]:
    """Turn the interval of a signed figure into that of its size."""
    low, high = sorted(abs(end) for end in ends)
    return [0.0 if ends[0] <= 0 <= ends[1] else low, high]


def slope(pd: Vector, bad: Flags) -> tuple[float, list[float]]:
    """Give the calibration slope and its Wald interval; raises TrainingError where there is none."""
    if not np.ptp(pd):
        raise TrainingError("all have the same PD, so there is no slope")
    x = evaluation.log_odds(pd)
    fitted = calibration.logistic(x, bad.astype(float))
    weight = fitted.pd(x) * (1 - fitted.pd(x))
    spread = float(weight @ (x - (weight @ x) / weight.sum()) ** 2)  # the slope's own information
    half = Z95 / sqrt(spread)
    return fitted.slope, [fitted.slope - half, fitted.slope + half]
