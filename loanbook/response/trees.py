"""features → candidate: trees of one part of a response: of its level, or of how steeply a dose moves it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loanbook.training import fitting
from loanbook.training.fitting import Fitted, Form, Recipe

Vector = npt.NDArray[np.float64]

STEPS = 30


@dataclass(frozen=True)
class Rows:
    """Rows to learn a part from: what trees say of one counts `times`, on top of what is known `about` it.

    Of a level `times` is 1, of a slope the centred logarithm of the dose (varying coefficients: Hastie and
    Tibshirani 1993; with a level from other rows this is the R-learner's loss, Nie and Wager 2021). A
    `chance` is told in log-odds, and else the outcome itself. `weight` is how much a row counts.
    """

    matrix: Vector
    outcome: Vector
    about: Vector
    times: Vector
    weight: Vector
    chance: bool

    def said(self, told: Vector) -> Vector:
        """Give the outcome that is expected."""
        score = self.about + self.times * told
        return np.asarray(1 / (1 + np.exp(-score))) if self.chance else score

    def slope(self, told: Vector) -> tuple[Vector, Vector]:
        """Give gradient and curvature of each row's loss by what is told."""
        said = self.said(told)
        curve = said * (1 - said) if self.chance else np.ones(len(said))
        return (said - self.outcome) * self.times * self.weight, curve * self.times**2 * self.weight

    def losses(self, told: Vector) -> Vector:
        """Give each row's log-loss, or half its squared error."""
        if not self.chance:
            return np.asarray((self.said(told) - self.outcome) ** 2 / 2)
        score = self.about + self.times * told
        return np.asarray(np.logaddexp(0.0, np.where(self.outcome > 0, -score, score)))


def fit(form: Form, rows: Rows, recipe: Recipe) -> Fitted:
    """Fit for as many rounds as the recipe says."""
    # the intermediate method can let a sign slip beside categories; the basic one never does
    return fitting.descend(form, rows.matrix, rows.slope, recipe, monotone_constraints_method="basic")


def constant(rows: Rows) -> float:
    """Give the one number that tells the rows best, by Newton's steps."""
    told = 0.0
    for _ in range(STEPS):
        gradient, weight = rows.slope(np.full(len(rows.outcome), told))
        told -= float(gradient.sum() / weight.sum())
    return told


def line(rows: Rows, steps: Vector) -> tuple[float, float]:
    """Give the one level and the one slope by `steps` that tell the rows best, by Newton's steps."""
    ends = np.zeros(2)
    both = np.column_stack([np.ones(len(steps)), steps])
    for _ in range(STEPS):
        gradient, weight = rows.slope(both @ ends)
        ends -= np.linalg.solve((both * weight[:, None]).T @ both, both.T @ gradient)
    return float(ends[0]), float(ends[1])
