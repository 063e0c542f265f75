"""score → decision: approve, refer or decline by two cut-offs on the PD."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CutOffs:
    """Below `approve_below` approve, from `decline_from` on decline, refer to a person in between."""

    approve_below: float
    decline_from: float

    def decide(self, pd: Vector) -> npt.NDArray[np.str_]:
        """Give each PD its decision."""
        return np.select([pd < self.approve_below, pd < self.decline_from], ["approve", "refer"], "decline")

    def to_json(self) -> dict[str, float]:
        """Give the cut-offs as they stand in a bundle."""
        return {"approve_below": self.approve_below, "decline_from": self.decline_from}

    @classmethod
    def from_json(cls, value: Mapping[str, float]) -> CutOffs:
        """Read the cut-offs of a bundle."""
        return cls(float(value["approve_below"]), float(value["decline_from"]))


def find(pd: Vector, bad: npt.NDArray[np.bool_], *, max_bad_rate: float, refer_band: float) -> CutOffs:
    """Approve as many as keeps the bad rate of the approved at or under `max_bad_rate`.

    When not even the safest twentieth keeps it, nobody is approved or referred.
    """
    order = np.argsort(pd, kind="stable")
    rate = np.cumsum(bad[order]) / np.arange(1, len(pd) + 1)
    fewest = max(1, len(pd) // 20)
    # equal PDs are decided alike, so the approved end where a PD does
    ends = np.append(np.diff(pd[order]) > 0, True)
    kept = np.flatnonzero((rate <= max_bad_rate) & ends & (np.arange(len(pd)) >= fewest - 1))
    if not len(kept):
        return CutOffs(0.0, 0.0)
    last = int(kept[-1])
    cut_off = float(pd[order[last + 1]]) if last + 1 < len(pd) else 1.0
    return CutOffs(cut_off, min(1.0, cut_off + refer_band))
