"""validated → features: what a feature table knew at each asked moment, joined in DuckDB, out of core.

A table is read twice: its keys and times alone, to find each asked row's winning row by its place in the
file; then the feature columns, of the winners and of no other row. Among rows of one key and moment the one
written last wins, then the last of the file: never luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from loanbook import lake
from loanbook.errors import FeatureError
from loanbook.intake.engine import ident, text
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

PLACES = 2**40  # rows a file may have: a time and a place are compared as one number
SAMPLE = 20_480  # rows, from which the rows per key are guessed
# A join of pairs costs by the pair, an ASOF join by the row, some ten times as much: measured on DuckDB 2.0.
PAIRS_PER_ROW = 10
EPOCH, TICK = datetime(1970, 1, 1), timedelta(microseconds=1)


@dataclass(frozen=True)
class Source:
    """A feature table: its file, its keys as (asked column, its own), its clocks, what is told as what.

    `created` is when a row was written, which settles between rows of one moment; a value holds for `ttl`,
    both ends included, or for ever.
    """

    path: Path
    keys: tuple[tuple[str, str], ...]
    at: str
    columns: tuple[tuple[str, str], ...]
    ttl: timedelta | None = None
    created: str | None = None


def join(
    settings: Settings, asked: pa.Table, moment: str, sources: Sequence[Source], *, written_by_then: bool
) -> pa.Table:
    """Append to each asked row what each table knew at its `moment`; rows and their order stay.

    `written_by_then` also leaves out what was written after the moment, where a table tells.
    """
    numbered = _numbered(asked, moment)
    with lake.connect(settings) as connection:
        for source in sources:
            _show(connection, source)
            connection.register("asked", _keys_of(asked, numbered, source))
            by_asof = not source.created and _dense(connection, source)
            winners = _by_asof(source) if by_asof else _by_pairs(source, written_by_then)
            connection.execute(f"CREATE OR REPLACE TEMP TABLE winners AS {winners}")
            told = connection.sql(_told(source)).to_arrow_table()
            for (_, name), column in zip(source.columns, told.columns, strict=True):
                asked = asked.append_column(name, column)
    return asked


def latest(connection: duckdb.DuckDBPyConnection, source: Source, since: datetime, until: datetime) -> str:
    """Say in SQL: each key's last row from `since` to `until`, both included, by key."""
    _show(connection, source)
    keys = ", ".join(f"k{n}" for n in range(len(source.keys)))
    order = ", ".join(f"f.{ident(own)}" for _, own in source.keys)
    return (
        f"SELECT {_columns(source)} FROM {_file(source)} f JOIN (SELECT {_best(source)} AS place FROM known "
        f"WHERE t BETWEEN {micros(since)} AND {micros(until)} GROUP BY {keys}) w "
        f"ON f.file_row_number = w.place ORDER BY {order}"
    )


def between(source: Source, since: datetime | None, until: datetime | None) -> str:
    """Say in SQL: every row from `since` to `until`, both included."""
    at = f"epoch_us({ident(source.at)})"
    bounds = [f"{at} >= {micros(since)}"] if since else []
    bounds += [f"{at} <= {micros(until)}"] if until else []
    return f"SELECT {_columns(source)} FROM {_file(source)} f WHERE {' AND '.join(bounds) or 'true'}"


def micros(moment: datetime) -> int:
    """Count the microseconds from 1970 to a moment, which is in UTC when it has no zone."""
    return (moment.replace(tzinfo=None) - (moment.utcoffset() or timedelta()) - EPOCH) // TICK


def _file(source: Source) -> str:
    if not source.path.is_file():
        raise FeatureError(
            "the feature table is no file", where=str(source.path), right="One Parquet file per table"
        )
    return f"read_parquet({text(str(source.path))}, file_row_number = true)"


def _columns(source: Source) -> str:
    return ", ".join(f"f.{ident(own)} AS {ident(name)}" for own, name in source.columns)


def _show(connection: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Make the view `known`: a table's keys and clocks, in microseconds, and where each row lies."""
    keys = ", ".join(f"{ident(own)} AS k{n}" for n, (_, own) in enumerate(source.keys))
    written = f"epoch_us({ident(source.created)})" if source.created else "NULL"
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW known AS SELECT {keys}, epoch_us({ident(source.at)}) AS t, "
        f"{written}::BIGINT AS written, file_row_number AS place FROM {_file(source)}"
    )


def _numbered(asked: pa.Table, moment: str) -> pa.Table:
    """Give each asked row's place and its moment in microseconds; without a zone it is in UTC."""
    import numpy as np
    import pyarrow as pa

    now = asked[moment].cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.int64())
    return pa.table({"n": np.arange(asked.num_rows), "now": now})


def _keys_of(asked: pa.Table, numbered: pa.Table, source: Source) -> pa.Table:
    """Put a table's keys beside the asked rows' places and moments."""
    for n, (name, _) in enumerate(source.keys):
        numbered = numbered.append_column(f"k{n}", asked[name])
    return numbered


def _dense(connection: duckdb.DuckDBPyConnection, source: Source) -> bool:
    """Guess from a table's first rows whether keys have so many that pairing costs more than sorting."""
    keys = ", ".join(ident(own) for _, own in source.keys)
    first = f"SELECT {keys} FROM {_file(source)} LIMIT {SAMPLE}"
    asked, rows, seen, distinct = connection.execute(
        f"SELECT (SELECT count(*) FROM asked), (SELECT count(*) FROM {_file(source)}), "
        f"count(*), count(DISTINCT ROW({keys})) FROM ({first})"
    ).fetchall()[0]
    return bool(asked * seen > PAIRS_PER_ROW * (rows + asked) * distinct)


def _best(source: Source) -> str:
    """Say in SQL: the place of the last row, by its time, then by when it was written, then by its place."""
    if source.created:
        return "max_by(place, {'t': t, 'written': coalesce(written, -(2^62)::BIGINT), 'place': place})"
    return f"(max(t::HUGEINT * {PLACES} + place) & {PLACES - 1})::BIGINT"


def _by_pairs(source: Source, written_by_then: bool) -> str:
    on = _meets(source) + " AND t <= now"
    on += f" AND t >= now - {source.ttl // TICK}" if source.ttl else ""
    on += " AND written <= now" if written_by_then and source.created else ""
    return f"SELECT n, {_best(source)} AS place FROM asked JOIN known ON {on} GROUP BY n"


def _by_asof(source: Source) -> str:
    """Join on time and place as one number, so that no two rows of a key tie."""
    keys = ", ".join(f"k{n}" for n in range(len(source.keys)))
    known = f"SELECT {keys}, t::HUGEINT * {PLACES} + place AS packed FROM known"
    asked = f"SELECT {keys}, n, now, now::HUGEINT * {PLACES} + {PLACES - 1} AS packed FROM asked"
    holds = f"packed >= (now - {source.ttl // TICK})::HUGEINT * {PLACES}" if source.ttl else "true"
    return (
        f"SELECT n, (packed & {PLACES - 1})::BIGINT AS place FROM (SELECT n, now, known.packed "
        f"FROM ({asked}) asked ASOF JOIN ({known}) known "
        f"ON {_meets(source)} AND known.packed <= asked.packed) WHERE {holds}"
    )


def _meets(source: Source) -> str:
    return " AND ".join(f"known.k{n} = asked.k{n}" for n in range(len(source.keys)))


def _told(source: Source) -> str:
    """Say in SQL: the winners' features, in the order of the asked rows, null where nothing was known."""
    # a feature may have any name, even one of ours
    columns = ", ".join(f"f.{ident(own)} AS c{n}" for n, (own, _) in enumerate(source.columns))
    names = ", ".join(f"c{n}" for n in range(len(source.columns)))
    return (
        f"SELECT {names} FROM asked LEFT JOIN (SELECT w.n, {columns} FROM winners w "
        f"JOIN {_file(source)} f ON f.file_row_number = w.place) USING (n) ORDER BY n"
    )
