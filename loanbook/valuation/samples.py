"""features → candidate: samples of amounts: by time, or drawn where all rows are of one moment."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.training import splits

# Nothing is decided by a cut-off, so no sample is kept to find one.
SAMPLES = ("fit", "stop", "calibrate", "report")
SHARES = (0.64, 0.74, 0.84)  # where fit, stop and calibrate end among drawn rows
SLOTS = 1 << 20

Times = npt.NDArray[np.datetime64]
Names = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Split:
    """`sample` gives each row's sample by its place in SAMPLES, or -1 for a row that is left out."""

    sample: npt.NDArray[np.int8]
    facts: dict[str, object]

    def rows(self, name: str) -> npt.NDArray[np.bool_]:
        """Which rows stand in a sample."""
        return np.asarray(self.sample == SAMPLES.index(name))


def drawn(alike: Names) -> Split:
    """Draw by a hash of what a row is: rows that are alike stand in one sample, whatever their order."""
    slots = np.fromiter((zlib.crc32(str(name).encode()) % SLOTS for name in alike), np.int64, len(alike))
    sample = np.searchsorted(np.array(SHARES) * SLOTS, slots, side="right").astype(np.int8)
    return _checked(Split(sample, _facts(alike, drawn=True)))


def by_time(decided_at: Times, alike: Names, *, report_from: datetime | None) -> Split:
    """Split by time as loans are; of rows that are alike in two samples the earlier are left out."""
    found = splits.by_time(decided_at, decided_at, alike, report_from=report_from)
    # the two that share a period are one here
    names = np.array([0, 1, 2, 2, 3], np.int8)
    sample = np.where(found.sample >= 0, names[found.sample], -1).astype(np.int8)
    facts = _facts(alike, drawn=False) | {
        "report_from": str(found.report_from),
        "embargoed": found.embargoed,
        "grouped_out": found.grouped_out,
    }
    return _checked(Split(sample, facts))


def _facts(alike: Names, *, drawn: bool) -> dict[str, object]:
    groups = len(set(alike.tolist()))
    return {"drawn": drawn, "different": groups, "repeated": len(alike) - groups}


def _checked(split: Split) -> Split:
    for name in SAMPLES:
        if not split.rows(name).any():
            raise TrainingError(
                f"the {name} sample is empty: {len(split.sample)} amounts were seen", right="Bring more rows"
            )
    return split
