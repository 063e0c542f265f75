"""raw and features → refused: which columns of ours would be others, were a raw column empty."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from loanbook.intake.engine import ident
from loanbook.leaks.findings import Finding, Kind, names_a_row
from loanbook.leaks.readings import Reading, Relation

# A table whose rows come later than this after the raw row's own day tells what came later, and says so.
EARLY_DAYS = {"repayments": 0, "recoveries": 0}
OTHERWISE = 31
Marks = dict[str, tuple[object, ...]]


def traced(
    reading: Reading, relations: Iterable[Relation], findings: Iterable[Finding]
) -> tuple[Finding, ...]:
    """Add to each finding of a raw column what is made of it, and drop those of a column made of another.

    A mapping is run twice, with the column and without. What it gives only in rows that become known later
    than the raw row itself, as a ledger's, uses the column rightly. A key may be ordered as it likes.
    """
    findings = tuple(findings)
    made = {one.column: one for one in findings}
    for relation in relations:
        if relation.is_raw:
            mine = [name for name, _ in relation.columns if relation.full(name) in made]
            for column, used in _used(reading, relation, mine).items():
                one = made[relation.full(column)]
                rest = [name for name in used if not (one.kind is Kind.ORDERED and names_a_row(name))]
                made[one.column] = replace(one, used_by=tuple(rest))
                for name in used:
                    made.pop(name, None)
    return tuple(made.values())


def _used(reading: Reading, relation: Relation, columns: list[str]) -> dict[str, tuple[str, ...]]:
    source = relation.name.removeprefix("raw.")
    tables = [
        name for name in reading.tables if reading.reads(name, source) and _early(reading, relation, name)
    ]
    if not columns or not tables:
        return {}
    before = _marks(reading, tables)
    kept = f"whole_{source}"
    kind = "VIEW" if _is_view(reading, source) else "TABLE"
    reading.connection.execute(f"ALTER {kind} raw.{ident(source)} RENAME TO {ident(kept)}")
    try:
        if not _changed(before, _without(reading, relation, kept, columns, tables)):
            return {}
        return {
            column: found
            for column in columns
            if (found := _changed(before, _without(reading, relation, kept, [column], tables)))
        }
    finally:
        reading.connection.execute(f"DROP VIEW IF EXISTS raw.{ident(source)}")
        reading.connection.execute(f"ALTER {kind} raw.{ident(kept)} RENAME TO {ident(source)}")


def _without(reading: Reading, relation: Relation, kept: str, columns: list[str], tables: list[str]) -> Marks:
    kinds = dict(relation.columns)
    empty = ", ".join(f"NULL::{kinds[name]} AS {ident(name)}" for name in columns)
    reading.connection.execute(
        f"CREATE OR REPLACE VIEW {relation.source} AS SELECT * REPLACE ({empty}) FROM raw.{ident(kept)}"
    )
    return _marks(reading, tables)


def _marks(reading: Reading, tables: list[str]) -> Marks:
    """Mark each column of each table by what it holds, in whatever order its rows come."""
    marks: Marks = {}
    for table in tables:
        names = [name for name, _ in reading.columns(f"mapped_{table}")]
        row = reading.rows(
            "SELECT count(*), "
            + ", ".join(f"sum(hash(_file, _row, {ident(name)})::HUGEINT)" for name in names)
            + f" FROM mapped_{table}"
        )[0]
        marks |= {f"{table}.{name}": (row[0], mark) for name, mark in zip(names, row[1:], strict=True)}
    return marks


def _changed(before: Marks, after: Marks) -> tuple[str, ...]:
    return tuple(name for name, mark in before.items() if after[name] != mark)


def _early(reading: Reading, relation: Relation, table: str) -> bool:
    """Tell whether a table's rows are known as soon as the raw row they come from."""
    if table == relation.table:
        return True
    days = EARLY_DAYS.get(table, OTHERWISE)
    early = reading.rows(
        f"SELECT avg((t.available_at <= s.available_at + INTERVAL {days} DAYS)::INTEGER) "
        f"FROM {table} AS t JOIN {relation.table} AS s USING (_file, _row)"
    )[0][0]
    return early is not None and early > 0.5


def _is_view(reading: Reading, source: str) -> bool:
    found = reading.rows(f"SELECT 1 FROM duckdb_views() WHERE schema_name = 'raw' AND view_name = '{source}'")
    return bool(found)
