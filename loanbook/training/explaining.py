"""features → candidate: whether the reasons hold: under noise, when the first is mended, and as scored.

The model is asked through two functions of rows × features, so nothing of its own account is believed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.training import reasons
from loanbook.training.reasons import Reason, ReasonMap

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]

ROWS = 500
NOISE = 0.01  # of a feature's standard deviation: an answer rounded otherwise, a balance a day later


@dataclass(frozen=True)
class Explained:
    """A model with its reasons: each row's contributions by feature, each row's PD."""

    map: ReasonMap
    features: Sequence[str]
    parts: Callable[[Matrix], Matrix]
    pd: Callable[[Matrix], Vector]

    def told(self, rows: Matrix) -> list[list[str]]:
        """Give each row's reason codes, the weightiest first."""
        return reasons.principal(self.map, self.features, self.parts(rows))

    def places(self, reason: Reason) -> list[int]:
        """Find the columns that speak for a reason."""
        return [self.features.index(name) for name in reason.features]


def held(
    model: Explained, values: Matrix, cut_off: float, deviation: Mapping[str, float], seed: int
) -> dict[str, Any]:
    """Try the reasons of rows that aren't approved. Raises TrainingError where all or none are.

    `deviation` gives each number's standard deviation; a category isn't blurred.
    """
    pd = model.pd(values)
    refused, near = np.flatnonzero(pd >= cut_off), reasons.nearest(pd, cut_off)
    if not len(refused) or not (pd < cut_off).any():
        raise TrainingError(f"{len(refused)} of {len(pd)} are not approved: there is nothing to hold to")
    chance = np.random.default_rng(seed)
    rows = values[np.sort(chance.choice(refused, min(ROWS, len(refused)), replace=False))]
    told = model.told(rows)
    firsts = Counter(codes[0] for codes in told if codes)
    cited = Counter(code for codes in told for code in codes)
    return {
        "rows": len(rows),
        "approved_near": len(near),
        "without_a_reason": sum(not codes for codes in told),
        "noise": _under_noise(model, rows, told, deviation, chance),
        "mended": _mended(model, rows, told, values[near], cut_off),
        "codes": {code: {"first": firsts[code], "cited": cited[code]} for code in sorted(cited)},
    }


def _under_noise(
    model: Explained,
    rows: Matrix,
    told: Sequence[Sequence[str]],
    deviation: Mapping[str, float],
    chance: np.random.Generator,
) -> dict[str, float]:
    """Blur every number a little and ask again."""
    width = np.array([deviation.get(name, 0.0) for name in model.features])
    again = model.told(rows + chance.normal(size=rows.shape) * NOISE * np.nan_to_num(width))
    pairs = list(zip(told, again, strict=True))
    return {
        "deviations": NOISE,
        "first_kept": float(np.mean([one[:1] == other[:1] for one, other in pairs])),
        "all_kept": float(np.mean([set(one) == set(other) for one, other in pairs])),
    }


def _mended(
    model: Explained, rows: Matrix, told: Sequence[Sequence[str]], near: Matrix, cut_off: float
) -> dict[str, Any]:
    """Give each row, of its first reason alone, what a middling approved one near the cut-off has."""
    donors = _donors(model, near)
    places = {reason.code: model.places(reason) for reason in model.map.reasons}
    better = rows.copy()
    for row, codes in enumerate(told):
        if codes:
            better[row, places[codes[0]]] = donors[codes[0]]
    before, after = model.pd(rows), model.pd(better)
    return {
        "lowered": float(np.mean(after < before)),
        "raised": int(np.sum(after > before)),
        "median_fall": float(np.median(before - after)),
        "approved_then": float(np.mean(after < cut_off)),
    }


def _donors(model: Explained, near: Matrix) -> dict[str, Vector]:
    """Find, for each reason, the values of the row whose weight in it is the middle one."""
    parts = model.parts(near)
    found = {}
    for reason in model.map.reasons:
        columns = model.places(reason)
        weight = parts[:, columns].sum(axis=1)
        found[reason.code] = near[np.argsort(weight, kind="stable")[(len(near) - 1) // 2]][columns]
    return found
