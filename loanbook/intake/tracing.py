"""raw → validated: where raw columns lead, as the mapping's own SQL tells: to a person, or to nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from loanbook.intake.mapping import Dataset
from loanbook.schema import TABLES
from loanbook.schema.columns import Privacy

if TYPE_CHECKING:
    import duckdb

Made = tuple[str, frozenset[str]]

KEYS = frozenset(table.key for table in TABLES.values())
_COLUMNS = [column for table in TABLES.values() for column in table.columns]
NAMING = KEYS | {column.name for column in _COLUMNS if column.privacy is Privacy.IDENTIFYING}
HIDDEN = frozenset(column.name for column in _COLUMNS if column.privacy.hidden)
OPEN = frozenset(column.name for column in _COLUMNS if not column.privacy.hidden)


def traced(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> frozenset[str] | None:
    """Name, in small letters, the columns whose values name a person or a key, in whatever table they end.

    A name that two sources share is of both. None where a mapping can't be parsed.
    """
    made = _mapped(connection, dataset)
    return None if made is None else NAMING | _reaching(made, NAMING)


def tellable(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> frozenset[str]:
    """Name, in small letters, the columns that end in some canonical one and in none whose values are hidden.

    What is mapped to nothing may be anything, and isn't among them; nor is anything where a mapping can't be
    parsed.
    """
    made = _mapped(connection, dataset) or []
    return _reaching(made, OPEN) - _reaching(made, HIDDEN)


def _mapped(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> list[Made] | None:
    """Give all that the mapping's queries select, or None where one can't be parsed."""
    made: list[Made] = []
    for sql in dataset.tables.values():
        rows = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
        parsed = json.loads(rows[0][0])
        if parsed["error"]:
            return None
        made += _made(parsed)
    return made


def _reaching(made: Sequence[Made], ends: frozenset[str]) -> frozenset[str]:
    """Name the columns from which one of the `ends` is made, through however many queries."""
    found: set[str] = set()
    while grown := {name for alias, names in made if alias in ends | found for name in names} - found:
        found |= grown
    return frozenset(found)


def _made(parsed: Any) -> Iterator[Made]:
    """Walk a parsed query: each thing it selects, by name, and the columns that it is made from.

    The later members of a UNION have no names of their own, so they take the first one's.
    """
    for select in _each(parsed, "select_list"):
        yield from _list(select)
    for union in _each(parsed, "setop_type"):
        first, *later = (_list(next(_each(member, "select_list"))) for member in _members(union))
        for member in later:
            yield from ((alias, names) for (alias, _), (_, names) in zip(first, member, strict=False))


def _list(select: dict[str, Any]) -> list[Made]:
    """Give the name of each expression of a SELECT, and the columns in it."""
    return [
        (
            str(one.get("alias") or (one.get("column_names") or [""])[-1]).casefold(),
            frozenset(ref["column_names"][-1].casefold() for ref in _each(one, "column_names")),
        )
        for one in select["select_list"]
    ]


def _members(union: dict[str, Any]) -> list[Any]:
    return [union[side] for side in ("left", "right") if union.get(side)] + list(union.get("children") or [])


def _each(node: Any, key: str) -> Iterator[dict[str, Any]]:
    """Find every object that has a key, however deep."""
    if isinstance(node, dict):
        if key in node:
            yield node
        for inner in node.values():
            yield from _each(inner, key)
    elif isinstance(node, list):
        for inner in node:
            yield from _each(inner, key)
