"""Write published tables by hand, so that a test says no more than it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from loanbook.schema import TABLES

TYPES = {
    "VARCHAR": pa.string(),
    "TIMESTAMP": pa.timestamp("us"),
    "DOUBLE": pa.float64(),
    "INTEGER": pa.int32(),
    "DECIMAL(18,2)": pa.decimal128(18, 2),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
}
Rows = Mapping[str, Sequence[Mapping[str, Any]]]
Publish = Callable[[Path, Rows], dict[str, Path]]


def _publish(folder: Path, rows: Rows) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, given in rows.items():
        unknown = {key for row in given for key in row} - set(TABLES[name].names)
        assert not unknown, f"{name} has no {unknown}"
        shape = pa.schema([(column.name, TYPES[column.type]) for column in TABLES[name].columns])
        paths[name] = folder / f"{name}.parquet"
        parquet.write_table(pa.Table.from_pylist([dict(row) for row in given], schema=shape), paths[name])
    return paths


@pytest.fixture(scope="session")
def publish() -> Publish:
    """Write each table's rows to a folder as canonical Parquet; what a row doesn't say is null."""
    return _publish
