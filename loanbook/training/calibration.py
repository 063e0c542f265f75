"""features → candidate: log-odds to PD, by Platt's logistic fit on a sample of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError

Vector = npt.NDArray[np.float64]

# Log-loss and early stopping leave the slope near 1 already; seventy bads tell it to 0.12 only.
SLOPE_KNOWN_TO = 0.10
ONE = np.array([0.0, 1.0])


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

    The slope is drawn towards 1, so that a small sample doesn't bend what the trees got right.

    Raises TrainingError when there is one class only, or a higher score turns out to mean less risk.
    """
    bads, goods = int(bad.sum()), int((~bad).sum())
    if not bads or not goods:
        raise TrainingError(f"calibration needs bads and goods, and has {bads} and {goods}")
    target = np.where(bad, (bads + 1) / (bads + 2), 1 / (goods + 2))
    fitted = logistic(score, target, slope_known_to=SLOPE_KNOWN_TO)
    if fitted.slope <= 0:
        raise TrainingError(
            f"the score ranks risk upside down on the calibration sample (slope {fitted.slope:.3f})"
        )
    return fitted


def logistic(x: Vector, target: Vector, *, slope_known_to: float | None = None) -> Platt:
    """Maximise the likelihood of `target` in [0, 1] on one regressor; raise TrainingError if it diverges.

    With `slope_known_to` the slope has a normal prior around 1 with that standard deviation.
    """
    precision = np.diag([0.0, 0.0 if slope_known_to is None else slope_known_to**-2])
    design = np.column_stack([np.ones_like(x), x])
    beta = np.array([np.log(target.mean() / (1 - target.mean())), 0.0])
    for _ in range(100):
        p = 1.0 / (1.0 + np.exp(-np.clip(design @ beta, -50, 50)))
        weight = p * (1 - p)
        gradient = design.T @ (target - p) - precision @ (beta - ONE)
        step = np.linalg.lstsq((design.T * weight) @ design + precision, gradient, rcond=None)[0]
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            return Platt(float(beta[0]), float(beta[1]))
    raise TrainingError(
        "the logistic fit doesn't converge", right="The classes may be perfectly separated: look for a leak"
    )
