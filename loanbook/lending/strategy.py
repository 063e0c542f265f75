"""score → decision: three answers by two cut-offs on the PD: approve, refer, decline, or a line's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
WORDS = ("approve", "refer", "decline")


@dataclass(frozen=True)
class CutOffs:
    """Below `approve_below` approve, from `decline_from` on decline, refer to a person in between.

    `words` are what the line says for these: a score on the book is no credit decision.
    """

    approve_below: float
    decline_from: float
    words: tuple[str, str, str] = WORDS

    def decide(self, pd: Vector) -> npt.NDArray[np.str_]:
        """Give each PD its decision."""
        return np.select(
            [pd < self.approve_below, pd < self.decline_from], list(self.words[:2]), self.words[2]
        )

    def to_json(self) -> dict[str, object]:
        """Give the cut-offs as they stand in a bundle; only words of its own are said."""
        cuts: dict[str, object] = {"approve_below": self.approve_below, "decline_from": self.decline_from}
        return cuts if self.words == WORDS else cuts | {"words": list(self.words)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> CutOffs:
        """Read the cut-offs of a bundle."""
        best, middle, worst = value.get("words", WORDS)
        return cls(
            float(value["approve_below"]), float(value["decline_from"]), (str(best), str(middle), str(worst))
        )


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
