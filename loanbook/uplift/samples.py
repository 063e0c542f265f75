"""features → candidate: four samples of the lot by time, with an embargo, and no customer on two sides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.training import splits

# No cut-off is found, so the two samples that share a period are one here.
SAMPLES = ("fit", "stop", "calibrate", "report")
NAMES = np.array([0, 1, 2, 2, 3], np.int8)

Times = npt.NDArray[np.datetime64]
Names = npt.NDArray[np.object_]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """`sample` gives each row's sample by its place in SAMPLES, or -1 for a row that is left out."""

    sample: npt.NDArray[np.int8]
    facts: dict[str, object]

    def rows(self, *names: str) -> Flags:
        """Which rows stand in any of these samples."""
        return np.asarray(np.isin(self.sample, [SAMPLES.index(name) for name in names]))


def by_time(
    decided_at: Times, ripe_at: Times, customers: Names, treated: Flags, *, report_from: datetime | None
) -> Split:
    """Split the lot; TrainingError for a sample in which nobody was offered something, or nobody nothing."""
    found = splits.by_time(decided_at, ripe_at, customers, report_from=report_from)
    sample = np.where(found.sample >= 0, NAMES[found.sample], -1).astype(np.int8)
    facts: dict[str, object] = {
        "report_from": str(found.report_from),
        "embargoed": found.embargoed,
        "grouped_out": found.grouped_out,
    }
    split = Split(sample, facts)
    for name in SAMPLES:
        arm = treated[split.rows(name)]
        if arm.all() or not arm.any():
            raise TrainingError(
                f"the {name} sample has {int(arm.sum())} offers and {int((~arm).sum())} controls",
                right="Draw more customers by lot, some of them to be offered nothing",
            )
    return split
