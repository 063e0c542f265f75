"""features → candidate: the second model, an interpretable scorecard, as a table that a person can add up.

Its PD needs no library: each feature's bin gives points, points add up, 600 are odds of 50:1 good to bad and
20 more double the odds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.training.calibration import Platt

Vector = npt.NDArray[np.float64]

POINTS, ODDS, TO_DOUBLE = 600.0, 50.0, 20.0
FACTOR = TO_DOUBLE / float(np.log(2))
OFFSET = POINTS - FACTOR * float(np.log(ODDS))


@dataclass(frozen=True)
class Characteristic:
    """One feature's bins: `edges` of a number (a bin holds its lower edge), or `groups` of category codes.

    `woe` has one weight of evidence, ln(share of goods / share of bads), per bin, and one for the missing.
    """

    feature: str
    edges: tuple[float, ...]
    groups: tuple[tuple[int, ...], ...]
    woe: tuple[float, ...]
    coefficient: float

    def weights(self, values: Vector) -> Vector:
        """Give each value its weight of evidence; a code that no group holds counts as missing."""
        woe = np.asarray(self.woe)
        missing = len(woe) - 1
        if self.groups:
            known = {code: place for place, group in enumerate(self.groups) for code in group}
            places = np.array([known.get(code, missing) for code in range(max(known) + 1)] + [missing])
            codes = np.where(np.isnan(values), len(places) - 1, values).astype(int)
            return np.asarray(woe[places[np.minimum(codes, len(places) - 1)]])
        places = np.searchsorted(np.asarray(self.edges), values, side="right")
        return np.asarray(woe[np.where(np.isnan(values), missing, places)])


@dataclass(frozen=True)
class Scorecard:
    """Log-odds of bad: `intercept`, and each coefficient times its weight; `calibration` makes them a PD."""

    intercept: float
    characteristics: tuple[Characteristic, ...]
    calibration: Platt

    def pd(self, values: Vector, features: Sequence[str]) -> Vector:
        """Give each row's PD."""
        return self.calibration.pd(self.log_odds(values, features))

    def log_odds(self, values: Vector, features: Sequence[str]) -> Vector:
        """Give each row's log-odds of bad before calibration."""
        return log_odds(self.intercept, self.characteristics, values, features)

    def points(self, values: Vector, features: Sequence[str]) -> Vector:
        """Give each row's points, as the calibrated odds have them."""
        odds = self.calibration.intercept + self.calibration.slope * self.log_odds(values, features)
        return np.asarray(OFFSET - FACTOR * odds)

    def to_json(self, categories: Mapping[str, Sequence[str]]) -> dict[str, object]:
        """Give the scorecard as it stands in a bundle; points follow from the rest and are for people."""
        base = self.calibration.intercept + self.calibration.slope * self.intercept
        return {
            "scaling": {"points": POINTS, "odds": ODDS, "to_double": TO_DOUBLE},
            "base_points": round(OFFSET - FACTOR * base, 2),
            "intercept": self.intercept,
            "calibration": {"intercept": self.calibration.intercept, "slope": self.calibration.slope},
            "characteristics": [
                {
                    "feature": one.feature,
                    "coefficient": one.coefficient,
                    "edges": list(one.edges),
                    "groups": [list(group) for group in one.groups],
                    "woe": list(one.woe),
                    "bins": _named(one, categories.get(one.feature, ())),
                    "points": [self._worth(one, woe) for woe in one.woe],
                }
                for one in self.characteristics
            ],
        }

    def _worth(self, one: Characteristic, woe: float) -> float:
        return round(-FACTOR * self.calibration.slope * one.coefficient * woe, 2) + 0.0

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Scorecard:
        """Read the scorecard of a bundle, or raise TrainingError for a scaling that isn't ours."""
        if value["scaling"] != {"points": POINTS, "odds": ODDS, "to_double": TO_DOUBLE}:
            raise TrainingError(f"the scorecard is scaled by {value['scaling']}", where="scorecard.json")
        characteristics = tuple(
            Characteristic(
                str(one["feature"]),
                tuple(float(edge) for edge in one["edges"]),
                tuple(tuple(int(code) for code in group) for group in one["groups"]),
                tuple(float(woe) for woe in one["woe"]),
                float(one["coefficient"]),
            )
            for one in value["characteristics"]
        )
        return cls(float(value["intercept"]), characteristics, Platt(**value["calibration"]))


def log_odds(
    intercept: float, characteristics: Sequence[Characteristic], values: Vector, features: Sequence[str]
) -> Vector:
    """Add up the weights of each row, in the order of the card."""
    total = np.full(len(values), intercept)
    for one in characteristics:
        total = total + one.coefficient * one.weights(values[:, features.index(one.feature)])
    return total


def _named(one: Characteristic, categories: Sequence[str]) -> list[str]:
    """Write the bins for people."""
    if one.groups:
        return [*(", ".join(categories[code] for code in group) for group in one.groups), "missing"]
    if not one.edges:
        return ["any", "missing"]
    inner = [f"{low:g} to {high:g}" for low, high in zip(one.edges, one.edges[1:], strict=False)]
    return [f"under {one.edges[0]:g}", *inner, f"{one.edges[-1]:g} and over", "missing"]
