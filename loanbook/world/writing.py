"""available → raw: one Parquet file per table and month, whole or not at all, the same bytes each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from loanbook.lake import whole
from loanbook.world.arrays import Columns
from loanbook.world.bad_rows import Spoilt
from loanbook.world.tables import render

# A fixed row group, codec and level make the bytes a function of the rows alone.
OPTIONS = {"compression": "zstd", "compression_level": 1, "write_statistics": True}
ROW_GROUP = 122_880


def write(path: Path, table: str, columns: Columns, spoilt: Spoilt | None, leaks: bool) -> int:
    """Write a month of a table with its broken rows among the good; return how many rows lie there."""
    rows = render(table, columns, leaks)
    if spoilt is not None:
        rows = pa.concat_tables([rows, spoilt.rows]).combine_chunks().take(pa.array(spoilt.order))
    write_table(path, rows)
    return int(rows.num_rows)


def write_table(path: Path, rows: Any) -> None:
    """Write one Parquet file."""
    with whole(path) as draft:
        pq.write_table(rows, draft, row_group_size=ROW_GROUP, **OPTIONS)
