"""score → decision: what is lost of a loan whose collateral is taken and sold.

A vehicle's value at default is known by quantiles, and so is the loss. A sale may bring more than is owed,
and one may cost more than it brings: a loss given default (LGD) lies in [0, 1] neither here nor in a ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from loanbook.errors import ScoringError

Vector = npt.NDArray[np.float64]

# Swanson's rule: the mean of a distribution from its 10th, 50th and 90th percentile (Hurst, Brown and Swanson
# 2000, AAPG Bulletin 84).
LEVELS, WEIGHTS = (0.1, 0.5, 0.9), np.array([0.3, 0.4, 0.3])


@dataclass(frozen=True)
class Terms:
    """What is left of a value once the vehicle was found, taken, repaired, sold and paid for.

    `share` of it comes in and `fixed` goes out. What comes in ends at `most` times what is owed: the rest is
    the borrower's. `most` is infinite where a ledger shows no such end.
    """

    share: float
    fixed: float = 0.0
    most: float = float("inf")


def lgd(values: Vector, owed: Vector, terms: Terms) -> Vector:
    """Give each loan's LGD at each quantile of its vehicle's value, rows × quantiles, falling to the right.

    Raises ScoringError where nothing is owed: a share of nothing is no number.
    """
    if not (owed > 0).all():
        raise ScoringError(
            f"of {int((~(owed > 0)).sum())} loans nothing is owed", right="Ask of loans in default"
        )
    comes_in = np.minimum(values * terms.share, terms.most * owed[:, None]) - terms.fixed
    return np.asarray(1 - comes_in / owed[:, None])


def expected(values: Vector, owed: Vector, terms: Terms) -> Vector:
    """Give each loan's expected LGD, the values being the 10th, 50th and 90th percentile."""
    if values.shape[1] != len(LEVELS):
        raise ScoringError(f"{values.shape[1]} quantiles were given", right=f"Give those of {LEVELS}")
    return np.asarray(lgd(values, owed, terms) @ WEIGHTS)


def rolled(appraised: Vector, told: Vector, then: Vector) -> Vector:
    """Roll an appraisal forward, rows × quantiles: by what a valuer tells of then over its median now.

    Who looked at the vehicle knows what the valuer doesn't; the valuer knows what becomes of it.
    """
    return np.asarray(then * (appraised / told)[:, None])


def learn(values: Vector, recovered: Vector) -> Terms:
    """Take the share from what earlier sales left of their expected values, costs paid: money over money."""
    told = float((values @ WEIGHTS).sum())
    if not len(recovered) or told <= 0:
        raise ScoringError("no earlier sale is there to learn from", right="Bring realised recoveries")
    return Terms(float(recovered.sum()) / told)


def against(said: Vector, realised: Vector) -> dict[str, Any]:
    """Hold expected LGDs to the realised: means, mean absolute error, Spearman's rank correlation."""
    ranks = [np.argsort(np.argsort(one, kind="stable"), kind="stable") for one in (said, realised)]
    rank = float(np.corrcoef(ranks[0], ranks[1])[0, 1]) if np.ptp(said) > 0 and np.ptp(realised) > 0 else None
    return {
        "loans": len(realised),
        "expected": float(said.mean()),
        "realised": float(realised.mean()),
        "realised_sd": float(realised.std(ddof=1)),
        "mean_error": float(np.abs(said - realised).mean()),
        "rank": rank,
    }
