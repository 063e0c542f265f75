"""features → candidate: how a PD does on parts of a sample, each figure with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

from loanbook.training import evaluation
from loanbook.training.evaluation import Z95, Whose
from loanbook.watching import stability

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[np.str_]

FEWEST_BADS = 20  # with fewer, an AUC's interval is wider than any difference worth knowing
MISSING = "missing"


class Part(TypedDict):
    """One part; `auc` is DeLong's, the bad rate's interval Wilson's. `unmeasured` says why AUC is null."""

    part: str
    rows: int
    bads: int
    mean_pd: float
    bad_rate: float
    bad_rate_interval: list[float]
    auc: float | None
    auc_interval: list[float] | None
    unmeasured: str | None


def by_part(
    parts: Names, pd: Vector, bad: Flags, order: Sequence[str] = (), whose: Whose | None = None
) -> list[Part]:
    """Judge each part apart, in the `order` given, the others after it by name.

    With `whose`, rows of one customer count as one witness in every interval.
    """
    names = [*order, *sorted(set(parts.tolist()) - set(order))]
    masks = {name: parts == name for name in names}
    return [
        _part(name, pd[mask], bad[mask], None if whose is None else whose[mask])
        for name, mask in masks.items()
        if mask.any()
    ]


def by_band(
    pd: Vector, bad: Flags, count: int = evaluation.BANDS, whose: Whose | None = None
) -> list[dict[str, Any]]:
    """Give the reliability by equally filled bands, safest first: what was said, what came, its interval."""
    split = [rows for rows in np.array_split(np.argsort(pd, kind="stable"), count) if len(rows)]
    return [
        {**band, "bad_rate_interval": rate_interval(bad[rows], None if whose is None else whose[rows])}
        for band, rows in zip(evaluation.bands(pd, bad, count), split, strict=True)
    ]


def rate_interval(bad: Flags, whose: Whose | None = None) -> list[float]:
    """Give Wilson's interval of a bad rate; with `whose`, for as many rows as its customers are worth.

    That is the rows over the design effect (Kish 1965), which is 1 where nobody is bad or all are.
    """
    hits, rows = int(bad.sum()), len(bad)
    if whose is None or not 0 < hits < rows:
        return wilson(hits, rows)
    share = hits / rows
    effect = max(1.0, evaluation.clustered((bad - share) / rows, whose) * rows / (share * (1 - share)))
    return wilson(hits / effect, rows / effect)


def wilson(hits: float, rows: float) -> list[float]:
    """Give Wilson's 95 % interval of a share (Wilson 1927)."""
    share, square = hits / rows, Z95**2
    middle = (share + square / (2 * rows)) / (1 + square / rows)
    half = Z95 * float(np.sqrt(share * (1 - share) / rows + square / (4 * rows**2))) / (1 + square / rows)
    return [max(0.0, middle - half), min(1.0, middle + half)]


def term_bands(months: Vector) -> Names:
    """Name each term's band by years begun."""
    years = np.where(np.isnan(months), 0, np.ceil(months / 12))
    named = [f"{int(year) * 12 - 11} to {int(year) * 12} months" if year > 0 else MISSING for year in years]
    return np.array(named, dtype=str)


def codes_named(codes: Vector, categories: Sequence[str]) -> Names:
    """Name each code; what has none is missing."""
    places = np.where(np.isnan(codes), len(categories), codes).astype(int)
    return np.asarray(np.array([*categories, MISSING], dtype=str)[places])


def mix_psi(fit: Names, report: Names) -> dict[str, float]:
    """Give the PSI of a mix, and what one sample in twenty of this size passes by chance."""
    names = sorted({*fit.tolist(), *report.tolist()})
    shares = [[float(np.mean(parts == name)) for name in names] for parts in (fit, report)]
    return {
        "psi": stability.index(*shares),
        "by_chance": stability.by_chance(len(names), len(fit), len(report)),
    }


def _part(name: str, pd: Vector, bad: Flags, whose: Whose | None) -> Part:
    bads, goods = int(bad.sum()), int((~bad).sum())
    few = min(bads, goods) < FEWEST_BADS
    area, low, high = (None, None, None) if few else evaluation.auc(pd, bad, whose)
    return Part(
        part=name,
        rows=len(bad),
        bads=bads,
        mean_pd=float(pd.mean()),
        bad_rate=bads / len(bad),
        bad_rate_interval=rate_interval(bad, whose),
        auc=area,
        auc_interval=None if low is None or high is None else [low, high],
        unmeasured=f"{bads} bads and {goods} goods, {FEWEST_BADS} of each are needed" if few else None,
    )
