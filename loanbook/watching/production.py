"""production → verdict: measure what came since against what the champion was reviewed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loanbook import lake
from loanbook.errors import WatchingError
from loanbook.lending import scoring
from loanbook.settings import Settings
from loanbook.training import evaluation, matrix
from loanbook.training.bundle import Bundle
from loanbook.watching import stability
from loanbook.watching.verdict import Figures

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reviewed:
    """What the evidence said of the champion's report sample."""

    auc: float
    bad_rate: float
    mean_pd: float


def measure(
    bundle: Bundle,
    current: pa.Table,
    *,
    expected_rows: float,
    mix_psi: Mapping[str, float],
    ripe: pa.Table | None,
    reviewed: Reviewed,
    threads: int,
    recurs: bool = False,
) -> Figures:
    """Measure the applications of a period, all of them, lent to or not, or the book month by month.

    `current` and `ripe` hold features; `ripe` also outcomes, of loans that ripened since the review. Where a
    customer `recurs` by nature, the AUC's interval takes the rows of one together.
    """
    if not current.num_rows:
        raise WatchingError("no application came in the period", right="Look at --since and --until")
    values, door = matrix.encode(current, bundle.plan), bundle.stability["door"]
    columns = {name: values[:, index] for index, name in enumerate(bundle.plan.features)}
    return Figures(
        rows=current.num_rows,
        expected_rows=expected_rows,
        score_psi=stability.psi(door["pd"], scoring.pds(bundle, current, threads=threads)),
        feature_psi={name: stability.psi(door[name], column) for name, column in columns.items()},
        missing_rise={
            name: float(np.isnan(column).mean()) - door[name].shares[-1] for name, column in columns.items()
        },
        mix_psi=mix_psi,
        outcomes=_outcomes(bundle, ripe, reviewed, threads, recurs),
    )


def _outcomes(
    bundle: Bundle, ripe: pa.Table | None, reviewed: Reviewed, threads: int, recurs: bool
) -> dict[str, float] | None:
    """Compare with the review; null where nothing is ripe, or of one outcome only."""
    if ripe is None or not ripe.num_rows:
        return None
    bad = np.array(ripe["outcome"].to_pylist()) == "bad"
    if bad.all() or not bad.any():
        return None
    pd = scoring.pds(bundle, ripe, threads=threads)
    whose = np.array(ripe["customer_id"].to_pylist(), dtype=str) if recurs else None
    area, low, high = evaluation.auc(pd, bad, whose)
    return {
        "rows": len(bad),
        "bads": int(bad.sum()),
        "auc": area,
        "auc_low": low,
        "auc_high": high,
        "auc_fall": max(0.0, reviewed.auc - high),
        "bad_rate_ratio": float(bad.mean() / pd.mean()) / (reviewed.bad_rate / reviewed.mean_pd),
    }


def mix(
    settings: Settings, published: Mapping[str, Path], *, before: datetime, since: datetime, until: datetime
) -> dict[str, float]:
    """Give the PSI of product and of term band, [before, since) against [since, until), over all products.

    A mix can turn while every marginal that a model sees stays flat.
    """
    found = {}
    with lake.connect(settings) as connection:
        lake.offer(connection, published)
        for name, band in (
            ("product", "product"),
            ("product and term", "product || ' ' || (term_months // 12)"),
        ):
            rows = connection.execute(
                f"SELECT {band} AS band, count(*) FILTER (available_at < $since), "
                f"count(*) FILTER (available_at >= $since) FROM applications "
                f"WHERE available_at >= $before AND available_at < $until AND product IS NOT NULL "
                f"GROUP BY ALL ORDER BY band NULLS LAST",
                {"before": before, "since": since, "until": until},
            ).fetchall()
            found[name] = _psi([row[1] for row in rows], [row[2] for row in rows])
    return found


def _psi(before: list[int], after: list[int]) -> float:
    if not sum(before) or not sum(after):
        raise WatchingError("there is nothing to compare the mix with", right="Look at --since and --until")
    return stability.index([one / sum(before) for one in before], [one / sum(after) for one in after])
