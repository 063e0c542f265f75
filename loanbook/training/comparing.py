"""features → candidate: two models on the same rows, and what is known of their difference."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.training import evaluation

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Difference(TypedDict):
    """The first AUC less the second, with DeLong's paired interval at 95 % and two-sided p-value.

    `p_value` is null where the two rank every pair alike.
    """

    first: float
    second: float
    difference: float
    difference_interval: list[float]
    p_value: float | None


def auc_difference(
    first: Vector, second: Vector, bad: Flags, whose: evaluation.Whose | None = None
) -> Difference:
    """Compare two scores of the same rows (DeLong, DeLong and Clarke-Pearson 1988).

    With `whose`, rows of one customer count as one witness.

    Raises TrainingError with fewer than two bads or goods, or for other lengths.
    """
    if not len(first) == len(second) == len(bad):
        raise TrainingError(f"{len(first)} and {len(second)} scores for {len(bad)} outcomes")
    bads, goods = int(bad.sum()), int((~bad).sum())
    if min(bads, goods) < 2:
        raise TrainingError(f"a difference needs two bads and two goods, and has {bads} and {goods}")
    one, two = evaluation.placements(first, bad), evaluation.placements(second, bad)
    areas = float(one[0].mean()), float(two[0].mean())
    # the pairs of rows are the same, so what both models share cancels out
    variance = evaluation.variance(one[0] - two[0], one[1] - two[1], bad, whose)
    error, difference = float(np.sqrt(variance)), areas[0] - areas[1]
    half = evaluation.Z95 * error
    return Difference(
        first=areas[0],
        second=areas[1],
        difference=difference,
        difference_interval=[difference - half, difference + half],
        p_value=_two_sided(difference / error) if error else None,
    )


def _two_sided(z: float) -> float:
    from math import erfc, sqrt

    return erfc(abs(z) / sqrt(2))
