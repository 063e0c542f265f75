"""features → candidate: samples of customers who recur month after month, by lot and crossed with time.

Keeping the later sample's rows of whoever stands in two, as one row per application allows, would leave of
the earlier months those alone who soon left the book: the bad. Here a customer's side is drawn by lot, or is
told by when the customer first came, and never by what became of anybody.
"""

from __future__ import annotations

import zlib
from datetime import datetime

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.training.splits import REPORT_SHARE, SAMPLES, Split, Times, quantile

LOTS = 1000
# Of a thousand lots: whose customers are reported on, and how the others are divided to learn from.
REPORTED = 300
ENDS = (("fit", 640), ("stop", 760), ("calibrate", 880), ("threshold", 1000))


def by_customer(
    entered_at: Times,
    ripe_at: Times,
    customers: npt.NDArray[np.object_],
    *,
    report_from: datetime | None = None,
    newcomers: bool = False,
) -> Split:
    """Split ripe rows of customers who have many.

    The report is what three in ten customers, drawn by lot, showed from `report_from` on, by default the
    last quarter of all rows; with `newcomers` it is everybody who was first seen from then on. The others are
    learned from, divided by a second lot, as far as their outcomes were ripe on that day: what of theirs
    entered before and wasn't is embargoed. What the reported showed before, and the others after, is left
    out so that nobody stands on two sides.
    """
    if not len(entered_at):
        raise TrainingError("no outcome is ripe", right="Read more months, or an earlier line")
    start = np.datetime64(report_from, "us") if report_from else quantile(entered_at, 1 - REPORT_SHARE)
    who, code = np.unique(customers.astype(str), return_inverse=True)
    reported = _came_late(entered_at, code, start) if newcomers else _lots("report", who) < REPORTED
    before, ripe = entered_at < start, ripe_at <= start
    sample = np.full(len(entered_at), -1, np.int8)
    sample[reported[code] & ~before] = SAMPLES.index("report")
    learned = ~reported[code] & before & ripe
    sample[learned] = _divided(who)[code][learned]
    embargoed = int(np.sum(~reported[code] & before & ~ripe))
    _refuse_empty(sample, start, int(learned.sum()), embargoed)
    return Split(sample, start, embargoed, int(np.sum(sample < 0)) - embargoed)


def _came_late(entered_at: Times, code: npt.NDArray[np.intp], start: np.datetime64) -> npt.NDArray[np.bool_]:
    """Say of each customer whether nothing was seen before a moment."""
    earlier = np.bincount(code, entered_at < start)
    return np.asarray(earlier == 0)


def _lots(purpose: str, who: npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
    """Draw each customer's lot, the same for ever; one purpose's lots tell nothing of another's."""
    drawn = (zlib.crc32(f"{purpose} {one}".encode()) % LOTS for one in who.tolist())
    return np.fromiter(drawn, np.int64, len(who))


def _divided(who: npt.NDArray[np.str_]) -> npt.NDArray[np.int8]:
    """Give each customer the sample that learns from them."""
    places = np.array([SAMPLES.index(name) for name, _ in ENDS], np.int8)
    return np.asarray(places[np.searchsorted([end for _, end in ENDS], _lots("learn", who), "right")])


def _refuse_empty(sample: npt.NDArray[np.int8], start: np.datetime64, learned: int, embargoed: int) -> None:
    for index, name in enumerate(SAMPLES):
        if not np.any(sample == index):
            raise TrainingError(
                f"the {name} sample is empty: {learned} rows before {start} may be learned from, "
                f"{embargoed} weren't ripe",
                right="Set report_from later, or bring more months",
            )
