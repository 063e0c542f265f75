"""features → candidate: how a matrix is laid out for a regression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """How a matrix becomes terms of a regression: by mean and spread or category, the missing apart."""

    codes: tuple[int, ...]
    mean: Vector
    spread: Vector

    @classmethod
    def of(cls, values: Vector, codes: tuple[int, ...]) -> Columns:
        """Learn means and spreads; `codes` counts the categories of each column, 0 for a number."""
        with np.errstate(invalid="ignore"):
            known = np.where(np.isnan(values).all(axis=0), 0.0, values)
        mean, spread = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
        return cls(codes, mean, np.where(spread > 0, spread, 1.0))

    def laid(self, values: Vector) -> Vector:
        """Lay the terms out."""
        parts = []
        for place, count in enumerate(self.codes):
            column = values[:, place]
            missing = np.isnan(column)
            if count:
                parts += [(column == code).astype(float) for code in range(count)]
            else:
                told = (column - self.mean[place]) / self.spread[place]
                parts += [np.where(missing, 0.0, told), missing.astype(float)]
        return np.column_stack(parts)
