"""score → decision: three answers by two cut-offs on the PD: approve, refer, decline, or a line's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
WORDS = ("approve", "refer", "decline")


@dataclass(frozen=True)
class CutOffs:
    """Below `approve_below` approve, from `decline_from` on decline, refer to a person in between.

    Where `decline_from` is None nothing is declined: all from `approve_below` on are referred. `words` are
    what the line says for these: a score on the book is no credit decision.
    """

    approve_below: float
    decline_from: float | None
    words: tuple[str, str, str] = WORDS

    def decide(self, pd: Vector) -> npt.NDArray[np.str_]:
        """Give each PD its decision."""
        referred = pd < (np.inf if self.decline_from is None else self.decline_from)
        return np.select([pd < self.approve_below, referred], list(self.words[:2]), self.words[2])

    def to_json(self) -> dict[str, object]:
        """Give the cut-offs as they stand in a bundle; only words of its own are said."""
        cuts: dict[str, object] = {"approve_below": self.approve_below, "decline_from": self.decline_from}
        return cuts if self.words == WORDS else cuts | {"words": list(self.words)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> CutOffs:
        """Read the cut-offs of a bundle."""
        best, middle, worst = value.get("words", WORDS)
        decline = value["decline_from"]
        return cls(
            float(value["approve_below"]),
            None if decline is None else float(decline),
            (str(best), str(middle), str(worst)),
        )


@dataclass(frozen=True)
class Ceiling:
    """Approve as many as keeps their bad rate under a ceiling; refer a band above, decline the rest.

    `words` are what is said for these where a line decides on no application.
    """

    max_bad_rate: float
    refer_band: float
    words: tuple[str, str, str] = WORDS

    def cut(self, pd: Vector, bad: npt.NDArray[np.bool_]) -> CutOffs:
        """Find the cut-offs on a sample."""
        found = find(pd, bad, max_bad_rate=self.max_bad_rate, refer_band=self.refer_band)
        return replace(found, words=self.words)


@dataclass(frozen=True)
class Referral:
    """Refer the highest PDs to a person, a share of all at most; decline nobody."""

    refer_share: float

    def cut(self, pd: Vector, _bad: npt.NDArray[np.bool_]) -> CutOffs:
        """Find the cut-off on a sample; equal PDs are decided alike, so fewer may be referred."""
        return CutOffs(over(pd, self.refer_share), None)


Strategy = Ceiling | Referral


def over(score: Vector, share: float) -> float:
    """Give the lowest score from which on a share of all stands at most; above all where none does."""
    order = np.sort(score)[::-1]
    most = int(len(order) * share)
    if not most:
        return float(np.nextafter(order[0], np.inf))
    kept = order[:most]
    # who stands equal with the first that is one too many is not taken either
    above = kept[kept > order[most]] if most < len(order) else kept
    return float(above[-1]) if len(above) else float(np.nextafter(order[0], np.inf))


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
