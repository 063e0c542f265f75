"""raw → validated: the relations `raw.<name>` that a mapping's SQL reads."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loanbook.intake import engine
from loanbook.intake.engine import ident, text, texts
from loanbook.intake.mapping import Dataset, RawSource

if TYPE_CHECKING:
    import duckdb

Columns = tuple[tuple[str, str], ...]
_LONGEST = 1 << 24  # characters of one CSV record


@dataclass(frozen=True)
class Delivery:
    """One raw file as it was found; `file` is its name below the data folder, `broken` counts rows."""

    source: str
    file: str
    path: Path
    digest: str
    size: int
    modified: int
    rows: int = 0
    broken: int = 0
    columns: Columns = ()


def columns_of(connection: duckdb.DuckDBPyConnection, source: RawSource, path: Path) -> Columns:
    """Read a file's own columns and types; CSV and JSON are read as text."""
    if source.format == "csv":
        return tuple((name, "VARCHAR") for name in _header(source, path))
    reader = f"read_parquet({text(str(path))}, hive_partitioning = false)"
    if source.format == "json":
        reader = _json(path)
    rows = connection.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()
    return tuple((str(row[0]), "VARCHAR" if source.format == "json" else str(row[1])) for row in rows)


def attach(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, deliveries: Sequence[Delivery], scratch: Path
) -> None:
    """Make every `raw.<name>`. CSV and JSON are parsed once into tables; Parquet is read where it lies."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS raw")
    for source in dataset.raw:
        mine = [delivery for delivery in deliveries if delivery.source == source.name]
        kind = "VIEW" if source.format == "parquet" or not mine else "TABLE"
        query = _relation(connection, source, mine, scratch) if mine else _nothing(source)
        connection.execute(f"CREATE OR REPLACE {kind} raw.{ident(source.name)} AS {query}")


def census(
    connection: duckdb.DuckDBPyConnection, source: RawSource, mine: Sequence[Delivery], scratch: Path
) -> tuple[tuple[str, ...], str]:
    """Write the query that counts, per file, rows, broken rows, and per checked column given and broken."""
    scan = _scan(source, mine, scratch)
    broken = {
        name: bad for name, bad in _breaks(source, _described(connection, scan)).items() if bad is not None
    }
    counts = [f"count({ident(name)}), count(*) FILTER ({bad})" for name, bad in broken.items()]
    anything = f"count(*) FILTER ({' OR '.join(broken.values())})" if broken else "0"
    selected = ", ".join(["_file", "count(*)", anything, *counts])
    return tuple(broken), f"SELECT {selected} FROM ({scan}) GROUP BY _file"


def _relation(
    connection: duckdb.DuckDBPyConnection, source: RawSource, mine: Sequence[Delivery], scratch: Path
) -> str:
    """Type the declared columns, keep the others as read, and say what is broken."""
    scan = _scan(source, mine, scratch)
    given = _described(connection, scan)
    breaks = _breaks(source, given)
    selected = []
    for name, kind in given.items():
        wanted = source.columns.get(name, kind)
        value = ident(name) if wanted == kind else engine.cast(name, kind, wanted).value
        selected.append(f"{value} AS {ident(name)}")
    said = engine.joined([engine.told(name, bad) for name, bad in breaks.items() if bad is not None])
    return f"SELECT {', '.join(selected)}, _file, _row, {said} AS _broken FROM ({scan})"


def _breaks(source: RawSource, given: dict[str, str]) -> dict[str, str | None]:
    """Write, for each declared column, the condition under which it can't be read as declared."""
    return {
        name: None if given[name] == kind else engine.cast(name, given[name], kind).broken
        for name, kind in source.columns.items()
    }


def _described(connection: duckdb.DuckDBPyConnection, scan: str) -> dict[str, str]:
    rows = connection.execute(f"DESCRIBE {scan}").fetchall()
    return {row[0]: row[1] for row in rows if row[0] not in {"_file", "_row"}}


def _scan(source: RawSource, mine: Sequence[Delivery], scratch: Path) -> str:
    """Read files as they are, with `_file` and `_row`."""
    if source.format == "parquet":
        return _parquet(mine)
    parts = []
    for delivery in mine:
        if source.format == "csv":
            reader = _csv(source, delivery, scratch)
            columns = ", ".join(ident(name) for name, _ in delivery.columns)
        else:
            reader = _json(delivery.path)
            columns = ", ".join(f"{ident(name)} ->> '$' AS {ident(name)}" for name, _ in delivery.columns)
        parts.append(
            f"SELECT {columns}, {text(delivery.file)} AS _file, row_number() OVER () AS _row FROM {reader}"
        )
    return " UNION ALL BY NAME ".join(parts)


def _parquet(mine: Sequence[Delivery]) -> str:
    """Read Parquet in place; every file lies below the same folder, so its name is the path's end."""
    below = len(str(mine[0].path)) - len(mine[0].file) + 1
    paths = texts(tuple(str(delivery.path) for delivery in mine))
    options = "filename = '_path', file_row_number = true, union_by_name = true, hive_partitioning = false"
    return (
        f"SELECT * EXCLUDE (_path, file_row_number), _path[{below}:] AS _file, file_row_number + 1 AS _row "
        f"FROM read_parquet({paths}, {options})"
    )


def _csv(source: RawSource, delivery: Delivery, scratch: Path) -> str:
    """Read one CSV strictly, every field as text; one thread, so that `_row` counts in the file's order."""
    columns = ", ".join(f"{text(name)}: 'VARCHAR'" for name, _ in delivery.columns)
    return (
        f"read_csv({text(str(_as_utf8(source, delivery, scratch)))}, auto_detect = false, header = true, "
        f"delim = {text(source.delimiter)}, quote = '\"', escape = '\"', columns = {{{columns}}}, "
        f"nullstr = {texts(source.null)}, strict_mode = true, null_padding = false, parallel = false, "
        f"max_line_size = {_LONGEST})"
    )


def _json(path: Path) -> str:
    """Read JSON one level deep: an array of objects, or one object a line."""
    return (
        f"read_json({text(str(path))}, maximum_depth = 1, sample_size = -1, maximum_object_size = {_LONGEST})"
    )


def _as_utf8(source: RawSource, delivery: Delivery, scratch: Path) -> Path:
    """Recode a file that is not in UTF-8; DuckDB's other encodings are a download."""
    if source.encoding == "utf-8":
        return delivery.path
    target = scratch / f"{delivery.digest}.{source.encoding}.csv"
    if not target.exists():
        with (
            delivery.path.open(encoding=source.encoding, newline="") as old,
            target.open("w", encoding="utf-8", newline="") as new,
        ):
            while part := old.read(1 << 22):
                new.write(part)
    return target


def _header(source: RawSource, path: Path) -> tuple[str, ...]:
    """Read a CSV's first record; a column without name is called by its place, as DuckDB does."""
    encoding = "utf-8-sig" if source.encoding == "utf-8" else source.encoding
    with path.open(encoding=encoding, newline="") as stream:
        names = next(csv.reader(stream, delimiter=source.delimiter), [])
    return tuple(name or f"column{place}" for place, name in enumerate(names))


def _nothing(source: RawSource) -> str:
    """Offer an optional source that was not delivered, with its declared columns and no row."""
    columns = [f"NULL::{kind} AS {ident(name)}" for name, kind in source.columns.items()]
    provenance = [f"NULL::{kind} AS {name}" for name, kind in engine.PROVENANCE]
    return f"SELECT {', '.join(columns + provenance)} WHERE false"
