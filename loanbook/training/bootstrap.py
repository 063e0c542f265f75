"""features → candidate: how far each measure could have come out otherwise, by drawing the sample again.

Stratified: every draw has as many bads and goods as the sample, so what is drawn is who they were, and not
how many. PR-AUC, lift, Brier and ECE hang on the bad rate, and their intervals are those at the sample's own.
Where customers recur, whole customers are drawn: those with a bad row among themselves, and those with none.
A draw is a count per row; all draws are measured together, a chunk at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.training import calibration, evaluation

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Draws = npt.NDArray[np.float64]

TIMES = 500
CHUNK = 1_000_000  # counts in memory at once: rows times draws
ENDS = (2.5, 97.5)


def intervals(
    pd: Vector, bad: Flags, *, seed: int, times: int = TIMES, whose: evaluation.Whose | None = None
) -> dict[str, list[float]]:
    """Give each measure's percentile interval at 95 %.

    An ECE is pushed up by every draw's own noise, so its interval lies high. Where all PDs are the same there
    is no slope. Raises TrainingError with fewer than two bads or goods.
    """
    bads, goods = int(bad.sum()), int((~bad).sum())
    if min(bads, goods) < 2:
        raise TrainingError(f"drawing again needs two bads and two goods, and has {bads} and {goods}")
    order = np.argsort(-pd, kind="stable")
    sample = _Sorted(pd[order], bad[order])
    drawn_from = None if whose is None else whose[order]
    parts = [sample.measures(counts) for counts in _draws(sample.bad, seed, times, drawn_from)]
    drawn = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {name: np.percentile(values, ENDS).tolist() for name, values in drawn.items()}


@dataclass(frozen=True)
class _Stratum:
    """Rows that are drawn apart, as so many units; `unit` says whose unit each row is."""

    rows: Flags
    units: int
    unit: npt.NDArray[np.intp] | None  # null: each row is one


def _strata(bad: Flags, whose: evaluation.Whose | None) -> tuple[_Stratum, ...]:
    """Part bads from goods, or the customers who have a bad row from those who have none."""
    if whose is None:
        return tuple(_Stratum(mask, int(mask.sum()), None) for mask in (bad, ~bad))
    _, code = np.unique(whose, return_inverse=True)
    went_bad = np.bincount(code, bad)[code] > 0
    units = ((mask, np.unique(code[mask], return_inverse=True)[1]) for mask in (went_bad, ~went_bad))
    return tuple(_Stratum(mask, int(unit.max()) + 1, unit) for mask, unit in units if len(unit))


def _draws(bad: Flags, seed: int, times: int, whose: evaluation.Whose | None = None) -> Iterator[Draws]:
    """Draw rows with replacement, bads among bads and goods among goods, or customers.

    Gives counts, draws × rows.
    """
    chance = np.random.default_rng(seed)
    rows, strata = len(bad), _strata(bad, whose)
    size = max(1, CHUNK // rows)
    for start in range(0, times, size):
        here = min(size, times - start)
        counts = np.zeros((here, rows))
        for one in strata:
            drawn = chance.integers(0, one.units, (here, one.units)) + np.arange(here)[:, None] * one.units
            found = np.bincount(drawn.ravel(), minlength=here * one.units).reshape(here, one.units)
            counts[:, one.rows] = found if one.unit is None else found[:, one.unit]
        yield counts


class _Sorted:
    """A sample with its riskiest row first, and how to measure draws of it."""

    def __init__(self, pd: Vector, bad: Flags) -> None:
        self.pd, self.bad = pd, bad
        self.ends = np.flatnonzero(np.append(np.diff(pd) != 0, True))  # where a run of equal PDs ends
        self.log_odds = evaluation.log_odds(pd)
        self.start = calibration.logistic(self.log_odds, bad.astype(float)) if np.ptp(pd) else None

    def measures(self, counts: Draws) -> dict[str, Vector]:
        """Measure every draw."""
        found_bads, found_goods = self._found(counts)
        bads, goods = found_bads[:, -1:], found_goods[:, -1:]
        sensitivity, fallout = found_bads / bads, found_goods / goods
        steps = np.diff(fallout, axis=1, prepend=0.0)
        before = np.concatenate([np.zeros_like(bads), sensitivity[:, :-1]], axis=1)
        auc = np.sum(steps * (before + sensitivity) / 2, axis=1)
        rows = counts.sum(axis=1)
        found = {
            "auc": auc,
            "gini": 2 * auc - 1,
            "ks": np.abs(sensitivity - fallout).max(axis=1),
            "lift_10": self._lift(counts, 0.10),
            "pr_auc": _precision(found_bads, found_goods),
            "brier": counts @ ((self.pd - self.bad) ** 2) / rows,
            "ece": self._ece(counts),
        }
        return found if self.start is None else found | {"calibration_slope": self._slope(counts, self.start)}

    def _found(self, counts: Draws) -> tuple[Draws, Draws]:
        """Count bads and goods down to each end of equal PDs."""
        return (
            np.cumsum(counts * self.bad, axis=1)[:, self.ends],
            np.cumsum(counts * ~self.bad, axis=1)[:, self.ends],
        )

    def _lift(self, counts: Draws, share: float) -> Vector:
        rows = counts.sum(axis=1)
        top = np.maximum(1, np.floor(rows * share))[:, None]
        taken = np.diff(np.minimum(np.cumsum(counts, axis=1), top), axis=1, prepend=0.0)
        return np.asarray((taken @ self.bad) / top[:, 0] / ((counts @ self.bad) / rows))

    def _ece(self, counts: Draws) -> Vector:
        """Cut each draw into ten equally filled bands, safest first as `evaluation.bands` does."""
        away = np.cumsum((counts * (self.pd - self.bad))[:, ::-1], axis=1)
        filled = np.cumsum(counts[:, ::-1], axis=1)
        rows = len(self.pd)
        cuts = np.cumsum([0, *(len(part) for part in np.array_split(np.arange(rows), evaluation.BANDS))])
        found = [
            np.abs(np.diff(np.interp(cuts * (full[-1] / rows), np.append(0, full), np.append(0, gone)))).sum()
            / full[-1]
            for full, gone in zip(filled, away, strict=True)
        ]
        return np.array(found)

    def _slope(self, counts: Draws, start: calibration.Platt) -> Vector:
        """Fit every draw's logistic line at once, by Newton's method from the sample's own."""
        x = self.log_odds
        beta = np.tile([start.intercept, start.slope], (len(counts), 1))
        for _ in range(5):  # from so near, five steps leave nothing that is shown
            p = 1.0 / (1.0 + np.exp(-np.clip(beta[:, :1] + beta[:, 1:] * x, -50, 50)))
            miss, weight = counts * (self.bad - p), counts * p * (1 - p)
            g0, g1 = miss.sum(axis=1), miss @ x
            a, b, c = weight.sum(axis=1), weight @ x, weight @ (x * x)
            step = np.stack([c * g0 - b * g1, a * g1 - b * g0], axis=1) / (a * c - b * b)[:, None]
            beta = beta + step
        return np.asarray(beta[:, 1])


def _precision(found_bads: Draws, found_goods: Draws) -> Vector:
    """Give each draw's average precision: precision at each end, weighted by the recall gained there."""
    taken = np.maximum(found_bads + found_goods, 1)
    gained = np.diff(found_bads, axis=1, prepend=0.0)
    return np.asarray(np.sum(gained * found_bads / taken, axis=1) / found_bads[:, -1])
