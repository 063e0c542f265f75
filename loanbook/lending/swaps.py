"""score → decision: whom one model approves and another doesn't, in people and in money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[Any]
FEWEST = 100  # a smaller part is named and not shown


@dataclass(frozen=True)
class Decided:
    """Whom each of two models approves, and what came of everybody, by row; profit where it is known."""

    champion: Flags
    challenger: Flags
    bad: Flags
    lent: Vector
    profit: Vector | None

    def only(self, rows: Flags) -> Decided:
        """Keep some rows."""
        profit = None if self.profit is None else self.profit[rows]
        return Decided(self.champion[rows], self.challenger[rows], self.bad[rows], self.lent[rows], profit)


def cells(decided: Decided) -> dict[str, dict[str, Any]]:
    """Give the four cells: people, bads, money lent, profit. A swap is seen from the challenger."""
    old, new = decided.champion, decided.challenger
    cut = {
        "both_approve": old & new,
        "swapped_in": ~old & new,
        "swapped_out": old & ~new,
        "neither_approves": ~old & ~new,
    }
    return {name: _cell(decided.only(rows)) for name, rows in cut.items()}


def _cell(decided: Decided) -> dict[str, Any]:
    people, bads = len(decided.bad), int(decided.bad.sum())
    return {
        "people": people,
        "bads": bads,
        "bad_rate": bads / people if people else None,
        "lent": float(decided.lent.sum()),
        "profit": None if decided.profit is None else float(decided.profit.sum()),
    }


def by_part(decided: Decided, parts: Names) -> dict[str, Any]:
    """Give the cells of each part, and the names of those with fewer than FEWEST people."""
    named = np.array(["unknown" if part is None else str(part) for part in parts], dtype=object)
    masks: Mapping[str, Flags] = {name: named == name for name in sorted(set(named.tolist()))}
    return {
        "parts": {name: cells(decided.only(rows)) for name, rows in masks.items() if rows.sum() >= FEWEST},
        "too_small": [name for name, rows in masks.items() if rows.sum() < FEWEST],
    }
