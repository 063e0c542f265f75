"""features → candidate: learn a scorecard's bins and weights. The one door to optbinning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.training.scorecard import Characteristic

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MOST_BINS = 8
SMALLEST_BIN = 0.05
FEWEST_BADS = 5  # in a bin: with fewer its weight is noise
LEAST_VALUE = 0.02  # under this information value a feature is no predictor (Siddiqi 2006, chapter 6)
BY_CHANCE = 0.99  # of features that say nothing stay under what chance gives their bins
RIDGES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
UNCHOSEN = 10.0  # where the stopping sample has too few bads to choose by
FEW = 25
DIGITS = 6  # a scorecard is a table to read, and its bytes mustn't hang on the last bit of a machine
TREND = {1: "ascending", -1: "descending", 0: "auto"}


@dataclass(frozen=True)
class Learned:
    """The characteristics that carry weight, and the log-odds where each of them has none."""

    intercept: float
    characteristics: tuple[Characteristic, ...]


def learn(
    values: Vector,
    bad: Flags,
    *,
    fit: Flags,
    features: Sequence[str],
    categories: Mapping[str, Sequence[str]],
    monotone: Mapping[str, int],
) -> Learned:
    """Learn bins and weights of evidence on the `fit` rows alone, the coefficients on all that are given.

    A feature whose information value is little, or what chance would give it, is left out, and so is one
    whose coefficient would say the opposite of its own weights. How far coefficients are drawn to 0 is chosen
    where the trees' rounds are: on the rows beyond `fit`. With no feature left the card is its intercept.
    """
    if bad[fit].all() or not bad[fit].any():
        raise TrainingError(f"the fit sample has one outcome only ({int(bad[fit].sum())} bads)")
    found = [
        _characteristic(name, values[fit, index], bad[fit], name in categories, monotone.get(name, 0))
        for index, name in enumerate(features)
    ]
    told = [_tells(one, values[fit, index], bad[fit]) for index, one in enumerate(found)]
    kept = [one for one, tells in zip(found, told, strict=True) if tells]
    weights = np.zeros((len(bad), len(kept)))
    for place, one in enumerate(kept):
        weights[:, place] = one.weights(values[:, features.index(one.feature)])
    intercept, coefficients = _solve(weights, bad, _ridge(weights, bad, fit))
    named = [replace(one, coefficient=float(part)) for one, part in zip(kept, coefficients, strict=True)]
    return Learned(intercept, tuple(one for one in named if one.coefficient < 0))


def _characteristic(name: str, column: Vector, bad: Flags, category: bool, sign: int) -> Characteristic:
    known = ~np.isnan(column)
    edges: tuple[float, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    cuts = _cuts(column[known], bad[known], category, sign)
    if category:
        seen = np.unique(column[known]).astype(int).tolist()
        groups = tuple(tuple(sorted(int(code) for code in cut)) for cut in cuts) or (tuple(seen),)
    else:
        edges = tuple(float(cut) for cut in cuts)
    bare = Characteristic(name, edges, groups, tuple(float(n) for n in range(_size(edges, groups) + 1)), 0.0)
    places = bare.weights(column).astype(int)
    goods, bads = (np.bincount(places[mask], minlength=len(bare.woe)) for mask in (~bad, bad))
    return replace(bare, woe=tuple(_woe(goods, bads).tolist()))


def _cuts(column: Vector, bad: Flags, category: bool, sign: int) -> list[Any]:
    """Ask optbinning where to cut; nothing when it can't, or finds one bin best."""
    from optbinning import OptimalBinning

    if bad.sum() < 2 * FEWEST_BADS or (~bad).sum() < 2 * FEWEST_BADS or len(np.unique(column)) < 2:
        return []
    binning = OptimalBinning(
        dtype="categorical" if category else "numerical",
        solver="cp",
        max_n_bins=MOST_BINS,
        min_prebin_size=SMALLEST_BIN,
        min_bin_n_event=FEWEST_BADS,
        monotonic_trend=None if category else TREND[sign],
        # a limit that is met would make the bins hang on the machine's speed; cuts are proven in milliseconds
        time_limit=600,
    )
    binning.fit(column.astype(int).astype(str) if category else column, bad.astype(int))
    return list(binning.splits) if binning.status == "OPTIMAL" else []


def _size(edges: Sequence[float], groups: Sequence[Sequence[int]]) -> int:
    return len(groups) or len(edges) + 1


def _woe(goods: npt.NDArray[np.intp], bads: npt.NDArray[np.intp]) -> Vector:
    """Give ln(share of goods / share of bads) per bin; the last, of the missing, is drawn towards 0.

    optbinning leaves no bin without a bad or a good, but of the missing there may be three, or none.
    """
    good, bad = goods.astype(float), bads.astype(float)
    odds = good.sum() / bad.sum()
    bad[-1] += FEWEST_BADS
    good[-1] += FEWEST_BADS * odds
    # what a category's only bin lacks: an outcome that nobody of it had
    safe = (good > 0) & (bad > 0)
    woe = np.log(np.where(safe, good, odds) / np.where(safe, bad, 1.0)) - np.log(odds)
    return np.asarray(np.round(woe, DIGITS) + 0.0)


def _tells(one: Characteristic, column: Vector, bad: Flags) -> bool:
    """Hold the information value, Σ (share of goods − share of bads) · WOE, to a floor and to chance."""
    from scipy.stats import chi2

    weights = one.weights(column)
    value = float(weights[~bad].mean() - weights[bad].mean())
    bins = len(np.unique(weights))
    chance = float(chi2.ppf(BY_CHANCE, max(1, bins - 1))) * (1 / bad.sum() + 1 / (~bad).sum())
    return bool(value >= max(LEAST_VALUE, chance))


def _ridge(weights: Vector, bad: Flags, fit: Flags) -> float:
    """Choose by the loss on the rows that were not fitted on."""
    stop = ~fit
    if bad[stop].sum() < FEW or bad[stop].all() or not weights.shape[1]:
        return UNCHOSEN

    def loss(ridge: float) -> float:
        intercept, coefficients = _solve(weights[fit], bad[fit], ridge)
        odds = intercept + weights[stop] @ coefficients
        return float(np.mean(np.logaddexp(0.0, np.where(bad[stop], -odds, odds))))

    return min(RIDGES, key=loss)


def _solve(weights: Vector, bad: Flags, ridge: float) -> tuple[float, Vector]:
    """Fit, and leave out the worst offender until no bin of more goods than bads means more risk."""
    coefficients = np.zeros(weights.shape[1])
    left = list(range(weights.shape[1]))
    while left:
        intercept, found = _regress(weights[:, left], bad, ridge)
        if (found < 0).all():
            coefficients[left] = found
            return intercept, coefficients
        del left[int(np.argmax(found))]
    rate = float(bad.mean())
    return round(float(np.log(rate / (1 - rate))), DIGITS), coefficients


def _regress(weights: Vector, bad: Flags, ridge: float) -> tuple[float, Vector]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1 / ridge, solver="newton-cholesky", tol=1e-10, max_iter=200)
    model.fit(weights, bad)
    return round(float(model.intercept_[0]), DIGITS), np.round(model.coef_[0], DIGITS)
