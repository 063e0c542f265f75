"""features → candidate: how far told amounts lie from those that were seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.training.evaluation import Z95
from loanbook.training.segments import wilson

Vector = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_]

FEWEST = 100  # with fewer, a median's interval is wider than any difference worth knowing
AGES = ((1, "under 1 year"), (3, "1 to 2 years"), (5, "3 to 4 years"), (8, "5 to 7 years"))
OLDEST = "8 years and over"
KILOMETRES = ((20_000, "under 20,000 km"), (50_000, "20,000 to 49,999 km"), (100_000, "50,000 to 99,999 km"))
FURTHEST, UNKNOWN = "100,000 km and over", "missing"


def measures(amount: Vector, told: Vector, levels: Sequence[float]) -> dict[str, Any]:
    """Measure quantiles, rows × levels, against the amounts.

    `median_ape` and `mean_ape` are of |median told − amount| / amount, `bias` is the median of it with its
    sign, `mae` is in money. `coverage` is the share of amounts within the outermost quantiles, `below` and
    `above` the shares beyond; `width` is the median of their distance over the median told. `pinball` is the
    mean over levels, of logarithms. Intervals are at 95 %. Raises TrainingError without a row.
    """
    if not len(amount):
        raise TrainingError("no amount is there to measure by")
    middle, low, high = told[:, list(levels).index(0.5)], told[:, 0], told[:, -1]
    away = (middle - amount) / amount
    inside = (amount >= low) & (amount <= high)
    return {
        "rows": len(amount),
        "median_ape": float(np.median(np.abs(away))),
        "median_ape_interval": median_interval(np.abs(away)),
        "mean_ape": float(np.abs(away).mean()),
        "within_10": float((np.abs(away) <= 0.1).mean()),
        "mae": float(np.abs(middle - amount).mean()),
        "bias": float(np.median(away)),
        "bias_interval": median_interval(away),
        "coverage": float(inside.mean()),
        "coverage_interval": wilson(int(inside.sum()), len(amount)),
        "below": float((amount < low).mean()),
        "above": float((amount > high).mean()),
        "width": float(np.median((high - low) / middle)),
        "pinball": _pinball(amount, told, levels),
    }


def median_interval(values: Vector) -> list[float]:
    """Give the median's 95 % interval by order statistics: no shape is assumed."""
    ordered, rows = np.sort(values), len(values)
    half = Z95 * np.sqrt(rows) / 2
    low = max(0, int(np.floor(rows / 2 - half)))
    high = min(rows - 1, int(np.ceil(rows / 2 + half)))
    return [float(ordered[low]), float(ordered[high])]


def _pinball(amount: Vector, told: Vector, levels: Sequence[float]) -> float:
    miss = np.log(amount)[:, None] - np.log(told)
    level = np.array(levels)
    return float(np.maximum(level * miss, (level - 1) * miss).mean())


def by_part(
    parts: Names, amount: Vector, told: Vector, levels: Sequence[float], order: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Measure each part apart, in the `order` given, then by name; a small one is only counted."""
    names = [name for name in order if np.any(parts == name)]
    names += sorted(set(parts.tolist()) - set(order))
    return [_part(name, amount[parts == name], told[parts == name], levels) for name in names]


def _part(name: str, amount: Vector, told: Vector, levels: Sequence[float]) -> dict[str, Any]:
    kept = ("median_ape", "median_ape_interval", "bias", "coverage")
    few = len(amount) < FEWEST
    found: dict[str, Any] = dict.fromkeys(kept) if few else measures(amount, told, levels)
    why = f"{len(amount)} rows, {FEWEST} are needed" if few else None
    return {"part": name, "rows": len(amount), **{one: found[one] for one in kept}, "unmeasured": why}


def banded(values: Vector, bands: Sequence[tuple[float, str]], last: str) -> Names:
    """Name each value's band: the first whose end lies above it."""
    ends = np.array([end for end, _ in bands], dtype=float)
    names = np.array([*(name for _, name in bands), last, UNKNOWN], dtype=str)
    places = np.where(np.isnan(values), len(names) - 1, np.searchsorted(ends, values, side="right"))
    return np.asarray(names[places])


def closer(one: Vector, other: Vector, amount: Vector) -> dict[str, Any]:
    """Compare two medians, row by row: the mean difference of |ln told − ln amount|, with its interval."""
    logs = np.log(amount)
    difference = np.abs(np.log(one) - logs) - np.abs(np.log(other) - logs)
    mean, half = float(difference.mean()), Z95 * float(difference.std(ddof=1)) / len(amount) ** 0.5
    return {"difference": mean, "difference_interval": [mean - half, mean + half]}
