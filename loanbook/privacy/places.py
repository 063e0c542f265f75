"""What may be known: every place where something of a customer may lie."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loanbook import lake
from loanbook.intake.engine import text
from loanbook.lake import Lake
from loanbook.privacy import rewriting
from loanbook.privacy.rewriting import Change
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb

SNAPSHOTS, CATALOG, REGISTRY = "snapshots", "catalog", "registry"
MOST = 1 << 26  # bytes of a text file that are looked through at once


@dataclass(frozen=True)
class Found:
    """A Parquet file that holds rows of a customer: in which place, of which table, how many."""

    place: str
    table: str
    path: Path
    rows: int


def found(settings: Settings, dataset: str, customer: str) -> tuple[Found, ...]:
    """Find every Parquet file of a dataset that holds rows of a customer."""
    with lake.connect(settings) as connection:
        return tuple(_found(connection, settings, dataset, customer))


def held(connection: duckdb.DuckDBPyConnection, path: Path, customer: str) -> int:
    """Count a customer's rows in a Parquet file."""
    if "customer_id" not in rewriting.columns(connection, path):
        return 0
    return rewriting.count(connection, path, Change(gone=f"customer_id = {text(customer)}")).removed


def counted(files: tuple[Found, ...]) -> Mapping[str, Mapping[str, int]]:
    """Add rows up by place and table."""
    rows: dict[str, dict[str, int]] = {}
    for one in files:
        tables = rows.setdefault(one.place, {})
        tables[one.table] = tables.get(one.table, 0) + one.rows
    return rows


def mentions(settings: Settings, dataset: str, customer: str) -> tuple[str, ...]:
    """Name the reports, records and logs that say a customer's id in plain text."""
    told = re.compile(rb"(?<![\w-])" + re.escape(customer.encode()) + rb"(?![\w-])")
    folders = (
        settings.home / "reports" / dataset,
        settings.home / "lake" / dataset,
        settings.home / "logs",
        settings.home / "receipts",
        settings.home / "governance",
    )
    files = (path for folder in folders for path in sorted(folder.rglob("*")))
    return tuple(
        path.relative_to(settings.home).as_posix()
        for path in files
        if path.is_file() and path.suffix != ".parquet" and told.search(_bytes(path))
    )


def _found(
    connection: duckdb.DuckDBPyConnection, settings: Settings, dataset: str, customer: str
) -> Iterator[Found]:
    for place, path in _files(settings, dataset):
        rows = held(connection, path, customer)
        if rows:
            table = path.parent.name if place == SNAPSHOTS else path.stem
            yield Found(place, table if len(table) < 64 else "rows", path, rows)


def _files(settings: Settings, dataset: str) -> Iterator[tuple[str, Path]]:
    """Give each Parquet file with its place; what is being written has a name that begins with a dot."""
    root = Lake(settings.home).catalog(dataset).parent
    for path in sorted(root.rglob("*.parquet")):
        if not path.name.startswith("."):
            yield path.relative_to(root).parts[0], path
    for path in sorted((settings.home / "mlflow" / "artifacts").glob(f"{dataset}.*/**/*.parquet")):
        yield REGISTRY, path


def _bytes(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(MOST)
