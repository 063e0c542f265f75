"""raw → validated: which raw columns lead to a person, as the mapping's own SQL tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from loanbook.intake.mapping import Dataset
from loanbook.schema import TABLES
from loanbook.schema.columns import Privacy

if TYPE_CHECKING:
    import duckdb

Made = tuple[str, frozenset[str]]

KEYS = frozenset(table.key for table in TABLES.values())
NAMING = KEYS | {
    column.name
    for table in TABLES.values()
    for column in table.columns
    if column.privacy is Privacy.IDENTIFYING
}


def traced(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> frozenset[str] | None:
    """Name, in small letters, the columns whose values name a person or a key, in whatever table they end.

    A name that two sources share is of both. None where a mapping can't be parsed.
    """
    known: set[str] = set(NAMING)
    made: list[Made] = []
    for sql in dataset.tables.values():
        rows = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
        parsed = json.loads(rows[0][0])
        if parsed["error"]:
            return None
        made += _made(parsed)
    while grown := {name for alias, names in made if alias in known for name in names} - known:
        known |= grown
    return frozenset(known)


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
