"""features → candidate: the plain second model: regressions in which every feature moves level and slope.

It chooses no limit, and says what the trees are worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from loanbook.training.regression import Columns

Vector = npt.NDArray[np.float64]

RIDGE, SHRUNK = 300.0, 0.01  # scikit-learn's alpha and C: strong, since a lot is small


@dataclass(frozen=True)
class Plain:
    """A fitted regression of one outcome: of the row, of the step, and of both together."""

    columns: Columns
    regression: Any
    chance: bool

    def told(self, values: Vector, steps: Vector) -> Vector:
        """Give the outcome of each row at its own step."""
        laid = _laid(self.columns, values, steps)
        if self.chance:
            return np.asarray(self.regression.predict_proba(laid)[:, 1])
        return np.asarray(self.regression.predict(laid))


def learn(values: Vector, steps: Vector, seen: Vector, codes: tuple[int, ...], *, chance: bool) -> Plain:
    """Fit by ridge, or by logistic regression; `codes` counts the categories of each column."""
    from sklearn.linear_model import LogisticRegression, Ridge

    columns = Columns.of(values, codes)
    regression = LogisticRegression(C=SHRUNK, max_iter=5000) if chance else Ridge(alpha=RIDGE)
    regression.fit(_laid(columns, values, steps), seen)
    return Plain(columns, regression, chance)


def _laid(columns: Columns, values: Vector, steps: Vector) -> Vector:
    of_row = columns.laid(values)
    return np.column_stack([of_row, steps, of_row * steps[:, None]])
