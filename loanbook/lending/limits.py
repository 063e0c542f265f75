"""predictions → limits: what a limit is worth, and which one of a menu is chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Choosing:
    """By what a limit is chosen: the menu and its rate, and what a default costs.

    `conversion` is the share of what isn't drawn that is drawn by the day of a default, and `lgd` the share
    lost of what is owed then. A limit whose PD is above `most_pd` is not for choosing.
    """

    menu: tuple[float, ...]
    rate: float
    cost_of_funds: float
    lgd: float
    conversion: float
    most_pd: float

    def values(self, balance: Vector, pd: Vector, limits: Vector) -> Vector:
        """Give what limits earn in a year: the margin on balances, less what is lost of exposures."""
        exposure = balance + self.conversion * (limits - balance)
        return np.asarray((self.rate - self.cost_of_funds) * balance - self.lgd * pd * exposure)

    def picked(self, values: Vector, pd: Vector) -> Places:
        """Give the place of each customer's best limit, customers × limits, or -1 where none pays."""
        allowed = np.where(pd <= self.most_pd, values, -np.inf)
        best = np.argmax(allowed, axis=1)
        return np.where(allowed[np.arange(len(allowed)), best] > 0, best, -1)
