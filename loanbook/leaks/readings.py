"""raw and features → refused: one reading of a dataset, its rows beside what became of each application."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanbook import lake
from loanbook.errors import MappingError
from loanbook.intake import engine, raw, relations
from loanbook.intake.engine import ident, text
from loanbook.intake.mapping import Dataset
from loanbook.intake.relations import Delivery
from loanbook.leaks import telling
from loanbook.schema import APPLICATION, TABLES, Column, Label, Line
from loanbook.settings import Settings
from loanbook.training import labels

if TYPE_CHECKING:
    import duckdb

# A raw row is judged as what it is first here; a month of the market is nobody's.
ORDER = (
    "applications", "loans", "customers", "vehicles", "bureau_reports",
    "contacts", "links", "transactions", "repayments", "recoveries", "cases",
    "limits", "statements",
)  # fmt: skip
ONE_EACH = frozenset({"applications", "loans", "customers", "vehicles"})
KEPT = frozenset(
    {"event_at", "available_at", "customer_id", "application_id", "vehicle_id", "loan_id", "product"}
    | {"observed_from", "term_months", "days_past_due", "balance"}
)
LEDGER = ("applications", "loans", "repayments")
SANE = "available_at BETWEEN TIMESTAMP '1900-01-01' AND TIMESTAMP '2100-01-01'"
PLACE = ("_file", "_row", "_broken")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
Columns = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Relation:
    """Columns to be judged, of a raw source or of a canonical table; `table` says what a row of it is."""

    name: str
    source: str
    table: str
    columns: Columns

    @property
    def is_raw(self) -> bool:
        """Tell whether it is as delivered, and not as mapped."""
        return self.name.startswith("raw.")

    def full(self, column: str) -> str:
        """Name a column wherever it may be read about."""
        return f"{self.name}.{column}"


@dataclass(frozen=True)
class Reading:
    """A dataset's files as they lie in one folder, attached; tables of ours are relations of their names."""

    connection: duckdb.DuckDBPyConnection
    dataset: Dataset
    deliveries: tuple[Delivery, ...]
    tables: tuple[str, ...]
    as_of: datetime
    scratch: Path

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query and give its rows."""
        return self.connection.execute(sql).fetchall()

    def columns(self, relation: str) -> Columns:
        """Give a relation's columns and types, but for where a row lay."""
        described = self.rows(f"DESCRIBE SELECT * FROM {relation}")
        return tuple((str(row[0]), str(row[1])) for row in described if row[0] not in PLACE)

    def reads(self, table: str, source: str) -> bool:
        """Tell whether a table's mapping speaks of a raw source."""
        sql = _COMMENT.sub(" ", self.dataset.tables[table])
        return bool(re.search(rf'\braw\s*\.\s*"?{source}\b', sql, re.IGNORECASE))


@contextmanager
def opened(settings: Settings, dataset: Dataset, data: Path) -> Iterator[Reading]:
    """Attach a folder's raw files and map them; nothing is kept."""
    deliveries = raw.survey(dataset, data)
    with lake.connect(settings) as connection, tempfile.TemporaryDirectory() as scratch:
        relations.attach(connection, dataset, deliveries)
        wanted = tuple(name for name in TABLES if name in dataset.tables)
        for name in wanted:
            _map(connection, dataset, name)
        for name in set(LEDGER) - set(wanted):
            columns = ", ".join(
                f"NULL::{one.type} AS {one.name}" for one in TABLES[name].columns if one.name in KEPT
            )
            connection.execute(f"CREATE VIEW {name} AS SELECT {columns} WHERE false")
        day = dataset.as_of or _latest(connection, wanted)
        yield Reading(connection, dataset, deliveries, wanted, day, Path(scratch))


@dataclass(frozen=True)
class Outcomes:
    """How many outcomes are ripe, and whether bads and goods suffice to judge a column by them."""

    ripe: int
    enough: bool


def judge(reading: Reading, lines: Sequence[Line]) -> Outcomes:
    """Make `judged`: every application whose outcome is ripe, by the label of the line that decides on it.

    `bad` is the label's outcome, `ever` whether the loan was that late at any time before the reading: a
    column that is filled in later knows nothing of windows. `ended` is whether it was over within the window
    though its term runs on, else null: who knows that knows what came later, good or bad.
    """
    of_applications = [line for line in lines if line.grain == APPLICATION]
    reading.connection.execute(
        f"CREATE TABLE judged AS SELECT *, hash(customer_id) % 2 = 0 AS half "
        f"FROM ({' UNION ALL '.join(f'({_judged(line, reading.as_of)})' for line in of_applications)})"
    )
    for table in ORDER:
        if table in reading.tables:
            reading.connection.execute(f"CREATE TABLE linked_{table} AS {_linked(table)}")
    counts = reading.rows("SELECT count(*) FROM judged GROUP BY ever, half")
    fewest = min((count for (count,) in counts), default=0)
    return Outcomes(sum(count for (count,) in counts), len(counts) == 4 and fewest >= telling.FEWEST)


def found(reading: Reading) -> tuple[Relation, ...]:
    """Give every raw source and canonical table whose rows belong to applications."""
    sources = {delivery.file: delivery.source for delivery in reading.deliveries}
    made: dict[str, Relation] = {}
    for table in ORDER:
        if table not in reading.tables:
            continue
        files = reading.rows(f"SELECT DISTINCT _file FROM linked_{table} WHERE _file IS NOT NULL")
        for source in sorted({sources[file] for (file,) in files if file in sources}):
            name = f"raw.{source}"
            if name not in made:
                made[name] = Relation(name, f"raw.{ident(source)}", table, reading.columns(f"raw.{source}"))
        if reading.rows(f"SELECT 1 FROM linked_{table} LIMIT 1"):
            made[table] = Relation(table, f"mapped_{table}", table, reading.columns(f"mapped_{table}"))
    return tuple(made.values())


def joined(relation: Relation) -> str:
    """Write what joins a relation `r` to a table `t` that holds key, _file and _row of its rows."""
    place = "r._file = t._file AND r._row = t._row"
    if relation.is_raw:
        return place
    return f"r.{ident(TABLES[relation.table].key)} = t.key AND {place}"


def _map(connection: duckdb.DuckDBPyConnection, dataset: Dataset, name: str) -> None:
    """Make `mapped_<table>`, as its SQL gives it, and `<table>` with keys and clocks in our types."""
    table, where = TABLES[name], dataset.folder / f"{name}.sql"
    with engine.guarded(where, MappingError, "the mapping fails", "Mend its SQL"):
        connection.execute(f"CREATE TABLE given_{name} AS FROM (DESCRIBE {dataset.tables[name]})")
        rows = connection.execute(f"SELECT column_name, column_type FROM given_{name}").fetchall()
        given = {row[0]: row[1] for row in rows}
        absent = [f"NULL AS {one}" for one in ("_file", "_row") if one not in given]
        more = f", {', '.join(absent)}" if absent else ""
        connection.execute(f"CREATE VIEW mapped_{name} AS SELECT *{more} FROM ({dataset.tables[name]})")
    values = [
        f"{_typed(one, given)} AS {ident(one.name)}"
        for one in table.columns
        if one.name in KEPT or one.name == table.key
    ]
    query = (
        f"SELECT {', '.join(values)}, _file, _row FROM mapped_{name} "
        f"WHERE {ident(table.key)} IS NOT NULL AND {SANE}"
    )
    if name in ONE_EACH:
        query += f" QUALIFY row_number() OVER (PARTITION BY {table.key} ORDER BY _file, _row) = 1"
        connection.execute(f"CREATE TABLE {name} AS {query}")
    else:
        connection.execute(f"CREATE VIEW {name} AS {query}")


def _typed(column: Column, given: Mapping[str, str]) -> str:
    if column.name not in given:
        return f"NULL::{column.type}"
    return engine.cast(column.name, given[column.name], column.type).value


def _judged(line: Line, as_of: datetime) -> str:
    label, product = line.label, line.product
    assert isinstance(label, Label), line.name
    assert product is not None, line.name
    late = f"r.days_past_due >= {label.days_past_due} AND r.available_at <= TIMESTAMP '{as_of}'"
    return f"""
    WITH told AS ({labels.outcomes_sql(line, as_of=as_of)}),
    ledger AS (
        SELECT
            loan_id,
            coalesce(bool_or({late}), false) AS late,
            min(r.event_at) FILTER (r.balance <= 0) AS closed_at
        FROM repayments AS r GROUP BY loan_id
    )
    SELECT
        o.application_id, o.customer_id, o.vehicle_id, o.decided_at, {text(product)} AS product,
        o.outcome = 'bad' AS bad,
        o.outcome = 'bad' OR coalesce(w.late, false) AS ever,
        CASE
            WHEN l.event_at + to_days(ceil(l.term_months * 30.4375)::INTEGER)
                > o.window_end + INTERVAL 31 DAYS
                THEN coalesce(w.closed_at <= o.window_end, false)
        END AS ended
    FROM told AS o JOIN loans AS l USING (loan_id) LEFT JOIN ledger AS w USING (loan_id)
    WHERE o.outcome IN ('bad', 'good')
    """


def _linked(table: str) -> str:
    """Write the query for one row of a table per application, as it stood when that was decided.

    A loan is its application's own, though it comes a few days later. A row that several applications
    share stands beside the first.
    """
    key, rows = TABLES[table].key, table
    if table in ("applications", "loans"):
        by = "JOIN {rows} AS t ON j.application_id = t.application_id"
    elif table == "vehicles":
        by = "ASOF JOIN {rows} AS t ON j.vehicle_id = t.vehicle_id AND j.decided_at >= t.available_at"
    else:
        by = "ASOF JOIN {rows} AS t ON j.customer_id = t.customer_id AND j.decided_at >= t.available_at"
        if table in ("repayments", "recoveries"):
            rows = f"(SELECT r.*, l.customer_id FROM {table} AS r JOIN loans AS l USING (loan_id))"
    return (
        f"SELECT j.application_id, j.bad, j.ever, j.ended, j.half, j.product, t.{key} AS key, "
        f"t.event_at, t.available_at, "
        f"t._file, t._row FROM judged AS j {by.format(rows=rows)} "
        f"QUALIFY row_number() OVER (PARTITION BY t.{key} ORDER BY j.decided_at, j.application_id) = 1"
    )


def _latest(connection: duckdb.DuckDBPyConnection, tables: Sequence[str]) -> datetime:
    parts = " UNION ALL ".join(f"SELECT max(available_at) AS day FROM {name}" for name in tables)
    day = connection.execute(f"SELECT max(day) FROM ({parts})").fetchall()[0][0]
    if not isinstance(day, datetime):
        raise MappingError("no row says when it could be known", right="Fill available_at")
    return day
