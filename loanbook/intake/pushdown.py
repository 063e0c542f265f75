"""raw → validated: say each rule in SQL, so that one pass over a table finds every broken row."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from loanbook.errors import DatasetError
from loanbook.intake.engine import ident, text
from loanbook.intake.mapping import Dataset
from loanbook.intake.readings import Reading, Snapshot
from loanbook.intake.rules import Rule, Suite
from loanbook.schema import REFERENCES, TABLES

if TYPE_CHECKING:
    import duckdb

Kwargs = Mapping[str, Any]
MEAN, ROWS = "expect_column_mean_to_be_between", "expect_table_row_count_to_be_between"
# where Python's and RE2's regular expressions differ, and the groups that pandas warns of
_DIALECT = re.compile(r"\\[dDwWsSbBAZz1-9pPN]|(?<!\\)\((?!\?:)")


def supplied(table: str) -> tuple[str, ...]:
    """Name the columns that intake adds to a table for its rules."""
    known = tuple(f"{column}__known" for column, _ in REFERENCES.get(table, ()))
    inside = ("_place_inside",) if {"lat", "lon"} <= set(TABLES[table].names) else ()
    return ("_readable", "_first_of_key", "_held", *known, *inside)


def judged(dataset: Dataset, reading: Reading, suite: Suite) -> str:
    """Write the relation that rules judge: a snapshot's rows, the derived and the supplied columns, `_at`."""
    table = TABLES[suite.table]
    snapshot = standing(reading, suite.table)
    key = ident(table.key)
    added = [f"{sql} AS {ident(name)}" for name, sql in suite.derived.items()]
    added.append("_broken IS NULL AS _readable")
    added.append("coalesce(_at = _first, true) AS _first_of_key")
    added += [_known(reading, column, parent) for column, parent in REFERENCES.get(suite.table, ())]
    if "_place_inside" in supplied(suite.table):
        added.append(f"{_inside(dataset)} AS _place_inside")
    for column in sorted({rule.columns[0] for rule in suite.rules if rule.expectation.endswith("_unique")}):
        added.append(f"count(*) OVER (PARTITION BY {ident(column)}, _batch) AS {ident(column + '__times')}")
    # a later batch may bring a key again: that corrects; the same batch may not
    first = (
        f"SELECT {key} AS _key, _batch AS _came, min(_at) AS _first FROM {snapshot.relation} "
        f"GROUP BY ALL HAVING count(*) > 1"
    )
    rows = rows_of(reading, suite.table)
    return f"SELECT *, {', '.join(added)} FROM {rows} LEFT JOIN ({first}) ON {key} = _key AND _batch = _came"


def rows_of(reading: Reading, table: str) -> str:
    """Write the relation of a snapshot's rows with their place in it, `_at`."""
    return standing(reading, table).relation


def applying(suite: Suite, snapshot: Snapshot) -> tuple[Rule, ...]:
    """Leave out the rules that demand a value in a column which the dataset doesn't give at all."""
    missing = set(snapshot.missing_columns)
    return tuple(
        rule
        for rule in suite.rules
        if not (rule.expectation.endswith("not_be_null") and missing & {*rule.columns})
    )


def find(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, reading: Reading, suite: Suite
) -> tuple[Rule, ...]:
    """Fill the table `breaches` (_at, rules, held) with every broken row; return the rules that applied."""
    rules = applying(suite, standing(reading, suite.table))
    rowwise = {rule.id: rule.broken for rule in rules if rule.broken is not None}
    quarantining = [rule.id for rule in rules if rule.broken is not None and rule.action == "quarantine"]
    flags = ", ".join(f"CASE WHEN {broken} THEN {text(name)} END" for name, broken in rowwise.items())
    held = ", ".join(text(name) for name in quarantining)
    anything = " OR ".join(f"({broken})" for broken in rowwise.values())
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE breaches AS SELECT _at, "
        f"list_filter([{flags}], lambda rule: rule IS NOT NULL)::VARCHAR[] AS rules, "
        f"list_has_any(rules, [{held}]::VARCHAR[]) AS held "
        f"FROM ({judged(dataset, reading, suite)}) WHERE {anything}"
    )
    return rules


def condition(expectation: str, kwargs: Kwargs, where: str) -> str | None:
    """Say an expectation's break in SQL, None if it judges a whole table, or raise DatasetError."""
    if expectation not in SAID:
        raise DatasetError(
            f"{expectation} can't be pushed down into DuckDB",
            where=where,
            right=f"Use one of {', '.join(SAID)}",
        )
    allowed, say = SAID[expectation]
    given = {name: value for name, value in kwargs.items() if (name, value) != ("mostly", 1)}
    if strangers := sorted(set(given) - allowed):
        raise DatasetError(
            f"{expectation} with {strangers[0]} can't be pushed down",
            where=where,
            right=f"Use {', '.join(allowed)}",
        )
    try:
        return say(given) if say else None
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{expectation} can't be pushed down: {error}", where=where) from error


def standing(reading: Reading, table: str) -> Snapshot:
    """Find a table's snapshot, or raise DatasetError."""
    snapshot = reading.snapshot(table)
    if snapshot is None:
        raise DatasetError(f"the dataset doesn't fill {table}", where=reading.dataset)
    return snapshot


def _known(reading: Reading, column: str, parent: str) -> str:
    """Look a reference up among all keys delivered; null where there is none, or no parent table."""
    name, snapshot = ident(f"{column}__known"), reading.snapshot(parent)
    if snapshot is None:
        return f"NULL::BOOLEAN AS {name}"
    key = ident(TABLES[parent].key)
    keys = f"SELECT {key} FROM {snapshot.relation} WHERE {key} IS NOT NULL"
    return f"CASE WHEN {ident(column)} IS NOT NULL THEN {ident(column)} IN ({keys}) END AS {name}"


def _inside(dataset: Dataset) -> str:
    """Tell whether a place lies where the dataset's customers live; null where either is unknown."""
    if dataset.place is None:
        return "NULL::BOOLEAN"
    (south, north), (west, east) = dataset.place.lat, dataset.place.lon
    return f"lat BETWEEN {south!r} AND {north!r} AND lon BETWEEN {west!r} AND {east!r}"


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{value!r} is no number")
    return f"{float(value)!r}::DOUBLE"


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return text(value) if isinstance(value, str) else _number(value)


def _limits(measure: str, given: Kwargs) -> str:
    """Say that a measure lies outside its limits."""
    parts = []
    if given.get("min_value") is not None:
        parts.append(f"{measure} {'<=' if given.get('strict_min') else '<'} {_number(given['min_value'])}")
    if given.get("max_value") is not None:
        parts.append(f"{measure} {'>=' if given.get('strict_max') else '>'} {_number(given['max_value'])}")
    if not parts:
        raise ValueError("it has neither min_value nor max_value")
    return " OR ".join(parts)


def _regex(given: Kwargs) -> str:
    """Rewrite a regular expression so that RE2 and Python mean the same; refuse where they can't."""
    pattern = str(given["regex"])
    if stray := _DIALECT.search(pattern):
        raise ValueError(
            f"{stray[0]} means other things in Python and in DuckDB; write characters out, groups as (?:…)"
        )
    # Python's $ also stands before a last line feed
    return re.sub(r"(?<!\\)\$(?![^\[]*\])", r"\\n?\\z", pattern)


def _matches(given: Kwargs) -> str:
    return f"regexp_matches({ident(given['column'])}, {text(_regex(given))})"


def _is_in(given: Kwargs) -> str:
    values = ", ".join(_literal(value) for value in given["value_set"])
    column = ident(given["column"])
    number = not all(isinstance(value, (bool, str)) for value in given["value_set"])
    return f"{f'{column}::DOUBLE' if number else column} NOT IN ({values})"


def _pair(given: Kwargs) -> str:
    """Compare two columns of a row. A row that lacks either is passed over, and must be said to be."""
    if given.get("ignore_row_if") != "either_value_is_missing":
        raise ValueError('it needs ignore_row_if="either_value_is_missing"')
    sign = "<" if given.get("or_equal") else "<="
    return f"{ident(given['column_A'])} {sign} {ident(given['column_B'])}"


_LIMITS = {"min_value", "max_value", "strict_min", "strict_max"}
SAID: Mapping[str, tuple[set[str], Callable[[Kwargs], str] | None]] = {
    "expect_column_values_to_not_be_null": ({"column"}, lambda given: f"{ident(given['column'])} IS NULL"),
    "expect_column_values_to_be_between": (
        {"column", *_LIMITS},
        lambda given: _limits(f"{ident(given['column'])}::DOUBLE", given),
    ),
    "expect_column_value_lengths_to_be_between": (
        {"column", *_LIMITS},
        lambda given: _limits(f"length({ident(given['column'])})", given),
    ),
    "expect_column_values_to_be_in_set": ({"column", "value_set"}, _is_in),
    "expect_column_values_to_match_regex": ({"column", "regex"}, lambda given: f"NOT {_matches(given)}"),
    "expect_column_values_to_not_match_regex": ({"column", "regex"}, _matches),
    "expect_column_values_to_be_unique": (
        {"column"},
        lambda given: f"({ident(given['column'])} IS NOT NULL AND {ident(given['column'] + '__times')} > 1)",
    ),
    "expect_column_pair_values_a_to_be_greater_than_b": (
        {"column_A", "column_B", "or_equal", "ignore_row_if"},
        _pair,
    ),
    ROWS: (_LIMITS, None),
    MEAN: ({"column", *_LIMITS}, None),
}


def within(measure: float, given: Kwargs) -> bool:
    """Tell whether a whole table's measure keeps its limits."""
    low, high = given.get("min_value"), given.get("max_value")
    above = low is None or (measure > low if given.get("strict_min") else measure >= low)
    below = high is None or (measure < high if given.get("strict_max") else measure <= high)
    return above and below
