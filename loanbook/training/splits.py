"""features → candidate: samples by time, with an embargo, and no customer on two sides."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError

# In order of time. Calibration and threshold share a period and divide its customers between them.
SAMPLES = ("fit", "stop", "calibrate", "threshold", "report")
FIT_SHARE, STOP_SHARE, REPORT_SHARE = 0.64, 0.12, 0.25

Times = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class Split:
    """`sample` gives each row's sample by its place in SAMPLES, or -1 for a row that is left out."""

    sample: npt.NDArray[np.int8]
    report_from: np.datetime64
    embargoed: int
    grouped_out: int

    def rows(self, name: str) -> npt.NDArray[np.bool_]:
        """Which rows stand in a sample."""
        mask: npt.NDArray[np.bool_] = self.sample == SAMPLES.index(name)
        return mask


def by_time(
    entered_at: Times,
    ripe_at: Times,
    customers: npt.NDArray[np.object_],
    *,
    report_from: datetime | None = None,
    shared_customers: bool = False,
) -> Split:
    """Split ripe rows by time.

    Rows that entered (were decided, or first observed if that is later) from `report_from` on, by default
    the last quarter, are the report. Before it, only rows that entered before the first whose outcome
    wasn't ripe on that day may be learned from: the rest are embargoed. A customer who stands in two samples
    is kept in the later one, unless `shared_customers`.
    """
    if not len(entered_at):
        raise TrainingError("no outcome is ripe", right="Read more months, or an earlier line")
    start = np.datetime64(report_from, "us") if report_from else quantile(entered_at, 1 - REPORT_SHARE)
    sample = np.full(len(entered_at), -1, np.int8)
    sample[entered_at >= start] = SAMPLES.index("report")
    before = entered_at < start
    unripe = entered_at[before & (ripe_at > start)]
    learn = np.flatnonzero(before & (entered_at < (unripe.min() if len(unripe) else start)))
    embargoed = int(before.sum()) - len(learn)
    _divide(sample, learn, entered_at, customers)
    grouped_out = 0 if shared_customers else _group(sample, customers)
    for index, name in enumerate(SAMPLES):
        if not np.any(sample == index):
            raise TrainingError(
                f"the {name} sample is empty: {len(learn)} rows before {start} were ripe, {embargoed} not",
                right="Set report_from later, or bring more months",
            )
    return Split(sample, start, embargoed, grouped_out)


def quantile(times: Times, share: float) -> np.datetime64:
    """Give the day by which a share of the times had come."""
    moment = np.sort(times)[int(len(times) * share)]
    return np.datetime64(moment.astype("datetime64[D]"), "us")


def _divide(
    sample: npt.NDArray[np.int8],
    learn: npt.NDArray[np.intp],
    entered_at: Times,
    customers: npt.NDArray[np.object_],
) -> None:
    ordered = learn[np.argsort(entered_at[learn], kind="stable")]
    first, second = int(len(ordered) * FIT_SHARE), int(len(ordered) * (FIT_SHARE + STOP_SHARE))
    sample[ordered[:first]] = SAMPLES.index("fit")
    sample[ordered[first:second]] = SAMPLES.index("stop")
    late = ordered[second:]
    coin = np.fromiter(
        (zlib.crc32(str(customer).encode()) & 1 for customer in customers[late]), np.int8, len(late)
    )
    sample[late] = SAMPLES.index("calibrate") + coin


def _group(sample: npt.NDArray[np.int8], customers: npt.NDArray[np.object_]) -> int:
    """Leave out the earlier rows of whoever stands in a later sample; say how many."""
    _, code = np.unique(customers.astype(str), return_inverse=True)
    latest = np.full(code.max() + 1, -1, np.int8)
    np.maximum.at(latest, code, sample)
    repeated = (sample >= 0) & (sample < latest[code])
    sample[repeated] = -1
    return int(repeated.sum())
