"""raw → validated: map one table's rows of one batch, hide who they are about, and freeze them as a part."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanbook import lake
from loanbook.errors import BatchBlocked, MappingError
from loanbook.intake import engine
from loanbook.intake.book import Part
from loanbook.intake.engine import PROVENANCE, ident, text
from loanbook.intake.mapping import Dataset
from loanbook.intake.relations import Delivery
from loanbook.lake import Lake
from loanbook.privacy import returning, tokens
from loanbook.privacy.tokens import Sealer
from loanbook.schema import TABLES, Column, Privacy, Table
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb

_SOURCE = re.compile(r'\braw\s*\.\s*"?(\w+)"?', re.IGNORECASE)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
# what a query plan holds when each row of the result comes from one row that was read
_ROW_BY_ROW = frozenset(
    {"PROJECTION", "FILTER", "UNION", "UNNEST", "READ_PARQUET", "SEQ_SCAN", "TABLE_SCAN", "EMPTY_RESULT"}
)
SANE_YEARS = (1900, 2100)  # a clock outside says nothing of when the data was read


@dataclass(frozen=True)
class Mapped:
    """A mapping bound to the view `mapped`: its columns' types, and whether it goes row by row."""

    table: Table
    where: Path
    given: Mapping[str, str]
    row_by_row: bool

    @property
    def missing(self) -> tuple[str, ...]:
        """The canonical columns that it doesn't give."""
        return tuple(name for name in self.table.names if name not in self.given)

    @property
    def identifying(self) -> tuple[Column, ...]:
        """The identifying columns that it gives."""
        return tuple(
            column
            for column in self.table.columns
            if column.privacy is Privacy.IDENTIFYING and column.name in self.given
        )


def stored(table: Table) -> tuple[str, ...]:
    """Name the columns of a part: the table's own, the shapes of what is hidden, provenance."""
    return (*table.names, *shapes(table), *(name for name, _ in PROVENANCE))


def shapes(table: Table) -> tuple[str, ...]:
    """Name the columns that tell how a hidden value looks."""
    return tuple(f"{column.name}__shape" for column in table.columns if column.privacy is Privacy.IDENTIFYING)


def sources(sql: str) -> set[str]:
    """Name the raw sources that a mapping reads; rather one too many than one too few."""
    # DuckDB 2.0's get_table_names fails on a view over read_parquet([…])
    return {name.lower() for name in _SOURCE.findall(_COMMENT.sub(" ", sql))}


def delivered(dataset: Dataset, deliveries: Sequence[Delivery], table: str) -> bool:
    """Tell whether any source of a table came: without its optional files it is absent, not empty."""
    declared, came = {source.name for source in dataset.raw}, {delivery.source for delivery in deliveries}
    read = sources(dataset.tables[table])
    return not read or bool(read & came) or not read <= declared


def bind(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, deliveries: Sequence[Delivery], table: str
) -> Mapped:
    """Bind a mapping's one SELECT as the view `mapped`, or raise MappingError or BatchBlocked."""
    where = dataset.folder / f"{table}.sql"
    given = _columns(connection, dataset.tables[table], where)
    _refuse_unknown(TABLES[table], given, where)
    _refuse_dropped(dataset, deliveries, table, given)
    return Mapped(TABLES[table], where, given, _row_by_row(connection))


def freeze(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    dataset: str,
    mapped: Mapped,
    sealer: Sealer | None,
    earlier: str | None,
) -> Part:
    """Cast to the schema's types, leave out what stands already in `earlier`, order, write.

    `earlier` is the relation of the parts before. A mapping that is no longer row by row gives all its
    rows again each time: of these, only what is new or other counts as read.
    """
    table = mapped.table
    order = [table.key, "_file", "_row", *(name for name in table.names if name != table.key)]
    query, repeats = typed(mapped, sealer), 0
    with engine.guarded(mapped.where, MappingError, "the mapping fails", "Mend its SQL"):
        query, erased = returning.barred(connection, settings, dataset, table.name, query)
        if earlier is not None:
            query, again = _new(connection, mapped, query, earlier)
            repeats = again if mapped.row_by_row else 0
        ordered = f"{query} ORDER BY {', '.join(ident(name) for name in order)}"
        digest, path = lake.freeze(connection, ordered, Lake(settings.home).snapshots(dataset, table.name))
        rows = connection.execute(f"SELECT num_rows FROM parquet_file_metadata({text(str(path))})").fetchall()
    gone = erased if mapped.row_by_row else 0
    return Part(table.name, digest, int(rows[0][0]), repeats, mapped.missing, gone)


def latest(connection: duckdb.DuckDBPyConnection, path: Path) -> datetime | None:
    """Find when the last row of a part became known, leaving out clocks that are impossible."""
    first, last = SANE_YEARS
    rows = connection.execute(
        f"SELECT max(available_at) FROM read_parquet({text(str(path))}) "
        f"WHERE year(available_at) BETWEEN {first} AND {last} AND _broken IS NULL"
    ).fetchall()
    day = rows[0][0]
    return day if isinstance(day, datetime) else None


def typed(mapped: Mapped, sealer: Sealer | None) -> str:
    """Cast to the schema's types; a value that can't be cast makes its row broken, and is told.

    Of a column that names a person or is protected, only the shape of the value is told.
    """
    values, looks, said = [], [], []
    for column in mapped.table.columns:
        if column.name not in mapped.given:
            values.append(f"NULL::{column.type} AS {ident(column.name)}")
            continue
        cast = engine.cast(column.name, mapped.given[column.name], column.type)
        value = cast.value
        if column.privacy is Privacy.IDENTIFYING:
            assert sealer is not None
            value = sealer.token(column, cast.value)
            looks.append((column.name, tokens.shape(cast.value)))
        values.append(f"{value} AS {ident(column.name)}")
        if cast.broken is not None:
            tell = tokens.looks if column.privacy.hidden else engine.told
            said.append(tell(column.name, cast.broken))
    shown = dict(looks)
    values += [
        f"{shown.get(name.removesuffix('__shape'), 'NULL::VARCHAR')} AS {ident(name)}"
        for name in shapes(mapped.table)
    ]
    for name, kind in PROVENANCE[:2]:
        given = name in mapped.given
        values.append(f"{f'TRY_CAST({name} AS {kind})' if given else f'NULL::{kind}'} AS {name}")
    before = ["_broken::VARCHAR"] if "_broken" in mapped.given else []
    return f"SELECT {', '.join(values)}, {engine.joined(before + said)} AS _broken FROM mapped"


def _new(connection: duckdb.DuckDBPyConnection, mapped: Mapped, query: str, earlier: str) -> tuple[str, int]:
    """Leave out rows that stand as they are, and rows that were read from the very same place."""
    table = mapped.table
    key = ident(table.key)
    names = [name for name in stored(table) if name not in {"_file", "_row"}]
    same = " AND ".join(f"t.{ident(name)} IS NOT DISTINCT FROM e.{ident(name)}" for name in names)
    place = "t._file IS NOT DISTINCT FROM e._file AND t._row = e._row"
    last = (
        f"SELECT * FROM {earlier} WHERE {key} IS NOT NULL "
        f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY _at DESC) = 1"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE told AS {query}")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE fresh AS SELECT t.* FROM told t "
        f"ANTI JOIN ({last}) e ON t.{key} = e.{key} AND {same}"
    )
    fresh = f"SELECT t.* FROM fresh t ANTI JOIN {earlier} e ON {place} AND {same}"
    counted = connection.execute(f"SELECT (SELECT count(*) FROM told), (SELECT count(*) FROM ({fresh}))")
    told, left = counted.fetchall()[0]
    return fresh, int(told) - int(left)


def _columns(connection: duckdb.DuckDBPyConnection, sql: str, where: Path) -> dict[str, str]:
    import duckdb

    with engine.guarded(where, MappingError, "the mapping fails", "Mend its SQL"):
        statements = connection.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise MappingError(
                "the mapping is not one SELECT", where=str(where), right="Write one SELECT and no more"
            )
        if tokens.ASKS_FOR_KEYS.search(sql):
            raise MappingError(
                "the mapping asks for variables, which hold keys",
                where=str(where),
                right="Read raw.… and nothing else",
            )
        connection.execute(f"CREATE OR REPLACE TEMP VIEW mapped AS {sql}")
        return {row[0]: row[1] for row in connection.execute("DESCRIBE mapped").fetchall()}


def _row_by_row(connection: duckdb.DuckDBPyConnection) -> bool:
    """Ask the query's plan whether new files can be mapped without the old ones."""
    plan = json.loads(connection.execute("EXPLAIN (FORMAT json) FROM mapped").fetchall()[0][1])
    return _operators(plan) <= _ROW_BY_ROW


def _operators(plan: Sequence[Mapping[str, Any]]) -> set[str]:
    found: set[str] = set()
    for node in plan:
        found |= {str(node["name"]).strip()} | _operators(node["children"])
    return found


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
    dataset: Dataset, deliveries: Sequence[Delivery], table: str, given: Mapping[str, str]
) -> None:
    """Refuse a mapping that would lose sight of raw rows which could not be read."""
    if "_broken" in given:
        return
    read = sources(dataset.tables[table])
    for delivery in deliveries:
        if delivery.broken and delivery.source in read:
            raise BatchBlocked(
                f"{delivery.broken:,} rows of {delivery.file} can't be read as declared, "
                f"and {table}.sql doesn't carry _broken",
                where=str(dataset.folder / f"{table}.sql"),
                right=f"Select raw.{delivery.source}'s _file, _row and _broken too, to have them quarantined",
            )
