"""raw → validated: one pass of DuckDB over a table that finds every broken row, and what both judges see."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from loanbook.errors import DatasetError
from loanbook.intake.engine import ident, text, texts
from loanbook.intake.judging import measures, supplied
from loanbook.intake.judging.rules import Rule, Suite
from loanbook.intake.mapping import Dataset
from loanbook.intake.readings import Reading, Snapshot
from loanbook.schema import REFERENCES, TABLES, Table

if TYPE_CHECKING:
    import duckdb

UNIQUE = "_unique"
# these say nothing of a column that is null throughout
_DEMANDING = ("not_be_null", measures.SPREAD)


def columns_of(suite: Suite, rules: Iterable[Rule]) -> set[str]:
    """Name the columns that rules speak of, and those that their derived columns are made from."""
    wanted = {name for rule in rules for name in rule.columns}
    for name in wanted & set(suite.derived):
        wanted |= set(re.findall(r"[a-z_][a-z0-9_]*", suite.derived[name]))
    return wanted


def lately(connection: duckdb.DuckDBPyConnection, reading: Reading, suite: Suite) -> str:
    """Write the condition that tells a table's newest rows from those to compare them with."""
    if all("_lately" not in rule.columns for rule in suite.rules):
        return "NULL::BOOLEAN"
    found = connection.execute(supplied.past(rows_of(reading, suite.table))).fetchall()
    return supplied.lately(*found[0])


def judged(
    dataset: Dataset, reading: Reading, suite: Suite, wanted: Collection[str], lately: str = "NULL::BOOLEAN"
) -> str:
    """Write the relation that rules judge: a snapshot's rows and, as far as wanted, what is added to them."""
    table = TABLES[suite.table]
    key = ident(table.key)
    added = [*_plain(dataset, reading, suite, wanted, lately), *_derived(suite, wanted)]
    joins: list[str] = []
    for column, parent in _references(suite):
        columns, joined = _from_parent(reading, column, parent, wanted)
        added, joins = [*columns, *added], [*joins, *joined]
    if "_first_of_key" in wanted:
        # a later batch may bring a key again: that corrects; the same batch may not
        first = (
            f"SELECT {key} AS _key, _batch AS _came, min(_at) AS _first FROM {rows_of(reading, suite.table)} "
            f"GROUP BY ALL HAVING count(*) > 1"
        )
        joins.append(f"LEFT JOIN ({first}) ON own.{key} = _key AND own._batch = _came")
        added.append("coalesce(_at = _first, true) AS _first_of_key")
    rows = f"(SELECT {_clean(table)} FROM {rows_of(reading, suite.table)})"
    for column, _ in _references(suite):
        if f"_first_of_{column}" in wanted:
            joins.append(_sooner(rows, key, column))
            added.append(f"coalesce(own.{key} = _first_{column}, true) AS _first_of_{column}")
    for rule in suite.rules:
        if rule.expectation.endswith(UNIQUE) and rule.columns[0] in wanted:
            column = ident(rule.columns[0])
            added.append(
                f"count(*) OVER (PARTITION BY {column}, _batch) AS {ident(rule.columns[0] + '__times')}"
            )
    return f"SELECT own.*{''.join(', ' + each for each in added)} FROM {rows} AS own {' '.join(joins)}"


def rows_of(reading: Reading, table: str) -> str:
    """Write the relation of a snapshot's rows with their place in it, `_at`."""
    return standing(reading, table).relation


def applying(suite: Suite, snapshot: Snapshot) -> tuple[Rule, ...]:
    """Leave out the rules that demand a value in a column which the dataset doesn't give at all."""
    missing = set(snapshot.missing_columns)
    return tuple(
        rule
        for rule in suite.rules
        if not (rule.expectation.endswith(_DEMANDING) and missing & {*rule.columns})
    )


def find(
    connection: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    reading: Reading,
    suite: Suite,
    sample: str = "false",
    lately: str = "NULL::BOOLEAN",
) -> tuple[Rule, ...]:
    """Fill the table `seen` in one pass; return the rules that applied.

    It holds every broken row and those of the sample (a condition on `_at`): `_at`, `_rules` that it breaks,
    `_held`, `_sampled`, and for the sample the columns that rules speak of.
    """
    rules = applying(suite, standing(reading, suite.table))
    rowwise = {rule.id: rule.broken for rule in rules if rule.broken is not None}
    quarantining = [rule.id for rule in rules if rule.broken is not None and rule.action == "quarantine"]
    flags = ", ".join(f"CASE WHEN {broken} THEN {text(name)} END" for name, broken in rowwise.items())
    anything = " OR ".join(f"({broken})" for broken in rowwise.values()) or "false"
    wanted = columns_of(suite, rules)
    shown = sorted({name for rule in rules for name in rule.columns} - {"_held"})
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE seen AS SELECT _at, {', '.join(map(ident, [*shown]))}, "
        f"list_filter([{flags}], lambda rule: rule IS NOT NULL)::VARCHAR[] AS _rules, "
        f"list_has_any(_rules, {texts(tuple(quarantining))}::VARCHAR[])::DOUBLE AS _held, "
        f"coalesce({sample}, false) AS _sampled "
        f"FROM ({judged(dataset, reading, suite, wanted, lately)}) WHERE {anything} OR {sample}"
    )
    return rules


def standing(reading: Reading, table: str) -> Snapshot:
    """Find a table's snapshot, or raise DatasetError."""
    snapshot = reading.snapshot(table)
    if snapshot is None:
        raise DatasetError(f"the dataset doesn't fill {table}", where=reading.dataset)
    return snapshot


def _references(suite: Suite) -> tuple[tuple[str, str], ...]:
    return REFERENCES.get(suite.table, ())


def _clean(table: Table) -> str:
    """Take every column, and what is no number (NaN) as no value."""
    replaced = [
        f"nullif({ident(each.name)}, 'NaN'::DOUBLE) AS {ident(each.name)}"
        for each in table.columns
        if each.type == "DOUBLE"
    ]
    return f"* REPLACE ({', '.join(replaced)})" if replaced else "*"


def _plain(
    dataset: Dataset, reading: Reading, suite: Suite, wanted: Collection[str], lately: str
) -> list[str]:
    """Write the supplied columns that a row alone can tell."""
    as_of = f"TIMESTAMP {text(reading.as_of.isoformat(sep=' '))}"
    made = {
        "_readable": "_broken IS NULL",
        "_place_inside": _inside(dataset),
        "_age_days": f"CASE WHEN available_at <= {as_of} "
        f"THEN date_diff('second', available_at, {as_of})::DOUBLE / 86400 END",
        "_month": supplied.MONTH,
        "_lately": lately,
    }
    known = supplied.columns(suite.table)
    return [f"{sql} AS {name}" for name, sql in made.items() if name in wanted and name in known]


def _derived(suite: Suite, wanted: Collection[str]) -> list[str]:
    """Write the derived columns; a number that is none (NaN) is no value."""
    return [
        (f"nullif({sql}, 'NaN'::DOUBLE)" if suite.types[name] == "DOUBLE" else sql) + f" AS {ident(name)}"
        for name, sql in suite.derived.items()
        if name in wanted
    ]


def _sooner(rows: str, key: str, column: str) -> str:
    """Join, where several rows share a reference, the key of the one that was known first."""
    order = "(available_at, _at)"
    return (
        f"LEFT JOIN (SELECT {ident(column)} AS _{column}, arg_min({key}, {order}) AS _first_{column} "
        f"FROM {rows} WHERE {key} IS NOT NULL AND {ident(column)} IS NOT NULL GROUP BY ALL "
        f"HAVING min({key}) <> max({key})) ON own.{ident(column)} = _{column}"
    )


def _known(reading: Reading, column: str, parent: str) -> str:
    """Look a reference up among all keys delivered; null where there is none, or no parent table."""
    name, snapshot = ident(f"{column}__known"), reading.snapshot(parent)
    if snapshot is None:
        return f"NULL::BOOLEAN AS {name}"
    key = ident(TABLES[parent].key)
    keys = f"SELECT {key} FROM {snapshot.relation} WHERE {key} IS NOT NULL"
    return f"CASE WHEN own.{ident(column)} IS NOT NULL THEN own.{ident(column)} IN ({keys}) END AS {name}"


def _from_parent(
    reading: Reading, column: str, parent: str, wanted: Collection[str]
) -> tuple[list[str], list[str]]:
    """Write what is added of a reference's row, and its join; nulls where no parent was delivered."""
    asked = [each.name for each in TABLES[parent].columns if f"{column}__{each.name}" in wanted]
    known = [_known(reading, column, parent)] if f"{column}__known" in wanted else []
    if not asked:
        return known, []
    if reading.snapshot(parent) is None:
        types = {each.name: each.type for each in TABLES[parent].columns}
        return [*known, *(f"NULL::{types[name]} AS {ident(f'{column}__{name}')}" for name in asked)], []
    key, alias = ident(TABLES[parent].key), f"_of_{column}"
    packed = ", ".join(f"{ident(name)} := {ident(name)}" for name in asked)
    # of one key the latest batch counts, and in it the first row
    order = f"_at - coalesce(_batch, 0) * {1 << 40}"
    rows = (
        f"SELECT {key} AS _parent, arg_min(struct_pack({packed}), {order}) AS {alias} "
        f"FROM {rows_of(reading, parent)} WHERE {key} IS NOT NULL GROUP BY ALL"
    )
    given = [f"{alias}.{ident(name)} AS {ident(f'{column}__{name}')}" for name in asked]
    return [*known, *given], [
        f"LEFT JOIN ({rows}) AS _rows{alias} ON own.{ident(column)} = _rows{alias}._parent"
    ]


def _inside(dataset: Dataset) -> str:
    """Tell whether a place lies where the dataset's customers live; null where either is unknown."""
    if dataset.place is None:
        return "NULL::BOOLEAN"
    (south, north), (west, east) = dataset.place.lat, dataset.place.lon
    return f"lat BETWEEN {south!r} AND {north!r} AND lon BETWEEN {west!r} AND {east!r}"
