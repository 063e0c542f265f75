"""features → candidate: trees of a quantile of an amount's logarithm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loanbook.training import fitting
from loanbook.training.fitting import Fitted, Form, Recipe

Vector = npt.NDArray[np.float64]

SMOOTH = 0.2  # half the width, in logarithms, over which the pinball loss is rounded


@dataclass(frozen=True)
class Amounts:
    """Rows to learn an amount from or to be stopped by: a matrix, and the logarithm of each amount."""

    matrix: Vector
    logs: Vector


def fit_quantile(form: Form, learn: Amounts, stop: Amounts, recipe: Recipe, level: float) -> Fitted:
    """Fit a quantile of logarithms on one sample, stop on another; `stop_loss` is the mean pinball loss.

    LightGBM's own quantile objective takes no monotone constraints, so its loss is the pinball loss convolved
    with a uniform kernel (Fernandes, Guerre and Horta 2021): smooth, and the same beyond that kernel.
    """
    # LightGBM keeps its labels as 32 bits, and so do we
    logs, later = (one.logs.astype(np.float32).astype(float) for one in (learn, stop))

    def slope(predicted: Vector) -> tuple[Vector, Vector]:
        over = (logs - predicted) / (2 * SMOOTH)
        return -np.clip(level - 0.5 + over, level - 1, level), np.ones(len(over))

    # in deep trees with categories the intermediate method lets a sign slip; the basic one never does
    own = {"cat_smooth": 5, "cat_l2": 5, "monotone_constraints_method": "basic"}
    held = stop.matrix, lambda predicted: pinball(later, predicted, level)
    return fitting.descend(form, learn.matrix, slope, recipe, held, **own)


def pinball(actual: Vector, said: Vector, level: float) -> float:
    """Give the mean pinball loss of a quantile."""
    miss = actual - said
    return float(np.mean(np.maximum(level * miss, (level - 1) * miss)))
