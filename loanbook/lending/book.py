"""score → decision: a scored book, frozen, each row bound to the version that decided it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loanbook import lake
from loanbook.lending.scoring import Scored
from loanbook.schema import Grain
from loanbook.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Book:
    """A frozen book of decisions; `digest` names the file."""

    digest: str
    path: Path
    rows: int
    decisions: dict[str, int]
    reasons: dict[str, int]
    mean_pd: float


def freeze(
    settings: Settings,
    dataset: str,
    grain: Grain,
    asked: pa.Table,
    scored: Scored,
    *,
    model: str,
    version: int,
    bundle: str,
) -> Book:
    """Write one row per row asked: what was decided, why, when, and by which bytes."""
    import pyarrow as pa

    rows = asked.select([grain.key, "customer_id", "decided_at"])
    for name, values in (
        ("pd", pa.array(scored.pd)),
        ("decision", pa.array(scored.decision.tolist(), pa.string())),
        ("reasons", pa.array(scored.reasons, pa.list_(pa.string()))),
        ("model", pa.array([model] * rows.num_rows)),
        ("version", pa.array([version] * rows.num_rows, pa.int32())),
        ("bundle", pa.array([bundle] * rows.num_rows)),
    ):
        rows = rows.append_column(name, values)
    if scored.unusual is not None:
        rows = rows.append_column("unusual", pa.array(scored.unusual))
    with lake.connect(settings) as connection:
        connection.register("rows", rows)
        query = f"SELECT * FROM rows ORDER BY decided_at, {grain.key}"
        digest, path = lake.freeze(connection, query, lake.Lake(settings.home).decisions(dataset))
    return Book(
        digest=digest,
        path=path,
        rows=rows.num_rows,
        decisions=dict(sorted(Counter(scored.decision.tolist()).items())),
        reasons=dict(Counter(code for codes in scored.reasons for code in codes).most_common()),
        mean_pd=float(scored.pd.mean()),
    )
