"""features → candidate: how decisions fall on protected groups. The only room that sees the attribute."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FEWEST = 100  # a smaller group has no rate of its own: its interval would say nothing
UNKNOWN = "unknown"
Vector = npt.NDArray[np.float64]


def by_group(
    groups: npt.NDArray[np.object_], approved: npt.NDArray[np.bool_], bad: npt.NDArray[np.bool_], pd: Vector
) -> dict[str, object]:
    """Give approvals, bads and mean PD by group, and the smallest selection rate over the largest.

    Groups too small for a rate of their own are judged together. `selection_ratio` is null when even then
    fewer than two are large enough.
    """
    names = np.array([UNKNOWN if group is None else str(group) for group in groups], dtype=object)
    found = {name: _rates(names == name, approved, bad, pd) for name in sorted(set(names.tolist()))}
    known = {name: one for name, one in found.items() if name != UNKNOWN}
    small = [name for name, one in known.items() if one["rows"] < FEWEST]
    judged = [one["approved"] for name, one in known.items() if name not in small]
    together = np.isin(names, small)
    if together.sum() >= FEWEST:
        judged.append(float(approved[together].mean()))
    ratio = min(judged) / max(judged) if len(judged) > 1 and max(judged) > 0 else None
    return {"groups": found, "judged_together": small, "selection_ratio": ratio}


def _rates(
    rows: npt.NDArray[np.bool_], approved: npt.NDArray[np.bool_], bad: npt.NDArray[np.bool_], pd: Vector
) -> dict[str, float]:
    return {
        "rows": int(rows.sum()),
        "approved": float(approved[rows].mean()),
        "bad_rate": float(bad[rows].mean()),
        "mean_pd": float(pd[rows].mean()),
    }
