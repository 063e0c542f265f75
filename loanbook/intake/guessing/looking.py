"""raw → validated: look at raw tables that nobody has described: types, keys, shapes, references."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from loanbook.intake.engine import among, ident, text
from loanbook.intake.sources import RawSource

if TYPE_CHECKING:
    import duckdb

READABLE = 0.98  # so many values must be readable as a type before it is declared
SAMPLE = 20_000  # rows by which a column's type is told
GLANCE = 500  # of them, by which most types are ruled out
NULLS = (
    "NA",
    "N/A",
    "n/a",
    "#N/A",
    "NULL",
    "null",
    "None",
    "none",
    "NaN",
    "nan",
    "-",
    "--",
    "\\N",
    "无",
    "空",
)
FORMATS = (
    "%Y/%m/%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M", "%Y%m%d", "%Y%m%d%H%M%S",
    "%Y年%m月%d日", "%d/%m/%Y", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y", "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M",
    "%d-%b-%Y", "%d-%b-%y", "%b-%Y", "%b-%y", "%m/%Y", "%Y-%m", "%Y/%m", "%Y年%m月",
)  # fmt: skip
_MOMENT = re.compile(r"date|time|_at$|_on$|_ts$|stamp|日期|时间|created|filed", re.IGNORECASE)
_FLAGS = ("true", "false", "t", "f", "yes", "no", "y", "n", "是", "否")
_SHAPES = {
    "id": r"\d{17}[\dXx]|\d{3}-\d{2}-\d{4}",
    "phone": r"1[3-9]\d{9}|\+\d[\d -]{7,14}\d|0\d{2,3}-\d{7,8}",
    "email": r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}",
    "card": r"[36]\d{15,18}|4\d{15}|[A-Z]{2}\d{2}[A-Z0-9]{11,30}",
}


@dataclass(frozen=True)
class ColumnLook:
    """What a column holds. `read` is SQL with {} for the column, where a plain cast doesn't read it.

    `kind` is empty, time, number, flag or text. Of numbers there are `low`, `median`, `high`; of times
    `first` and `last`; `either` says that day and month may be the other way round.
    """

    name: str
    kind: str
    type: str
    filled: int
    distinct: int
    read: str = ""
    format: str = ""
    either: bool = False
    shape: str = ""
    length: float = 0.0
    low: float | None = None
    median: float | None = None
    high: float | None = None
    first: datetime | None = None
    last: datetime | None = None

    @property
    def whole(self) -> bool:
        """Whether a number has no fraction."""
        return self.type in {"INTEGER", "BIGINT", "SMALLINT", "TINYINT", "HUGEINT"}


@dataclass(frozen=True)
class RawLook:
    """What a raw table holds."""

    source: RawSource
    rows: int
    columns: tuple[ColumnLook, ...]

    def column(self, name: str) -> ColumnLook:
        """Find a column, or raise KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that name each row: never null, never twice."""
        return tuple(
            column.name
            for column in self.columns
            if column.filled == column.distinct == self.rows and (column.kind == "text" or column.whole)
        )


def look(connection: duckdb.DuckDBPyConnection, source: RawSource) -> RawLook:
    """Look at one attached raw table; what stands for no value is found first."""
    given = [
        (row[0], row[1])
        for row in connection.execute(f"DESCRIBE raw.{ident(source.name)}").fetchall()
        if row[0] not in {"_file", "_row", "_broken"}
    ]
    sample = f"(FROM raw.{ident(source.name)} USING SAMPLE reservoir({SAMPLE} ROWS) REPEATABLE (7))"
    rows = connection.execute(f"SELECT count(*) FROM raw.{ident(source.name)}").fetchall()[0][0]
    connection.execute(f"CREATE OR REPLACE TEMP TABLE looked AS FROM {sample}")
    marks = _marks(connection, [name for name, kind in given if kind == "VARCHAR"])
    nulled = replace(source, null=("", *marks)) if source.format in {"csv", "xlsx"} else source
    columns = [_column(connection, nulled, name, kind) for name, kind in given]
    return RawLook(nulled, rows, tuple(_settled(columns)))


def _settled(columns: Sequence[ColumnLook]) -> list[ColumnLook]:
    """Where day and month may be either, follow the table's columns that leave no doubt."""
    sure = {column.format for column in columns if column.format and not column.either}
    return [
        _by(column, _swapped(column.format)) if column.either and _swapped(column.format) in sure else column
        for column in columns
    ]


def _by(column: ColumnLook, form: str) -> ColumnLook:
    return replace(column, read=f"try_strptime({{}}, {text(form)})", format=form, either=False)


def _swapped(form: str) -> str:
    """Give a format with day and month in each other's place."""
    return form.replace("%d", "%x").replace("%m", "%d").replace("%x", "%m")


def _marks(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> tuple[str, ...]:
    """Find what stands for no value: such a word in a column whose other values are numbers or days."""
    found: set[str] = set()
    for name in names:
        value = f"trim({ident(name)})"
        read = f"TRY_CAST({value} AS DOUBLE) IS NOT NULL OR TRY_CAST({value} AS TIMESTAMP) IS NOT NULL"
        rows = connection.execute(
            f"SELECT list(DISTINCT {value}) FILTER ({value} IN {among(NULLS)}), "
            f"count(*) FILTER ({read}), count(*) FILTER ({value} <> '' AND {value} NOT IN {among(NULLS)}) "
            "FROM looked"
        ).fetchall()
        words, readable, others = rows[0]
        if words and readable >= READABLE * others:
            found |= set(words)
    return tuple(sorted(found))


def _column(connection: duckdb.DuckDBPyConnection, source: RawSource, name: str, kind: str) -> ColumnLook:
    """Tell what one column holds, on the sample; filled and distinct are of all rows."""
    value = f"{ident(name)}::VARCHAR"
    nulls = f"CASE WHEN {value} NOT IN {among(source.null)} THEN {value} END"
    filled, distinct = connection.execute(
        f"SELECT count(v), count(DISTINCT v) FROM (SELECT {nulls} AS v FROM raw.{ident(source.name)})"
    ).fetchall()[0]
    blank = ColumnLook(name, "empty", "VARCHAR", filled, distinct)
    if not filled:
        return blank
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE one AS SELECT {nulls} AS v FROM looked WHERE v IS NOT NULL"
    )
    if kind != "VARCHAR":
        return _ranged(connection, _native(blank, kind))
    return _ranged(connection, _textual(connection, blank))


def _native(blank: ColumnLook, kind: str) -> ColumnLook:
    """Take the type that a Parquet file or a database states."""
    if kind.startswith(("DATE", "TIMESTAMP")):
        return replace(blank, kind="time", type="DATE" if kind == "DATE" else "TIMESTAMP")
    if kind == "BOOLEAN":
        return replace(blank, kind="flag", type=kind)
    number = re.fullmatch(r"(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER)|DOUBLE|FLOAT|DECIMAL\(.*\)", kind)
    if number:
        return replace(blank, kind="number", type="BIGINT" if number[1] else "DOUBLE")
    return replace(blank, kind="text")


def _textual(connection: duckdb.DuckDBPyConnection, blank: ColumnLook) -> ColumnLook:
    """Tell of texts whether they are times, numbers or flags."""
    shapes = {name: f"regexp_full_match(trim(v), {text(shape)})" for name, shape in _SHAPES.items()}
    tests = {
        "moment": "TRY_CAST(v AS TIMESTAMP) IS NOT NULL",
        "whole": "TRY_CAST(v AS BIGINT) IS NOT NULL AND NOT regexp_matches(v, '[.eE]')",
        "number": "isfinite(TRY_CAST(v AS DOUBLE))",
        "padded": "regexp_full_match(v, '0\\d+')",
        "flag": f"lower(v) IN {among(_FLAGS)}",
        "comma": r"regexp_full_match(v, '-?\d{1,3}(\.\d{3})*,\d{1,2}|-?\d+,\d{1,2}')",
        "thousands": r"regexp_full_match(v, '[¥￥$€£]?\s?-?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?')",
        "percent": r"regexp_full_match(v, '-?\d+([.,]\d+)?\s?%')",
        "seconds": "TRY_CAST(v AS BIGINT) BETWEEN 300000000 AND 2200000000",
        "milliseconds": "TRY_CAST(v AS BIGINT) BETWEEN 300000000000 AND 2200000000000",
        **shapes,
        **{f"as {form}": f"year(try_strptime(v, {text(form)})) BETWEEN 1900 AND 2100" for form in FORMATS},
    }
    total, length, found = _passed(connection, tests)

    def mostly(test: str) -> bool:
        return found.get(test, 0) >= READABLE * total

    shape = next((name for name in shapes if found.get(name, 0) >= 0.8 * total), "")
    seen = replace(blank, shape=shape, length=float(length))
    forms = [form for form in FORMATS if mostly(f"as {form}")]
    if shape or (mostly("whole") and found.get("padded", 0) > 0.02 * total and not forms):
        return replace(seen, kind="text")
    if mostly("moment") or (forms and not mostly("number")) or (forms and _MOMENT.search(blank.name)):
        return _time(seen, "" if mostly("moment") else forms[0], forms)
    if mostly("whole") and _MOMENT.search(blank.name):
        for test, scale in (("seconds", 1_000_000), ("milliseconds", 1000)):
            if mostly(test):
                read = f"make_timestamp(TRY_CAST({{}} AS BIGINT) * {scale})"
                return replace(seen, kind="time", read=read, format=f"epoch {test}")
    if mostly("number"):
        return replace(seen, kind="number", type="BIGINT" if mostly("whole") else "DOUBLE")
    for test, read in _SPELT.items():
        if mostly(test):
            return replace(seen, kind="number", read=read, format=test)
    return replace(seen, kind="flag" if mostly("flag") else "text")


def _passed(
    connection: duckdb.DuckDBPyConnection, tests: Mapping[str, str]
) -> tuple[int, float, dict[str, int]]:
    """Count the values, their mean length, and how many pass each test that a glance doesn't rule out."""
    glanced = _counts(connection, tests, f"(FROM one LIMIT {GLANCE})")
    worth = {name: tests[name] for name in tests if glanced[name] >= 0.02 * glanced[""]}
    found = _counts(connection, worth, "one")
    length = connection.execute("SELECT avg(length(v)) FROM one").fetchall()[0][0]
    return found[""], float(length), found


def _counts(connection: duckdb.DuckDBPyConnection, tests: Mapping[str, str], of: str) -> dict[str, int]:
    counts = ", ".join(["count(*)", *(f"count(*) FILTER ({test})" for test in tests.values())])
    row = connection.execute(f"SELECT {counts} FROM {of}").fetchall()[0]
    return dict(zip(["", *tests], row, strict=True))


_SPELT = {
    "comma": "TRY_CAST(replace(replace({}, '.', ''), ',', '.') AS DECIMAL(18,2))",
    "thousands": "TRY_CAST(regexp_replace({}, '[¥￥$€£,\\s]', '', 'g') AS DECIMAL(18,2))",
    "percent": "TRY_CAST(replace(rtrim({}, ' %'), ',', '.') AS DOUBLE) / 100",
}


def _time(seen: ColumnLook, form: str, forms: Sequence[str]) -> ColumnLook:
    """Read a time by its format; of two that fit, the day stands first, and that is told."""
    swapped = _swapped(form)
    if not form:
        return replace(seen, kind="time", type="TIMESTAMP")
    return replace(
        seen,
        kind="time",
        read=f"try_strptime({{}}, {text(form)})",
        format=form,
        either=swapped != form and swapped in forms,
    )


def _ranged(connection: duckdb.DuckDBPyConnection, seen: ColumnLook) -> ColumnLook:
    """Add the range of numbers and times."""
    if seen.kind not in {"number", "time"}:
        return seen
    cast = "DOUBLE" if seen.kind == "number" else "TIMESTAMP"
    value = f"({seen.read.format('v')})::{cast}" if seen.read else f"TRY_CAST(v AS {cast})"
    low, median, high = connection.execute(
        f"SELECT min(x), quantile_disc(x, 0.5), max(x) FROM (SELECT {value} AS x FROM one)"
    ).fetchall()[0]
    if seen.kind == "number":
        return replace(seen, low=low, median=median, high=high)
    return replace(seen, first=low, last=high)
