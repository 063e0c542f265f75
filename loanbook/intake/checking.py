"""raw → validated: say of a reading what each table and column holds, before anything is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanbook import lake
from loanbook.intake.engine import among, ident, text
from loanbook.intake.relations import Delivery
from loanbook.intake.snapshots import Reading, Snapshot
from loanbook.intake.sources import Dataset
from loanbook.schema import TABLES, Column, Privacy

if TYPE_CHECKING:
    import duckdb

SAMPLE = 10
MASK = "•••"
MASKED = frozenset({Privacy.IDENTIFYING, Privacy.PROTECTED})


@dataclass(frozen=True)
class ColumnCheck:
    """One column that the mapping gives, and the share of rows without a value."""

    name: str
    null: float


@dataclass(frozen=True)
class TableCheck:
    """One table: rows, each clock's first and last, what can't be read by column, and ten rows, masked."""

    table: str
    rows: int
    columns: tuple[ColumnCheck, ...]
    missing: tuple[str, ...]
    spans: Mapping[str, tuple[str | None, str | None]]
    broken_rows: int
    broken: Mapping[str, int]
    sample: tuple[Mapping[str, str | None], ...]

    @property
    def empty(self) -> tuple[str, ...]:
        """The columns that the mapping gives, and no row fills."""
        return tuple(column.name for column in self.columns if column.null == 1)


def tables(
    connection: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    deliveries: Sequence[Delivery],
    reading: Reading,
) -> tuple[TableCheck, ...]:
    """Check every table that was frozen."""
    raw = {name for delivery in deliveries for name, _ in delivery.columns}
    raw |= {name for source in dataset.raw for name in source.columns}
    return tuple(_table(connection, snapshot, raw) for snapshot in reading.snapshots)


def _table(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, raw: set[str]) -> TableCheck:
    table, rows = TABLES[snapshot.table], snapshot.relation
    given = [column for column in table.columns if column.name not in snapshot.missing_columns]
    counts = ", ".join(f"count({ident(column.name)})" for column in given)
    clocks = ", ".join(f"min({name})::VARCHAR, max({name})::VARCHAR" for name in ("event_at", "available_at"))
    broken, *row = connection.execute(f"SELECT count(_broken), {clocks}, {counts} FROM {rows}").fetchall()[0]
    filled = dict(zip((column.name for column in given), row[4:], strict=True))
    return TableCheck(
        table=table.name,
        rows=snapshot.rows,
        columns=tuple(ColumnCheck(name, 1 - count / max(snapshot.rows, 1)) for name, count in filled.items()),
        missing=snapshot.missing_columns,
        spans={"event_at": (row[0], row[1]), "available_at": (row[2], row[3])},
        broken_rows=broken,
        broken=_broken(connection, rows, raw | set(table.names)),
        sample=_sample(connection, rows, given),
    )


def _broken(connection: duckdb.DuckDBPyConnection, rows: str, known: set[str]) -> dict[str, int]:
    """Count broken rows by the column that can't be read; a value can't pass for a column."""
    names = "unnest(list_distinct(regexp_extract_all(_broken, '(?:^|; )([^=;]+?)(?:=| like )', 1)))"
    found = connection.execute(
        f"SELECT name, count(*) FROM (SELECT {names} AS name FROM {rows} WHERE _broken IS NOT NULL) "
        f"WHERE name IN {among(tuple(sorted(known)))} GROUP BY name ORDER BY 2 DESC, 1"
    ).fetchall()
    return dict(found)


def _sample(
    connection: duckdb.DuckDBPyConnection, rows: str, given: Sequence[Column]
) -> tuple[Mapping[str, str | None], ...]:
    """Draw ten rows, the same each time; what names or protects a person is masked."""
    shown = [
        f"CASE WHEN {ident(column.name)} IS NOT NULL THEN {text(MASK)} END"
        if column.privacy in MASKED
        else f"left({ident(column.name)}::VARCHAR, 60)"
        for column in given
    ]
    drawn = f"(FROM {rows} USING SAMPLE reservoir({SAMPLE} ROWS) REPEATABLE (7))"
    found: list[tuple[Any, ...]] = connection.execute(f"SELECT {', '.join(shown)} FROM {drawn}").fetchall()
    names = [column.name for column in given]
    return tuple(dict(zip(names, row, strict=True)) for row in found)


def sound(connection: duckdb.DuckDBPyConnection, reading: Reading, folder: Path) -> dict[str, Path]:
    """Write each table's readable rows, one to a key: what features may be computed from unjudged."""
    written = {}
    for snapshot in reading.snapshots:
        key, path = ident(TABLES[snapshot.table].key), folder / f"{snapshot.table}.parquet"
        given = snapshot.relation
        rows = f"SELECT * FROM {given} WHERE _broken IS NULL AND {key} IS NOT NULL"
        first = f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY event_at, available_at) = 1"
        lake.copy_out(connection, f"{rows} {first}", path)
        written[snapshot.table] = path
    return written


def products(connection: duckdb.DuckDBPyConnection, reading: Reading) -> frozenset[str]:
    """Name the products that anybody applied for."""
    asked = reading.snapshot("applications")
    if asked is None:
        return frozenset()
    rows = connection.execute(f"SELECT DISTINCT product FROM {asked.relation}").fetchall()
    return frozenset(row[0] for row in rows if row[0])
