"""features → candidate: how decisions fall on protected groups. The only room that sees the attribute."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FEWEST = 100  # a smaller group gets no rate: its interval would say nothing
Vector = npt.NDArray[np.float64]


def by_group(
    groups: npt.NDArray[np.object_], approved: npt.NDArray[np.bool_], bad: npt.NDArray[np.bool_], pd: Vector
) -> dict[str, object]:
    """Give approvals, bads and mean PD by group, and the smallest selection rate over the largest.

    `selection_ratio` is null when fewer than two groups are large enough.
    """
    known = np.array([group is not None for group in groups])
    found = {
        str(group): _rates(known & (groups == group), approved, bad, pd)
        for group in sorted({str(group) for group in groups[known]})
    }
    rates = [one["approved"] for one in found.values() if one["rows"] >= FEWEST]
    ratio = min(rates) / max(rates) if len(rates) > 1 and max(rates) > 0 else None
    return {"groups": found, "unknown": int((~known).sum()), "selection_ratio": ratio}


def _rates(
    rows: npt.NDArray[np.bool_], approved: npt.NDArray[np.bool_], bad: npt.NDArray[np.bool_], pd: Vector
) -> dict[str, float]:
    return {
        "rows": int(rows.sum()),
        "approved": float(approved[rows].mean()),
        "bad_rate": float(bad[rows].mean()),
        "mean_pd": float(pd[rows].mean()),
    }
