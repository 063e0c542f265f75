"""features → candidate: how unusual a row is, whatever was ever confirmed.

ECOD (Li et al., 2022: unsupervised outlier detection by empirical cumulative distribution functions): how far
out a row stands in each feature's own tails, summed over the features. It has no parameter and looks at no
outcome. A missing value says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError

Vector = npt.NDArray[np.float64]
MOST = 1_000  # values kept of a feature; of more, as many order statistics, both ends among them


@dataclass(frozen=True)
class Tails:
    """One feature in the fit sample: distinct values, ascending, and the rows under and up to each.

    `left` says which tail is the long one: the left where the values are skewed to it.
    """

    rows: int
    values: tuple[float, ...]
    under: tuple[int, ...]
    up_to: tuple[int, ...]
    left: bool

    def surprise(self, values: Vector) -> tuple[Vector, Vector]:
        """Give minus the log of each value's share of the left and of the right tail, itself counted in."""
        kept = np.array(self.values)
        last = np.searchsorted(kept, values, side="right")  # how many kept values lie up to it
        first = np.searchsorted(kept, values, side="left")
        up_to = np.concatenate([[0], self.up_to])[last]
        over = self.rows - np.concatenate([self.under, [self.rows]])[first]
        known = ~np.isnan(values)
        left, right = (np.where(known, -np.log((one + 1) / (self.rows + 1)), 0.0) for one in (up_to, over))
        return left, right


@dataclass(frozen=True)
class Unusual:
    """The tails of every feature, by its name, as the fit sample had them."""

    tails: Mapping[str, Tails]

    def score(self, values: Vector, features: Sequence[str]) -> Vector:
        """Give each row's score: the largest of three sums, left tails, right tails, and the long ones."""
        sums = np.zeros((3, len(values)))
        for name, tails in sorted(self.tails.items()):  # a sum's last bit hangs on the order
            left, right = tails.surprise(values[:, features.index(name)])
            sums += np.stack([left, right, left if tails.left else right])
        return np.asarray(sums.max(axis=0))

    def to_json(self) -> dict[str, object]:
        """Give the tails as they stand in a bundle."""
        return {name: asdict(tails) for name, tails in self.tails.items()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Unusual:
        """Read the tails of a bundle."""
        return cls({name: _tails(one) for name, one in value.items()})


def freeze(values: Vector, features: Sequence[str], chosen: Sequence[str]) -> Unusual:
    """Freeze the tails of the chosen features, or raise TrainingError when the model knows none of them."""
    kept = [name for name in chosen if name in features]
    if not kept:
        raise TrainingError(
            "no feature is there by which a row could be unusual", right=f"Fill any of {', '.join(chosen)}"
        )
    return Unusual({name: _frozen(values[:, features.index(name)]) for name in kept})


def _frozen(column: Vector) -> Tails:
    known = column[~np.isnan(column)]
    values, counts = np.unique(known, return_counts=True)
    up_to = np.cumsum(counts)
    places = np.unique(np.linspace(0, len(values) - 1, min(MOST, len(values))).round().astype(int))
    return Tails(
        rows=len(known),
        values=tuple(values[places].tolist()),
        under=tuple((up_to - counts)[places].tolist()),
        up_to=tuple(up_to[places].tolist()),
        left=bool(((known - known.mean()) ** 3).sum() < 0) if len(known) else False,
    )


def _tails(value: Mapping[str, Any]) -> Tails:
    return Tails(
        rows=int(value["rows"]),
        values=tuple(map(float, value["values"])),
        under=tuple(map(int, value["under"])),
        up_to=tuple(map(int, value["up_to"])),
        left=bool(value["left"]),
    )
