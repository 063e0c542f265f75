"""features → candidate: log-odds to PD, by Platt's logistic fit on a sample of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError

Vector = npt.NDArray[np.float64]

# Log-loss and early stopping leave level and slope nearly right already; a hundred bads tell either to some
# 0.10 only (docs/decisions/0022-calibration.md).
KNOWN_TO = 0.10
FREE = float("inf")


@dataclass(frozen=True)
class Platt:
    """PD = 1 / (1 + exp(-(intercept + slope · score)))."""

    intercept: float
    slope: float

    def pd(self, score: Vector) -> Vector:
        """Turn log-odds into PD."""
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(self.intercept + self.slope * score, -500, 500))))


def fit(score: Vector, bad: npt.NDArray[np.bool_]) -> Platt:
    """Fit two numbers by Newton's method with Platt's smoothed targets (Platt 1999, section 2.2).

    The slope is drawn towards 1, and the log-odds at the mean score towards that score, so that a small
    sample doesn't bend what the trees got right. A level that is off by more than its own error is followed:
    the prior is then as wide as the sample says (empirical Bayes, its positive part: Efron and Morris 1973).

    Raises TrainingError when there is one class only, or a higher score turns out to mean less risk.
    """
    bads, goods = int(bad.sum()), int((~bad).sum())
    if not bads or not goods:
        raise TrainingError(f"calibration needs bads and goods, and has {bads} and {goods}")
    target = np.where(bad, (bads + 1) / (bads + 2), 1 / (goods + 2))
    free, error = _line(score, target, (FREE, KNOWN_TO))
    off = free[0] - float(score.mean())
    fitted = _platt(
        score, _line(score, target, (max(KNOWN_TO, max(0.0, off**2 - error**2) ** 0.5), KNOWN_TO))[0]
    )
    if fitted.slope <= 0:
        raise TrainingError(
            f"the score ranks risk upside down on the calibration sample (slope {fitted.slope:.3f})"
        )
    return fitted


def logistic(x: Vector, target: Vector) -> Platt:
    """Maximise the likelihood of `target` in [0, 1] on one regressor; raise TrainingError if it diverges."""
    return _platt(x, _line(x, target, (FREE, FREE))[0])


def _platt(x: Vector, line: Vector) -> Platt:
    return Platt(float(line[0] - line[1] * x.mean()), float(line[1]))


def _line(x: Vector, target: Vector, known_to: tuple[float, float]) -> tuple[Vector, float]:
    """Fit level (at the mean of `x`) and slope by Newton's method; give both, and the level's standard error.

    Each has a normal prior around the identity, with the standard deviation given.
    """
    for halved in (False, True):
        found = _newton(x, target, known_to, halved=halved)
        if found is not None:
            return found
    raise TrainingError(
        "the logistic fit doesn't converge", right="The classes may be perfectly separated: look for a leak"
    )


def _newton(
    x: Vector, target: Vector, known_to: tuple[float, float], *, halved: bool
) -> tuple[Vector, float] | None:
    """Take Newton's steps to the end, or give None; `halved` until the likelihood grows.

    Whole steps end in ten. Where bads are a few in a thousand, and far from the rest, they overshoot.
    """
    centre = float(x.mean())
    precision, identity = np.diag(np.array(known_to) ** -2.0), np.array([centre, 1.0])
    design = np.column_stack([np.ones_like(x), x - centre])
    beta = np.array([np.log(target.mean() / (1 - target.mean())), 0.0])
    for _ in range(100):
        p = 1.0 / (1.0 + np.exp(-np.clip(design @ beta, -50, 50)))
        curvature = (design.T * (p * (1 - p))) @ design + precision
        gradient = design.T @ (target - p) - precision @ (beta - identity)
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        part = _fraction(design, target, precision, identity, beta, step) if halved else 1.0
        beta = beta + part * step
        if np.abs(step).max() < 1e-10:
            return beta, float(np.sqrt(np.linalg.pinv(curvature)[0, 0]))
    return None


def _fraction(
    design: Vector, target: Vector, precision: Vector, identity: Vector, beta: Vector, step: Vector
) -> float:
    """Halve a step until it doesn't lower the likelihood."""

    def likelihood(at: Vector) -> float:
        z, away = design @ at, at - identity
        return float(target @ z - np.logaddexp(0, z).sum() - away @ precision @ away / 2)

    before, part = likelihood(beta), 1.0
    least = before - 1e-12 * abs(before)  # what rounding takes away is no loss
    while part > 1e-12 and likelihood(beta + part * step) < least:
        part /= 2
    return part
