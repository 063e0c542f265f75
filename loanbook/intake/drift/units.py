"""raw → validated: whether a column's numbers changed by a factor, in all rows or in some. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from loanbook.intake.drift.columns import DECADE, LARGEST, SMALLEST, Batch

# what one unit is of another; each may also be turned round
KNOWN: Mapping[float, str] = MappingProxyType(
    {
        10.0: "ten",
        100.0: "hundredths, or percent",
        1_000.0: "thousands",
        10_000.0: "ten thousands (万), or basis points",
        100_000.0: "hundred thousands",
        1_000_000.0: "millions",
        12.0: "a month or a year",
        52.0: "a week or a year",
        365.0: "a day or a year",
        30.4375: "a day or a month",
        7.0: "a day or a week",
        1.609344: "miles or kilometres",
    }
)
SHARES = tuple(round(0.05 * step, 2) for step in range(2, 19))
ALL = 0.9  # a share of rows from which on all of them changed
ODD = 0.08  # nats a row below which nothing is looked for
CLEAR = 5.0  # a factor that other customers don't explain, and that parts a second hump from a tail
MOVED = 0.12  # nats a row from which on a column isn't what it was
KIN = 30  # numbers from which on one batch can show that this was so before
_PAD = DECADE  # bins beyond the ends, where a shifted number may fall
_SIZE = (LARGEST - SMALLEST) * DECADE + 1 + 2 * _PAD
_BLUR = np.exp(-0.5 * (np.arange(-6, 7) / 1.2) ** 2)
_TAILS = np.exp(-np.abs(np.arange(-40, 41)) / 8)

Bins = Mapping[int, int]
Floats = NDArray[np.float64]
Verdict = Literal["sure", "alone", "note", "none"]


@dataclass(frozen=True)
class Change:
    """`share` of the rows are `factor` times what they were; `sure` when nothing else explains them.

    `before` is how strange the numbers are as they stand, `after` once that is allowed for: divergences in
    nats a row, less what smoothing costs.
    """

    factor: float
    share: float
    before: float
    after: float
    sure: bool = False


def change(past: Sequence[Batch], now: Batch, *, alone: bool, known_only: bool = False) -> Change | None:
    """Find the factor by which the numbers of a batch changed, in all of its rows or in a part.

    `alone` says that the other columns of the source stayed: a small factor is sure only then, since other
    customers move many columns. `known_only` leaves out factors that have no name.
    """
    earlier = added(past)
    if not earlier or not now.bins or not _alike(past, now):
        return None
    found = fit(earlier, now.bins)
    if known_only and not named(found.factor):
        return None
    verdict = _verdict(found, sum(earlier.values()), sum(now.bins.values()))
    if verdict == "none" or _seen_before(past, now, found):
        return None
    sure = verdict == "sure" or (verdict == "alone" and alone)
    return replace(found, factor=_exact(found.factor), sure=sure)


def moved(past: Sequence[Batch], now: Batch) -> bool:
    """Tell whether the numbers of a batch are not what they were, for whatever reason."""
    earlier = added(past)
    if not earlier or not now.bins:
        return False
    return strangeness(earlier, now.bins) - strangeness(now.bins, now.bins) >= MOVED


def fit(earlier: Bins, now: Bins) -> Change:
    """Find the factor and the share of rows that explain the present numbers best.

    Of factors that explain them alike, one that has a name is taken.
    """
    seen, past = _counts(now), _counts(earlier)
    plain, cost = _foreseen(past), _divergence(seen, _foreseen(seen))
    before = max(_divergence(seen, plain) - cost, 0.0)
    found = Change(1.0, 0.0, before, before)
    if before < ODD:
        return found
    for factor in _candidates(past, seen):
        moved = _foreseen(_shifted(past, math.log10(factor) * DECADE))
        clear = max(factor, 1 / factor) >= CLEAR
        margin = 3 / float(seen.sum()) + 0.02 if clear and not named(factor) else 0.0
        for share in (1.0, *SHARES) if clear else (1.0,):
            after = max(_divergence(seen, share * moved + (1 - share) * plain) - cost, 0.0)
            if after + margin < found.after:
                found = Change(factor, share, before, after)
    return found


def named(factor: float) -> str:
    """Name a factor that units are known to differ by, or give nothing."""
    for one, name in KNOWN.items():
        if abs(abs(math.log(factor)) - math.log(one)) < 0.05:
            return name
    return ""


def _exact(factor: float) -> float:
    """Take the known factor where one lies near."""
    both = (each for one in KNOWN for each in (one, 1 / one))
    return min(both, key=lambda each: abs(math.log(each / factor))) if named(factor) else factor


def added(batches: Sequence[Batch]) -> Bins:
    """Add up the bins of several batches."""
    total: Counter[int] = Counter()
    for batch in batches:
        total.update(batch.bins)
    return total


def _verdict(found: Change, earlier: int, now: int) -> Verdict:
    """Weigh a change by what it explains of the misfit, and by how many rows speak for it."""
    far = max(found.factor, 1 / found.factor)
    gain = now * (found.before - found.after)
    left = found.after / found.before if found.before else 1.0
    if earlier < 5 or far < 1.45:
        return "none"
    if found.share >= ALL:
        if far >= CLEAR and found.before >= 0.3 and left <= 0.4 and gain >= 7:
            return "sure"
        if named(found.factor) and found.before >= MOVED and left <= 0.3 and gain >= 15:
            return "alone"
    elif earlier >= 100 and left <= 0.48 and gain >= 20 and (found.before >= 0.15 or left <= 0.35):
        return "sure"
    return "note" if earlier >= 100 and left <= 0.6 and gain >= 10 else "none"


def _alike(past: Sequence[Batch], now: Batch) -> bool:
    """Tell whether signs and zeros are as they were: a unit changes neither."""
    numbers = sum(batch.numbers for batch in past)
    negative = sum(batch.negatives for batch in past) / numbers - now.negatives / now.numbers
    zero = sum(batch.zeros for batch in past) / numbers - now.zeros / now.numbers
    return abs(negative) < 0.25 and abs(zero) < 0.25


def _seen_before(past: Sequence[Batch], now: Batch, found: Change) -> bool:
    """Tell whether one of the last batches looked like this one."""
    cost = strangeness(now.bins, now.bins)
    return any(
        strangeness(batch.bins, now.bins) - cost <= max(found.before / 3, found.after)
        for batch in past
        if sum(batch.bins.values()) >= KIN
    )


def strangeness(earlier: Bins, now: Bins) -> float:
    """Tell how badly the earlier numbers foresee the present ones: a divergence in nats a row."""
    return _divergence(_counts(now), _foreseen(_counts(earlier)))


def middle(bins: Bins) -> float:
    """Give the median size, to an eighth."""
    half, reached = sum(bins.values()) / 2, 0
    for place in sorted(bins):
        if reached + bins[place] >= half:
            return float(10 ** ((place + (half - reached) / bins[place]) / DECADE))
        reached += bins[place]
    return 0.0


def _candidates(past: Floats, seen: Floats) -> list[float]:
    known = [factor for one in KNOWN for factor in (one, 1 / one)]
    free = 10 ** (float(np.median(_places(seen) - _places(past))) / DECADE)
    return known if named(free) and max(free, 1 / free) >= CLEAR else [*known, free]


def _places(counts: Floats) -> Floats:
    """Tell in which bins the quantiles lie, between bins by proportion."""
    reached = np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])
    rising = np.concatenate([[True], np.diff(reached) > 0])
    return np.asarray(np.interp(np.linspace(0.1, 0.9, 9), reached[rising], np.arange(len(reached))[rising]))


def _counts(bins: Bins) -> Floats:
    counts = np.zeros(_SIZE)
    for place, count in bins.items():
        counts[min(max(place - SMALLEST * DECADE + _PAD, 0), _SIZE - 1)] += count
    return counts


def _shifted(counts: Floats, by: float) -> Floats:
    """Move counts along, between two bins by proportion; what leaves the end stays at the end."""
    low = math.floor(by)
    places = np.arange(_SIZE)
    moved = np.zeros(_SIZE)
    np.add.at(moved, np.clip(places + low, 0, _SIZE - 1), counts * (1 - (by - low)))
    np.add.at(moved, np.clip(places + low + 1, 0, _SIZE - 1), counts * (by - low))
    return moved


def _foreseen(counts: Floats) -> Floats:
    """Smooth counts into shares: most of it near, some in tails, a trace anywhere."""
    share = counts / counts.sum()
    near = np.convolve(share, _BLUR / _BLUR.sum(), "same")
    wide = np.convolve(share, _TAILS / _TAILS.sum(), "same")
    return np.asarray(0.9 * near + 0.095 * wide + 0.005 / _SIZE)


def _divergence(counts: Floats, foreseen: Floats) -> float:
    there = counts > 0
    share = counts[there] / counts.sum()
    return float(np.sum(share * np.log(share / foreseen[there])))
