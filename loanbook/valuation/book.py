"""champion → values: a frozen book of what vehicles are worth, now and in months to come."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from loanbook import lake
from loanbook.errors import ScoringError
from loanbook.governance.promotion import Grant
from loanbook.schema import Grain
from loanbook.settings import Settings
from loanbook.training import matrix
from loanbook.valuation.valuer import Valuer

if TYPE_CHECKING:
    import pyarrow as pa

MONTHS = (0, 12, 24, 36)


@dataclass(frozen=True)
class Values:
    """A frozen book of values; `digest` names the file, `told` gives the median of medians by months."""

    digest: str
    path: Path
    rows: int
    told: dict[str, float]


def freeze(
    settings: Settings,
    dataset: str,
    grain: Grain,
    asked: pa.Table,
    known: pa.Table,
    valuer: Valuer,
    grant: Grant,
) -> Values:
    """Write one row per row asked and months ahead, its quantiles, and by which bytes it was valued.

    The market is taken to stand where it did on the row's own day. Raises ScoringError for an empty book and
    for one larger than the approval allows.
    """
    import pyarrow as pa

    most = grant.conditions.max_applications
    if not asked.num_rows or (most is not None and asked.num_rows > most):
        raise ScoringError(
            f"the book holds {asked.num_rows:,} vehicles and the approval allows {most or 'any number'}",
            right="Look at --since and --until, or have the version approved for more",
        )
    values = matrix.encode(known, valuer.plan)
    level, market = asked["level"].to_numpy(), asked["market"].to_numpy()
    bare, parts, told = asked.select([grain.key, "decided_at"]), [], {}
    for months in MONTHS:
        after = np.full(len(values), float(months))
        amounts = valuer.ahead(values, level, market, after, threads=settings.threads)
        told[str(months)] = float(np.median(amounts[:, valuer.middle]))
        part = bare.append_column("months", pa.array([months] * bare.num_rows, pa.int32()))
        for place, one in enumerate(valuer.quantiles):
            part = part.append_column(one.column, pa.array(amounts[:, place]))
        parts.append(part)
    rows = pa.concat_tables(parts)
    for name, said in (("model", grant.model), ("bundle", grant.bundle)):
        rows = rows.append_column(name, pa.array([said] * rows.num_rows))
    rows = rows.append_column("version", pa.array([grant.version] * rows.num_rows, pa.int32()))
    with lake.connect(settings) as connection:
        connection.register("rows", rows)
        query = f"SELECT * FROM rows ORDER BY decided_at, {grain.key}, months"
        digest, path = lake.freeze(connection, query, lake.Lake(settings.home).decisions(dataset))
    return Values(digest, path, asked.num_rows, told)
