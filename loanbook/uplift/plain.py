"""features → candidate: the plain second model: a logistic regression with each offer's interactions.

It targets nobody, and says what the trees are worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from loanbook.training.regression import Columns

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

SHRUNK = 0.01  # scikit-learn's C: strong, since a lot is small and each effect stands in it twice


@dataclass(frozen=True)
class Plain:
    """A fitted regression: of the customer, of the offer, and of the customer where there is an offer."""

    customer: Columns
    offer: Columns
    regression: Any

    def uplift(self, own: Vector, offer: Vector) -> Vector:
        """Give what each row's offer adds."""
        chances = [
            self.regression.predict_proba(
                _laid(self.customer, self.offer, own, offer, np.full(len(own), arm))
            )
            for arm in (True, False)
        ]
        return np.asarray(chances[0][:, 1] - chances[1][:, 1])


def learn(
    own: Vector,
    offer: Vector,
    treated: Flags,
    answered: Flags,
    codes: tuple[tuple[int, ...], tuple[int, ...]],
) -> Plain:
    """Fit to both arms; `codes` counts the categories of the customer's columns and of the offer's."""
    from sklearn.linear_model import LogisticRegression

    customer, terms = Columns.of(own, codes[0]), Columns.of(offer[treated], codes[1])
    regression = LogisticRegression(C=SHRUNK, max_iter=5000)
    regression.fit(_laid(customer, terms, own, offer, treated), answered)
    return Plain(customer, terms, regression)


def _laid(customer: Columns, terms: Columns, own: Vector, offer: Vector, treated: Flags) -> Vector:
    of_customer, arm = customer.laid(own), treated[:, None].astype(float)
    return np.column_stack([of_customer, arm, terms.laid(offer) * arm, of_customer * arm])
