"""raw → validated: say an expectation about a row in SQL, as the condition under which it is broken."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from loanbook.errors import DatasetError
from loanbook.intake.engine import ident, text
from loanbook.intake.judging import measures

Kwargs = Mapping[str, Any]
# where Python's and RE2's regular expressions differ, and the groups that pandas warns of
_DIALECT = re.compile(r"\\[dDwWsSbBAZz1-9pPN]|(?<!\\)\((?!\?:)")
_LITERALS = re.compile(r"[^\\.^$*+?{}\[\]()]+")


def condition(expectation: str, kwargs: Kwargs, where: str, types: Mapping[str, str]) -> str | None:
    """Say an expectation's break in SQL, None if it judges a whole table, or raise DatasetError.

    `types` are the columns' types in DuckDB; a number that is none (NaN) is no value.
    """
    known = {**SAID, **dict.fromkeys(measures.KINDS)}
    if expectation not in known:
        raise DatasetError(
            f"{expectation} can't be pushed down into DuckDB",
            where=where,
            right=f"Use one of {', '.join(known)}",
        )
    allowed = SAID[expectation][0] if expectation in SAID else measures.KINDS[expectation].words
    given = {name: value for name, value in kwargs.items() if (name, value) != ("mostly", 1)}
    if strangers := sorted(set(given) - allowed):
        raise DatasetError(
            f"{expectation} with {strangers[0]} can't be pushed down",
            where=where,
            right=f"Use {', '.join(sorted(allowed))}",
        )
    if expectation not in SAID:
        return None
    try:
        return SAID[expectation][1](given, types)
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{expectation} can't be pushed down: {error}", where=where) from error


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
    return f"({' OR '.join(parts)})"


def _regex(given: Kwargs) -> str:
    """Rewrite a regular expression so that RE2 and Python mean the same; refuse where they can't."""
    pattern = str(given["regex"])
    if stray := _DIALECT.search(pattern):
        raise ValueError(
            f"{stray[0]} means other things in Python and in DuckDB; write characters out, groups as (?:…)"
        )
    # Python's $ also stands before a last line feed
    return re.sub(r"(?<!\\)\$(?![^\[]*\])", r"\\n?\\z", pattern)


def _matches(given: Kwargs, _: object = None) -> str:
    """Search a text; for plain words no regular expression is run, which takes ten times as long."""
    column, pattern = ident(given["column"]), _regex(given)
    if _LITERALS.fullmatch(pattern) and "" not in pattern.split("|"):
        return " OR ".join(f"contains({column}, {text(word)})" for word in pattern.split("|"))
    return f"regexp_matches({column}, {text(pattern)})"


def _is_in(given: Kwargs, _: object) -> str:
    values = ", ".join(_literal(value) for value in given["value_set"])
    number = not all(isinstance(value, (bool, str)) for value in given["value_set"])
    column = ident(given["column"])
    return f"{f'{column}::DOUBLE' if number else column} NOT IN ({values})"


def _pair(given: Kwargs, types: Mapping[str, str]) -> str:
    """Compare two columns of a row. A row that lacks either is passed over, and must be said to be."""
    if given.get("ignore_row_if") != "either_value_is_missing":
        raise ValueError('it needs ignore_row_if="either_value_is_missing"')
    # pandas knows no decimals: both judges are to compare the same numbers
    first, second = (
        f"{ident(given[name])}::DOUBLE"
        if types.get(given[name], "").startswith("DECIMAL")
        else ident(given[name])
        for name in ("column_A", "column_B")
    )
    return f"{first} {'<' if given.get('or_equal') else '<='} {second}"


Say = Callable[[Kwargs, Mapping[str, str]], str]
_LIMITS = measures.LIMITS
SAID: Mapping[str, tuple[frozenset[str] | set[str], Say]] = {
    "expect_column_values_to_not_be_null": (
        {"column"},
        lambda given, _: f"{ident(given['column'])} IS NULL",
    ),
    "expect_column_values_to_be_between": (
        {"column", *_LIMITS},
        lambda given, _: _limits(f"{ident(given['column'])}::DOUBLE", given),
    ),
    "expect_column_value_lengths_to_be_between": (
        {"column", *_LIMITS},
        lambda given, _: _limits(f"length({ident(given['column'])})", given),
    ),
    "expect_column_values_to_be_in_set": ({"column", "value_set"}, _is_in),
    "expect_column_values_to_match_regex": (
        {"column", "regex"},
        lambda given, _: f"NOT ({_matches(given)})",
    ),
    "expect_column_values_to_not_match_regex": ({"column", "regex"}, _matches),
    "expect_column_values_to_be_unique": (
        {"column"},
        lambda given, _: (
            f"({ident(given['column'])} IS NOT NULL AND {ident(given['column'] + '__times')} > 1)"
        ),
    ),
    "expect_column_pair_values_a_to_be_greater_than_b": (
        {"column_A", "column_B", "or_equal", "ignore_row_if"},
        _pair,
    ),
}
