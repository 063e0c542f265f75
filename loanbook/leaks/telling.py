"""raw and features → refused: how much of the outcome one column tells, tested on the other half of the rows.

Everything is counted in groups, so a column costs one sort. A group is a value that is frequent, or a
stretch of a number's range, or what is missing. What each half of the rows teaches about the groups is
judged on the other half, so that a column with many values can't flatter itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

FLOOR = 0.85  # an AUC above it is a leak until proven otherwise
UNUSUAL = 0.75  # one column of a form seldom tells as much
ORDER_FLOOR = 0.60  # identifiers may lean with what they were issued for, and no further
CERTAIN, RARER = 0.80, 20.0  # bad rate of an all but certain group; how much rarer bads are among the safe
SELDOM = 4.0  # the same, where it is to be explained
ALPHA = 0.01  # chance that a run wrongly refuses any of its columns, all tests together
GROUPS, RARE, FEWEST = 30, 15, 25
PRIOR = 10.0
SMALLEST = 5  # rows of a value that stands alone where few rows are compared


@dataclass(frozen=True)
class Told:
    """What a column tells: AUC and its lower bound; the bad rate of its riskiest and safest certain groups.

    `certain` and `safe` are (bads, rows, bound on the bad rate) of groups chosen on the other half.
    """

    auc: float
    lower: float
    certain: tuple[int, int, float]
    safe: tuple[int, int, float]
    base: float

    @property
    def leaks(self) -> bool:
        """Tell whether the outcome can be read off the column."""
        return self.lower >= FLOOR or self.sure_of_bad or self.sure_of_good

    @property
    def sure_of_bad(self) -> bool:
        """Tell whether some values mean bad all but certainly."""
        return self.certain[1] > 0 and self.certain[2] >= max(CERTAIN, 3 * self.base)

    @property
    def sure_of_good(self) -> bool:
        """Tell whether some values all but exclude a bad end."""
        return self.rarer >= RARER

    @property
    def rarer(self) -> float:
        """Give by how much the odds of a bad end are at least lower among the safe."""
        bound = self.safe[2]
        return self.base / (1 - self.base) * (1 - bound) / bound if self.safe[1] else 1.0

    @property
    def odd(self) -> bool:
        """Tell whether the column tells more than an honest form does, and yet may be one."""
        return self.lower >= UNUSUAL or self.rarer >= SELDOM


def enough(bad: Flags, half: Flags, known: Flags) -> bool:
    """Tell whether each half of the rows that are known has bads and goods to judge by."""
    return all(
        min((bad & side).sum(), (~bad & side).sum()) >= FEWEST for side in (known & half, known & ~half)
    )


def number_groups(values: Values) -> Codes:
    """Group numbers: 0 is missing; a value with its share of the rows stands alone, the rest by rank."""
    codes = np.zeros(len(values), np.int64)
    known = ~np.isnan(values)
    distinct, place, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    groups = min(GROUPS, max(1, int(known.sum()) // (4 * RARE)))
    if len(distinct) <= groups:
        codes[known] = place + 1
        return codes
    alone = counts >= known.sum() / groups
    stretch = ((np.cumsum(counts) - counts / 2) * groups / known.sum()).astype(np.int64)
    breaks = (np.diff(stretch) > 0) | alone[1:] | alone[:-1]
    codes[known] = 1 + np.concatenate([[0], np.cumsum(breaks)])[place]
    return codes


def word_groups(places: Codes) -> Codes:
    """Group words, given as places in a vocabulary, -1 for missing: the rare ones together."""
    counts = np.bincount(places + 1)
    kept = np.flatnonzero(counts[1:] >= 2 * RARE) + 1
    group = np.ones(len(counts), np.int64)
    group[0] = 0
    group[kept] = np.arange(len(kept)) + 2
    codes: Codes = group[places + 1]
    return codes


def judge(codes: Codes, bad: Flags, half: Flags, alpha: float) -> Told:
    """Judge one column's groups against the outcome; `alpha` is this column's share of the error."""
    size = int(codes.max()) + 1
    counts = np.stack(
        [[np.bincount(codes[side & (bad == is_bad)], minlength=size) for is_bad in (False, True)]
         for side in (half, ~half)]
    ).astype(float)  # fmt: skip
    areas, errors = zip(*(_area(counts[one], counts[1 - one]) for one in (0, 1)), strict=True)
    auc = float(np.mean(areas))
    return Told(
        auc=auc,
        lower=auc - _z(alpha / 3) * float(np.sqrt(np.sum(np.square(errors)))) / 2,
        certain=_chosen(counts, alpha / 3, certain=True),
        safe=_chosen(counts, alpha / 3, certain=False),
        base=float(bad.mean()),
    )


def order(values: Codes, strata: Codes, bad: Flags, alpha: float) -> tuple[float, float]:
    """Give how well a rank within its stratum tells the outcome, as AUC from 0.5 up, and its lower bound."""
    arranged = np.lexsort((values, strata))
    bads, place = bad[arranged], strata[arranged]
    starts = np.flatnonzero(np.concatenate([[True], np.diff(place) != 0]))
    sizes = np.diff(np.concatenate([starts, [len(place)]]))
    rank = np.arange(len(place)) - np.repeat(starts, sizes) + 1.0
    m = np.add.reduceat(bads.astype(float), starts)
    n = sizes - m
    above = np.add.reduceat(np.where(bads, rank, 0.0), starts) - m * (m + 1) / 2
    pairs = float((m * n).sum())
    if not pairs:
        return 0.5, 0.5
    area = float(above.sum()) / pairs
    spread = float(np.sqrt((m * n * (sizes + 1) / 12).sum())) / pairs
    away = 0.5 + abs(area - 0.5)
    return away, away - _z(alpha / 2) * spread


def odds_ratio(one: tuple[int, int], other: tuple[int, int], alpha: float) -> tuple[float, float, float]:
    """Compare (bads, goods) with (bads, goods): the ratio of their odds, and its bounds."""
    cells = np.array([*one, *other], dtype=float) + 0.5
    log = np.log(cells[0] * cells[3] / (cells[1] * cells[2]))
    half = _z(alpha / 2) * np.sqrt((1 / cells).sum())
    return float(np.exp(log)), float(np.exp(log - half)), float(np.exp(log + half))


def by_chance(values: Sequence[object], bad: Flags) -> float:
    """Give the chance that values which tell nothing lie as unevenly over bads and goods as these do.

    Fisher's exact test of two values, the chi-squared test of more; numbers of many values go by fifths of
    their range. 1 where there is nothing to compare.
    """
    from scipy.stats import chi2_contingency, fisher_exact

    groups = _few(values)
    names, place, rows = np.unique(groups, return_inverse=True, return_counts=True)
    place = np.unique(np.where(rows < SMALLEST, -1, np.arange(len(names)))[place], return_inverse=True)[1]
    if not len(place) or place.max() < 1 or bad.all() or not bad.any():
        return 1.0
    counts = np.stack([np.bincount(place[bad == is_bad], minlength=place.max() + 1) for is_bad in (0, 1)])
    if counts.shape == (2, 2):
        return float(fisher_exact(counts).pvalue)
    return float(chi2_contingency(counts, correction=False).pvalue)


def _few(values: Sequence[object]) -> npt.NDArray[np.str_]:
    """Name each value's group: itself, or its fifth where numbers have many."""
    if len(set(values)) > GROUPS and all(isinstance(one, int | float) for one in values):
        numbers = np.array(values, dtype=float)
        return np.searchsorted(np.quantile(numbers, [0.2, 0.4, 0.6, 0.8]), numbers).astype(str)
    return np.array([str(one) for one in values], dtype=str)


def _area(learned: Values, tested: Values) -> tuple[float, float]:
    """Rank the tested half's groups by the other half's bad rates: AUC, and its error were it the floor."""
    base = learned[1].sum() / learned.sum()
    rate = (learned[1] + PRIOR * base) / (learned.sum(axis=0) + PRIOR)
    _, place = np.unique(rate, return_inverse=True)
    goods, bads = (np.bincount(place, weights=tested[one]) for one in (0, 1))
    m, n = bads.sum(), goods.sum()
    below = np.cumsum(goods) - goods / 2
    return float((bads * below).sum() / (m * n)), _error(FLOOR, m, n)


def _error(area: float, m: float, n: float) -> float:
    """Give the standard error of an AUC of this size (Hanley and McNeil 1982)."""
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (m - 1) * (q1 - area**2) + (n - 1) * (q2 - area**2)
    return float(np.sqrt(spread / (m * n)))


def _chosen(counts: Values, alpha: float, *, certain: bool) -> tuple[int, int, float]:
    """Choose groups on each half, count them on the other, and bound their bad rate (Clopper and Pearson)."""
    from scipy.stats import beta

    bads = rows = 0
    for one in (0, 1):
        learned, tested = counts[one], counts[1 - one]
        total = learned.sum(axis=0)
        rate = learned[1] / np.maximum(total, 1)
        base = learned[1].sum() / learned.sum()
        chosen = (total >= RARE) & ((rate >= 0.9) if certain else (rate <= base / (2 * RARER)))
        bads += int(tested[1][chosen].sum())
        rows += int(tested[:, chosen].sum())
    if certain:
        return bads, rows, float(beta.ppf(alpha, bads, rows - bads + 1)) if bads else 0.0
    return bads, rows, float(beta.ppf(1 - alpha, bads + 1, rows - bads)) if rows > bads else 1.0


def _z(alpha: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(1 - alpha))
