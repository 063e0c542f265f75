"""features → candidate: the plain second model: a level of its own for each model, one curve for all.

The logarithm of an amount is the level of its kind and a line in age, its square, and kilometres: what a
price guide's table would say. It values nothing, and says what the trees are worth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Names = npt.NDArray[np.object_]

TERMS = ("age", "age squared", "10,000 km")


@dataclass(frozen=True)
class Curve:
    """What each kind stands at, what the unknown do, and the slope of each of TERMS."""

    levels: dict[str, float]
    unknown: float
    slopes: tuple[float, ...]

    def amounts(self, kinds: Names, age: Vector, driven: Vector) -> Vector:
        """Give each row's amount."""
        level = np.array([self.levels.get(str(kind), self.unknown) for kind in kinds])
        return np.asarray(np.exp(level + _terms(age, driven) @ np.array(self.slopes)))


def learn(kinds: Names, age: Vector, driven: Vector, logs: Vector) -> Curve:
    """Fit by least squares within kinds: on differences from their means (Frisch and Waugh 1933)."""
    terms = _terms(age, driven)
    names, code = np.unique(kinds.astype(str), return_inverse=True)
    counts = np.bincount(code)
    means = np.column_stack([np.bincount(code, column) / counts for column in terms.T])
    level = np.bincount(code, logs) / counts
    slopes = np.linalg.lstsq(terms - means[code], logs - level[code], rcond=None)[0]
    at = level - means @ slopes
    return Curve(
        dict(zip(names.tolist(), at.tolist(), strict=True)), float(at.mean()), tuple(slopes.tolist())
    )


def _terms(age: Vector, driven: Vector) -> Vector:
    """Lay out the terms; where a number is missing it is 0, as it is for all where nobody wrote it down."""
    return np.column_stack([np.nan_to_num(one) for one in (age, age**2, driven / 10_000)])
