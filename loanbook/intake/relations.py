"""raw → validated: the relations `raw.<name>` that a mapping's SQL reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from loanbook.intake import engine, tracing
from loanbook.intake.edges import spool
from loanbook.intake.edges.spool import Held
from loanbook.intake.engine import Cast, ident, text, texts
from loanbook.intake.sources import Dataset, RawSource
from loanbook.privacy import tokens

if TYPE_CHECKING:
    import duckdb

Columns = tuple[tuple[str, str], ...]
NULL = "\\N"  # what PostgreSQL writes for a value that isn't there
_LONGEST = 1 << 24  # characters of one CSV record
_FAILED = ("#N/A", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!")


@dataclass(frozen=True)
class Delivery:
    """One raw file, sheet or table as it was found; `file` is its name below the data folder, or its address.

    `held` is what is read in place of the file: what was fetched, or recoded. `broken` counts rows.
    """

    source: str
    file: str
    path: Path
    digest: str
    size: int
    modified: int
    rows: int = 0
    broken: int = 0
    columns: Columns = ()
    is_remote: bool = False
    held: Held | None = field(default=None, repr=False, compare=False)

    @classmethod
    def remote(cls, source: str, file: str, held: Held, columns: Columns = ()) -> Delivery:
        """Tell of what was fetched: there is no file of it here."""
        return cls(
            source, file, Path(file), held.digest, held.size, 0, columns=columns, is_remote=True, held=held
        )

    @property
    def where(self) -> str:
        """What a message calls it."""
        return self.file if self.is_remote else str(self.path)

    @property
    def address(self) -> str:
        """What DuckDB opens; a connection must have been shown the shelf."""
        return self.held.address if self.held else str(self.path)

    def open(self) -> BinaryIO:
        """Read its bytes, as DuckDB does."""
        return self.held.open() if self.held else self.path.open("rb")


def readable(deliveries: Sequence[Delivery]) -> tuple[str, ...]:
    """Name what a connection must be allowed to open for `raw.<name>`."""
    return tuple(delivery.address for delivery in deliveries)


def columns_of(connection: duckdb.DuckDBPyConnection, source: RawSource, delivery: Delivery) -> Columns:
    """Read a file's own columns and types; CSV, JSON and sheets are read as text."""
    if source.format == "csv":
        return tuple((name, "VARCHAR") for name in _header(source, delivery))
    if source.format == "postgresql":
        return delivery.columns
    spool.show(connection)
    is_json = source.format == "json"
    reader = f"read_parquet({text(delivery.address)}, hive_partitioning = false)"
    if is_json:
        reader = _json(delivery)
    rows = connection.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()
    columns = tuple((str(row[0]), "VARCHAR" if is_json else str(row[1])) for row in rows)
    return columns[:-1] if source.format == "xlsx" else columns  # its last is _row


def attach(connection: duckdb.DuckDBPyConnection, dataset: Dataset, deliveries: Sequence[Delivery]) -> None:
    """Make every `raw.<name>`. CSV and JSON that lie here are parsed once into tables; the rest is a view.

    What is held stays sealed when DuckDB spills it. Its own module for that is a download, and the one it
    brings draws its key less well: enough against who finds the disk later.
    """
    spool.show(connection)
    if any(delivery.held for delivery in deliveries):
        connection.execute("SET force_mbedtls_unsafe = 'true'")
        connection.execute("SET temp_file_encryption = true")
    connection.execute("CREATE SCHEMA IF NOT EXISTS raw")
    tellable = tracing.tellable(connection, dataset)
    for source in dataset.raw:
        mine = [delivery for delivery in deliveries if delivery.source == source.name]
        parsed = any(source.format in {"csv", "json"} and not delivery.is_remote for delivery in mine)
        query = _relation(connection, source, mine, tellable) if mine else _nothing(source)
        kind = "TABLE" if parsed else "VIEW"
        connection.execute(f"CREATE OR REPLACE {kind} raw.{ident(source.name)} AS {query}")


def in_place(dataset: Dataset, deliveries: Sequence[Delivery]) -> bool:
    """Tell whether every file is Parquet that is read where it lies, so that nothing plain is kept."""
    parquet = {source.name for source in dataset.raw if source.format == "parquet"}
    return all(one.source in parquet and not one.is_remote and not one.held for one in deliveries)


def declared(source: RawSource, mine: Sequence[Delivery]) -> Mapping[str, str]:
    """Give the types that columns are read as: the dataset's, and before them a database's own."""
    if source.format != "postgresql":
        return source.columns
    own = {name: kind for delivery in mine for name, kind in delivery.columns if kind != "VARCHAR"}
    return {**own, **source.columns}


def census(
    connection: duckdb.DuckDBPyConnection, source: RawSource, mine: Sequence[Delivery]
) -> tuple[tuple[str, ...], str]:
    """Write the query that counts, per file, rows, broken rows, and per checked column given and broken."""
    spool.show(connection)
    scan = _scan(source, mine)
    casts = _casts(source, mine, _described(connection, scan))
    broken = {name: cast.broken for name, cast in casts.items() if cast.broken is not None}
    counts = [f"count({ident(name)}), count(*) FILTER ({bad})" for name, bad in broken.items()]
    anything = f"count(*) FILTER ({' OR '.join(broken.values())})" if broken else "0"
    selected = ", ".join(["_file", "count(*)", anything, *counts])
    return tuple(broken), f"SELECT {selected} FROM ({scan}) GROUP BY _file"


def _relation(
    connection: duckdb.DuckDBPyConnection,
    source: RawSource,
    mine: Sequence[Delivery],
    tellable: Collection[str],
) -> str:
    """Type the declared columns, keep the others as read, and say what is broken.

    The value itself is said of the `tellable` columns, of any other how it looks.
    """
    scan = _scan(source, mine)
    given = _described(connection, scan)
    casts = _casts(source, mine, given)
    values = {name: casts[name].value if name in casts else ident(name) for name in given}
    selected = [f"{value} AS {ident(name)}" for name, value in values.items()]
    said = engine.joined(
        [
            (engine.told if name.casefold() in tellable else tokens.looks)(name, cast.broken)
            for name, cast in casts.items()
            if cast.broken is not None
        ]
    )
    return f"SELECT {', '.join(selected)}, _file, _row, {said} AS _broken FROM ({scan})"


def _casts(source: RawSource, mine: Sequence[Delivery], given: Mapping[str, str]) -> dict[str, Cast]:
    """Write, for each declared column, how it is read, and under which condition it can't be."""
    casts = {}
    for name, kind in declared(source, mine).items():
        same = engine.Cast(ident(name), None)
        cast = same if given[name] == kind else engine.cast(name, given[name], kind)
        casts[name] = _without_failed(name, cast) if source.format == "xlsx" else cast
    return casts


def _without_failed(name: str, cast: Cast) -> Cast:
    """Take a formula that failed for broken, in a text too."""
    failed = f"coalesce({ident(name)} IN {engine.among(_FAILED)}, false)"
    broken = failed if cast.broken is None else f"({failed} OR {cast.broken})"
    return Cast(f"CASE WHEN NOT {failed} THEN {cast.value} END", broken)


def _described(connection: duckdb.DuckDBPyConnection, scan: str) -> dict[str, str]:
    rows = connection.execute(f"DESCRIBE {scan}").fetchall()
    return {row[0]: row[1] for row in rows if row[0] not in {"_file", "_row"}}


def _scan(source: RawSource, mine: Sequence[Delivery]) -> str:
    """Read files as they are, with `_file` and `_row`."""
    if source.format == "parquet" and not any(delivery.held for delivery in mine):
        return _parquet(mine)
    return " UNION ALL BY NAME ".join(_part(source, delivery) for delivery in mine)


def _part(source: RawSource, delivery: Delivery) -> str:
    """Read one file as it is."""
    file, columns = f"{text(delivery.file)} AS _file", [ident(name) for name, _ in delivery.columns]
    if source.format in {"parquet", "xlsx"}:
        row = "_row" if source.format == "xlsx" else "file_row_number + 1 AS _row"
        reader = f"read_parquet({text(delivery.address)}, file_row_number = true, hive_partitioning = false)"
        return f"SELECT {', '.join(columns)}, {file}, {row} FROM {reader}"
    if source.format == "json":
        reader, columns = _json(delivery), [f"{name} ->> '$' AS {name}" for name in columns]
    else:
        reader = _csv(source, delivery)
    return f"SELECT {', '.join(columns)}, {file}, row_number() OVER () AS _row FROM {reader}"


def _parquet(mine: Sequence[Delivery]) -> str:
    """Read Parquet in place; every file lies below the same folder, so its name is the path's end."""
    below = len(str(mine[0].path)) - len(mine[0].file) + 1
    paths = texts(tuple(str(delivery.path) for delivery in mine))
    options = "filename = '_path', file_row_number = true, union_by_name = true, hive_partitioning = false"
    return (
        f"SELECT * EXCLUDE (_path, file_row_number), _path[{below}:] AS _file, file_row_number + 1 AS _row "
        f"FROM read_parquet({paths}, {options})"
    )


def _csv(source: RawSource, delivery: Delivery) -> str:
    """Read one CSV strictly, every field as text; one thread, so that `_row` counts in the file's order."""
    columns = ", ".join(f"{text(name)}: 'VARCHAR'" for name, _ in delivery.columns)
    ours = source.format == "postgresql"
    nulls = f"{texts((NULL,))}, allow_quoted_nulls = false" if ours else texts(source.null)
    return (
        f"read_csv({text(delivery.address)}, auto_detect = false, header = true, "
        f"delim = {text(source.delimiter)}, quote = '\"', escape = '\"', columns = {{{columns}}}, "
        f"nullstr = {nulls}, strict_mode = true, null_padding = false, parallel = false, "
        f"max_line_size = {_LONGEST})"
    )


def _json(delivery: Delivery) -> str:
    """Read JSON one level deep: an array of objects, or one object a line."""
    return (
        f"read_json({text(delivery.address)}, maximum_depth = 1, sample_size = -1, "
        f"maximum_object_size = {_LONGEST})"
    )


@contextmanager
def lines(source: RawSource, delivery: Delivery) -> Iterator[io.TextIOWrapper]:
    """Read a CSV as text, line ends as they are; what is held was recoded."""
    encoding = "utf-8" if delivery.held else source.encoding
    with io.TextIOWrapper(
        delivery.open(), encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline=""
    ) as stream:
        yield stream


def _header(source: RawSource, delivery: Delivery) -> tuple[str, ...]:
    """Read a CSV's first record; a column without name is called by its place, as DuckDB does."""
    with lines(source, delivery) as stream:
        names = next(csv.reader(stream, delimiter=source.delimiter), [])
    return tuple(name or f"column{place}" for place, name in enumerate(names))


def _nothing(source: RawSource) -> str:
    """Offer an optional source that was not delivered, with its declared columns and no row."""
    columns = [f"NULL::{kind} AS {ident(name)}" for name, kind in source.columns.items()]
    provenance = [f"NULL::{kind} AS {name}" for name, kind in engine.PROVENANCE]
    return f"SELECT {', '.join(columns + provenance)} WHERE false"
