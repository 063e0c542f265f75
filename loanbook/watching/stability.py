"""production → verdict: PSI against bins that were frozen at training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
BINS = 10
FLOOR = 1e-4  # an empty bin counts as this share, or one row would make the index infinite


@dataclass(frozen=True)
class Frozen:
    """A feature's bins at training: inner edges, and the share of each bin, the missing last."""

    edges: tuple[float, ...]
    shares: tuple[float, ...]


def freeze(values: Vector, *, codes: int = 0) -> Frozen:
    """Bin by deciles of what is known, or one bin for each of a category's codes, seen here or not."""
    known = values[~np.isnan(values)]
    if codes:
        edges = np.arange(1, codes) - 0.5
    else:
        edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else known
    kept = tuple(float(edge) for edge in edges)
    return Frozen(kept, _shares(values, kept))


def psi(frozen: Frozen, values: Vector) -> float:
    """Give the population stability index, natural logarithm; 0 for the same shares."""
    return index(frozen.shares, _shares(values, frozen.edges))


def index(expected: Sequence[float], actual: Sequence[float]) -> float:
    """Give the PSI of two lists of shares."""
    before = np.maximum(np.asarray(expected, dtype=float), FLOOR)
    after = np.maximum(np.asarray(actual, dtype=float), FLOOR)
    return float(np.sum((after - before) * np.log(after / before)))


def by_chance(bins: int, before: int, after: int) -> float:
    """Give the PSI that 5 % of samples of these sizes pass though nothing moved (Yurdakul 2018: a χ²)."""
    from scipy.stats import chi2

    return float(chi2.ppf(0.95, bins - 1)) * (1 / before + 1 / after) if bins > 1 else 0.0


def frozen_to_json(bins: Mapping[str, Frozen]) -> dict[str, object]:
    """Give the bins as they stand in a bundle."""
    return {name: {"edges": list(one.edges), "shares": list(one.shares)} for name, one in bins.items()}


def frozen_from_json(value: Mapping[str, Mapping[str, Sequence[float]]]) -> dict[str, Frozen]:
    """Read the bins of a bundle."""
    return {name: Frozen(tuple(one["edges"]), tuple(one["shares"])) for name, one in value.items()}


def _shares(values: Vector, edges: Sequence[float]) -> tuple[float, ...]:
    missing = np.isnan(values)
    places = np.searchsorted(np.asarray(edges, dtype=float), values[~missing], side="right")
    counts = np.bincount(places, minlength=len(edges) + 1).tolist()
    return tuple(count / len(values) for count in [*counts, int(missing.sum())])
