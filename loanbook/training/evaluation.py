"""features → candidate: how well a PD ranks, and whether it is true."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.training import calibration

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Whose = npt.NDArray[Any]  # each row's customer, where rows of one customer are no two witnesses

BANDS = 10
Z95 = 1.959963984540054


class Measures(TypedDict):
    """Every measure of one sample; `auc_interval` is DeLong's at 95 %, by customers where they recur."""

    rows: int
    bads: int
    bad_rate: float
    mean_pd: float
    auc: float
    auc_interval: list[float]
    gini: float
    ks: float
    pr_auc: float
    brier: float
    calibration_slope: float
    calibration_intercept: float
    ece: float
    lift_10: float
    customers: NotRequired[int]


class Vintage(TypedDict):
    """One month of decisions; what can't be known yet is null."""

    month: str
    rows: int
    mature: bool
    bads: int | None
    mean_pd: float | None
    auc: float | None


def measures(pd: Vector, bad: Flags, whose: Whose | None = None) -> Measures:
    """Judge PDs against outcomes. Raises TrainingError for NaN, other lengths, or one class only.

    With `whose`, rows of one customer count as one witness in the interval, and the customers are counted.
    """
    _refuse(pd, bad)
    area, low, high = auc(pd, bad, whose)
    fitted = calibration.logistic(log_odds(pd), bad.astype(float))
    found = Measures(
        rows=len(bad),
        bads=int(bad.sum()),
        bad_rate=float(bad.mean()),
        mean_pd=float(pd.mean()),
        auc=area,
        auc_interval=[low, high],
        gini=2 * area - 1,
        ks=ks(pd, bad),
        pr_auc=pr_auc(pd, bad),
        brier=float(np.mean((pd - bad) ** 2)),
        calibration_slope=fitted.slope,
        calibration_intercept=fitted.intercept,
        ece=ece(pd, bad),
        lift_10=lift(pd, bad, 0.10),
    )
    if whose is not None:
        found["customers"] = len(np.unique(whose))
    return found


def auc(score: Vector, bad: Flags, whose: Whose | None = None) -> tuple[float, float, float]:
    """Give AUC and its 95 % interval by DeLong's variance (Sun and Xu 2014), or by customers' variance."""
    over_goods, over_bads = placements(score, bad)
    area = float(over_goods.mean())
    half = Z95 * float(np.sqrt(variance(over_goods, over_bads, bad, whose)))
    return area, max(0.0, area - half), min(1.0, area + half)


def variance(over_goods: Vector, over_bads: Vector, bad: Flags, whose: Whose | None = None) -> float:
    """Give the variance of an AUC from its placements, or of a difference of two from theirs.

    With `whose`, each customer's rows are summed first (Obuchowski 1997), with one correction for the number
    of customers; where each has one row, that is DeLong's but for the correction.
    """
    m, n = len(over_goods), len(over_bads)
    if whose is None:
        return float(
            (over_goods.var(ddof=1) / m if m > 1 else 0.25) + (over_bads.var(ddof=1) / n if n > 1 else 0.25)
        )
    parts = np.empty(len(bad))
    parts[bad], parts[~bad] = (over_goods - over_goods.mean()) / m, (over_bads - over_bads.mean()) / n
    return clustered(parts, whose)


def clustered(parts: Vector, whose: Whose) -> float:
    """Give the variance of a sum of parts that are centred at zero, a customer's taken together."""
    _, code = np.unique(whose, return_inverse=True)
    sums = np.bincount(code, parts)
    return float(np.sum(sums**2) * len(sums) / (len(sums) - 1)) if len(sums) > 1 else 0.25


def placements(score: Vector, bad: Flags) -> tuple[Vector, Vector]:
    """Give each bad's share of goods that it scores above, and each good's share of bads above it."""
    goods, bads = score[~bad], score[bad]
    pooled, of_bads, of_goods = _midrank(np.concatenate([bads, goods])), _midrank(bads), _midrank(goods)
    m, n = len(bads), len(goods)
    return (pooled[:m] - of_bads) / n, 1 - (pooled[m:] - of_goods) / m


def ks(score: Vector, bad: Flags) -> float:
    """Give the largest gap between the score's distributions among bads and goods."""
    values = np.unique(score)
    bads = np.searchsorted(np.sort(score[bad]), values, "right") / bad.sum()
    goods = np.searchsorted(np.sort(score[~bad]), values, "right") / (~bad).sum()
    return float(np.abs(bads - goods).max())


def pr_auc(score: Vector, bad: Flags) -> float:
    """Give the average precision: precision at each score, weighted by the bads found there."""
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    found = np.cumsum(bad[order])[ends]
    return float(np.sum(np.diff(found, prepend=0) * found / (ends + 1)) / bad.sum())


def bands(pd: Vector, bad: Flags, count: int = BANDS) -> list[dict[str, float]]:
    """Give mean PD, bad rate and rows of equally filled bands, safest first."""
    order = np.argsort(pd, kind="stable")
    return [
        {"mean_pd": float(pd[rows].mean()), "bad_rate": float(bad[rows].mean()), "rows": len(rows)}
        for rows in np.array_split(order, count)
        if len(rows)
    ]


def ece(pd: Vector, bad: Flags) -> float:
    """Give the expected calibration error over ten equally filled bands."""
    return float(
        sum(abs(band["mean_pd"] - band["bad_rate"]) * band["rows"] for band in bands(pd, bad)) / len(pd)
    )


def lift(pd: Vector, bad: Flags, share: float) -> float:
    """Give the bad rate of the riskiest share over the bad rate of all."""
    riskiest = np.argsort(-pd, kind="stable")[: max(1, int(len(pd) * share))]
    return float(bad[riskiest].mean() / bad.mean())


def roc(score: Vector, bad: Flags, points: int = 100) -> dict[str, list[float]]:
    """Give the ROC curve thinned to some `points`."""
    order = np.argsort(-score, kind="stable")
    tpr = np.concatenate([[0.0], np.cumsum(bad[order]) / bad.sum()])
    fpr = np.concatenate([[0.0], np.cumsum(~bad[order]) / (~bad).sum()])
    chosen = np.unique(np.linspace(0, len(fpr) - 1, points).astype(int))
    return {"fpr": fpr[chosen].tolist(), "tpr": tpr[chosen].tolist()}


def vintages(month: npt.NDArray[np.datetime64], pd: Vector, bad: Flags, ripe: Flags) -> list[Vintage]:
    """Judge each month of decision; a month that isn't wholly ripe gives its rows and no figure."""
    months = month.astype("datetime64[M]")
    return [
        _vintage(str(one), pd[months == one], bad[months == one], ripe[months == one])
        for one in np.unique(months)
    ]


def _vintage(month: str, pd: Vector, bad: Flags, ripe: Flags) -> Vintage:
    mature = bool(ripe.all())
    mixed = mature and bad.any() and not bad.all()
    return Vintage(
        month=month,
        rows=len(bad),
        mature=mature,
        bads=int(bad.sum()) if mature else None,
        mean_pd=float(pd.mean()) if mature else None,
        auc=auc(pd, bad)[0] if mixed else None,
    )


def _midrank(values: Vector) -> Vector:
    from scipy.stats import rankdata

    return np.asarray(rankdata(values, method="average"), dtype=float)


def log_odds(pd: Vector) -> Vector:
    """Give ln(PD / (1 − PD)), a PD of 0 or 1 taken as a billionth off."""
    clipped = np.clip(pd, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _refuse(pd: Vector, bad: Flags) -> None:
    if len(pd) != len(bad):
        raise TrainingError(f"{len(pd)} PDs for {len(bad)} outcomes")
    if not np.isfinite(pd).all() or (len(pd) and (pd.min() < 0 or pd.max() > 1)):
        raise TrainingError("a PD is not a number in [0, 1]")
    if not bad.any() or bad.all():
        raise TrainingError(f"{int(bad.sum())} bads of {len(bad)}: nothing can be measured on one class")
