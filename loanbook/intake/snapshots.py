"""raw → validated: freeze what a source held, typed and in one order, under the hash of its content."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanbook import digests, lake
from loanbook.errors import BatchBlocked, MappingError, RawFileError
from loanbook.intake import engine, relations
from loanbook.intake.engine import PROVENANCE, ident
from loanbook.intake.mapping import Dataset
from loanbook.intake.raw import unchanged
from loanbook.intake.relations import Delivery
from loanbook.lake import Lake
from loanbook.schema import TABLES, Table
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb

FORMAT = 1  # of snapshots: raise it when the same raw bytes are to give other snapshots
_SOURCE = re.compile(r'\braw\s*\.\s*"?(\w+)"?', re.IGNORECASE)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
SANE_YEARS = (1900, 2100)  # a clock outside says nothing of when the data was read


@dataclass(frozen=True)
class Snapshot:
    """One table as it was read; `missing_columns` are those that the dataset doesn't give."""

    table: str
    digest: str
    path: Path
    rows: int
    missing_columns: tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """All tables of one delivery, frozen; tables that the dataset doesn't fill are absent."""

    dataset: str
    fingerprint: str
    as_of: datetime
    snapshots: tuple[Snapshot, ...]

    def snapshot(self, table: str) -> Snapshot | None:
        """Find a table's snapshot, or None where the dataset doesn't fill it."""
        return next((snapshot for snapshot in self.snapshots if snapshot.table == table), None)

    @property
    def missing(self) -> tuple[str, ...]:
        """The canonical tables that the dataset doesn't fill."""
        return tuple(name for name in TABLES if self.snapshot(name) is None)


def fingerprint(dataset: Dataset, deliveries: Sequence[Delivery]) -> str:
    """Hash the raw files, every mapping's SQL and dataset.toml: the same again needs no work."""
    return digests.of_json(
        {
            "raw": sorted([delivery.source, delivery.file, delivery.digest] for delivery in deliveries),
            "mapping": {name: digests.of_bytes(sql.encode()) for name, sql in dataset.tables.items()},
            "dataset": digests.of_file(dataset.folder / "dataset.toml"),
        }
    )


def freeze(
    settings: Settings, dataset: Dataset, deliveries: Sequence[Delivery], *, as_of: datetime | None
) -> Reading:
    """Run every mapping and freeze its rows, unless this very delivery was frozen before."""
    import duckdb

    mark = fingerprint(dataset, deliveries)
    key = digests.of_json([mark, FORMAT, duckdb.__version__])
    record = Lake(settings.home).catalog(dataset.name) / "readings" / f"{key}.json"
    reading = _remembered(record, settings, dataset)
    if reading is None:
        frozen, latest = _frozen(settings, dataset, deliveries)
        reading = Reading(dataset.name, mark, latest, frozen)
        lake.write_json(record, _as_json(reading))
    day = as_of or dataset.as_of or reading.as_of
    return Reading(reading.dataset, reading.fingerprint, day, reading.snapshots)


def _as_json(reading: Reading) -> dict[str, Any]:
    snapshots = [asdict(snapshot) | {"path": snapshot.path.name} for snapshot in reading.snapshots]
    return {"fingerprint": reading.fingerprint, "latest": reading.as_of.isoformat(), "snapshots": snapshots}


def _remembered(record: Path, settings: Settings, dataset: Dataset) -> Reading | None:
    """Find an earlier reading, if every snapshot of it still stands as it was written."""
    if not record.exists():
        return None
    given: Any = lake.read_json(record)
    snapshots = tuple(
        Snapshot(
            each["table"],
            each["digest"],
            Lake(settings.home).snapshots(dataset.name, each["table"]) / each["path"],
            each["rows"],
            tuple(each["missing_columns"]),
        )
        for each in given["snapshots"]
    )
    for snapshot in snapshots:
        if not snapshot.path.exists() or digests.of_file(snapshot.path) != snapshot.digest:
            return None
    return Reading(dataset.name, given["fingerprint"], datetime.fromisoformat(given["latest"]), snapshots)


def _frozen(
    settings: Settings, dataset: Dataset, deliveries: Sequence[Delivery]
) -> tuple[tuple[Snapshot, ...], datetime]:
    """Freeze table by table; also tell the latest `available_at` that can be believed."""
    with lake.connect(settings) as connection:
        with engine.guarded(dataset.folder, RawFileError, "the raw files can't be read"):
            relations.attach(connection, dataset, deliveries)
            _shut(connection, settings, deliveries)
        wanted = [TABLES[name] for name in dataset.tables if _delivered(dataset, deliveries, name)]
        frozen = tuple(_table(connection, settings, dataset, deliveries, table) for table in wanted)
        unchanged(deliveries)
        latest = max((day for day in (_latest(connection, each) for each in frozen) if day), default=None)
    if latest is None:
        raise BatchBlocked(
            "no row says when it could be known",
            where=str(dataset.folder),
            right="Fill available_at, or give as_of in dataset.toml",
        )
    return frozen, latest


def _shut(connection: duckdb.DuckDBPyConnection, settings: Settings, deliveries: Sequence[Delivery]) -> None:
    """Let a mapping's SQL reach the delivered files and our own folder, and nothing else."""
    files = engine.texts(relations.readable(deliveries))
    connection.execute(f"SET allowed_paths = {files}")
    connection.execute(f"SET allowed_directories = {engine.texts((f'{settings.home}/',))}")
    connection.execute("SET enable_external_access = false")


def _table(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    dataset: Dataset,
    deliveries: Sequence[Delivery],
    table: Table,
) -> Snapshot:
    """Map one table, cast it to the schema's types, order it, and write it."""
    where = dataset.folder / f"{table.name}.sql"
    given = _mapped(connection, dataset.tables[table.name], where)
    _refuse_unknown(table, given, where)
    _refuse_dropped(dataset, deliveries, table, given)
    folder = Lake(settings.home).snapshots(dataset.name, table.name)
    order = [table.key, "_file", "_row", *(name for name in table.names if name != table.key)]
    query = f"{_typed(table, given)} ORDER BY {', '.join(ident(name) for name in order)}"
    with engine.guarded(where, MappingError, "the mapping fails", "Mend its SQL"):
        digest, path = lake.freeze(connection, query, folder)
        rows = connection.execute(
            f"SELECT num_rows FROM parquet_file_metadata({engine.text(str(path))})"
        ).fetchall()
    missing = tuple(name for name in table.names if name not in given)
    return Snapshot(table.name, digest, path, int(rows[0][0]), missing)


def _mapped(connection: duckdb.DuckDBPyConnection, sql: str, where: Path) -> dict[str, str]:
    """Bind a mapping's one SELECT as the view `mapped`; tell its columns and types."""
    import duckdb

    with engine.guarded(where, MappingError, "the mapping fails", "Mend its SQL"):
        statements = connection.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise MappingError(
                "the mapping is not one SELECT", where=str(where), right="Write one SELECT and no more"
            )
        connection.execute(f"CREATE OR REPLACE TEMP VIEW mapped AS {sql}")
        return {row[0]: row[1] for row in connection.execute("DESCRIBE mapped").fetchall()}


def _refuse_unknown(table: Table, given: Mapping[str, str], where: Path) -> None:
    """Refuse a column that the schema doesn't know, and a table without key or clock."""
    allowed = (*table.names, *(name for name, _ in PROVENANCE))
    strangers = [name for name in given if name not in allowed]
    if strangers:
        raise MappingError(
            f"{table.name} has no column {strangers[0]!r}",
            where=str(where),
            right=f"Known are {', '.join(allowed)}",
        )
    for name in (table.key, "event_at", "available_at"):
        if name not in given:
            raise MappingError(
                f"the mapping doesn't give {name}", where=str(where), right=table.column(name).about
            )


def _refuse_dropped(
    dataset: Dataset,
    deliveries: Sequence[Delivery],
    table: Table,
    given: Mapping[str, str],
) -> None:
    """Refuse a mapping that would lose sight of raw rows which could not be read."""
    if "_broken" in given:
        return
    read = _sources(dataset.tables[table.name])
    for delivery in deliveries:
        if delivery.broken and delivery.source in read:
            raise BatchBlocked(
                f"{delivery.broken:,} rows of {delivery.file} can't be read as declared, "
                f"and {table.name}.sql doesn't carry _broken",
                where=str(dataset.folder / f"{table.name}.sql"),
                right=f"Select raw.{delivery.source}'s _file, _row and _broken too, to have them quarantined",
            )


def _sources(sql: str) -> set[str]:
    """Name the raw sources that a mapping reads; rather one too many than one too few."""
    # DuckDB 2.0's get_table_names fails on a view over read_parquet([…])
    return {name.lower() for name in _SOURCE.findall(_COMMENT.sub(" ", sql))}


def _delivered(dataset: Dataset, deliveries: Sequence[Delivery], table: str) -> bool:
    """Tell whether any source of a table came: without its optional files it is absent, not empty."""
    declared, came = {source.name for source in dataset.raw}, {delivery.source for delivery in deliveries}
    read = _sources(dataset.tables[table])
    return not read or bool(read & came) or not read <= declared


def _typed(table: Table, given: Mapping[str, str]) -> str:
    """Cast to the schema's types; a value that can't be cast makes its row broken, and is told."""
    values, said = [], []
    for column in table.columns:
        if column.name not in given:
            values.append(f"NULL::{column.type} AS {ident(column.name)}")
            continue
        cast = engine.cast(column.name, given[column.name], column.type)
        values.append(f"{cast.value} AS {ident(column.name)}")
        if cast.broken is not None:
            said.append(engine.told(column.name, cast.broken))
    for name, kind in PROVENANCE[:2]:
        values.append(f"{f'TRY_CAST({name} AS {kind})' if name in given else f'NULL::{kind}'} AS {name}")
    before = ["_broken::VARCHAR"] if "_broken" in given else []
    return f"SELECT {', '.join(values)}, {engine.joined(before + said)} AS _broken FROM mapped"


def _latest(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> datetime | None:
    """Find when the last row became known, leaving out clocks that are impossible."""
    first, last = SANE_YEARS
    rows = connection.execute(
        f"SELECT max(available_at) FROM read_parquet({engine.text(str(snapshot.path))}) "
        f"WHERE year(available_at) BETWEEN {first} AND {last} AND _broken IS NULL"
    ).fetchall()
    day = rows[0][0]
    return day if isinstance(day, datetime) else None
