"""raw → validated: which columns of one raw table name rows of another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

from loanbook.intake.engine import ident
from loanbook.intake.guessing import naming
from loanbook.intake.guessing.looking import ColumnLook, RawLook

if TYPE_CHECKING:
    import duckdb

MOST = 0.5  # of a column's values must be found in the other's key


@dataclass(frozen=True)
class Reference:
    """So large a share of a column's values are found in another table's key."""

    table: str
    column: str
    other: str
    key: str
    share: float


def references(connection: duckdb.DuckDBPyConnection, looks: Sequence[RawLook]) -> tuple[Reference, ...]:
    """Find which columns name rows of another table: by a like name, and by their values."""
    found = []
    for one, column, other, key in _pairs(looks):
        share = _contained(connection, one, column, other, key)
        if share >= MOST:
            found.append(Reference(one.source.name, column, other.source.name, key, share))
    return tuple(found)


def _pairs(looks: Sequence[RawLook]) -> Iterator[tuple[RawLook, str, RawLook, str]]:
    for one, other in permutations(looks, 2):
        for key in other.keys:
            for column in one.columns:
                if _alike(column, other.column(key)):
                    yield one, column.name, other, key


def _alike(column: ColumnLook, key: ColumnLook) -> bool:
    """Tell whether a column may name rows of a key: both codes, and by names that share a word."""
    if column.kind not in {"text", "number"} or column.kind != key.kind or not column.filled:
        return False
    same = column.name.casefold() == key.name.casefold()
    shared = naming.tokens(column.name) & naming.tokens(key.name) - {"id", "number", "date"}
    return same or bool(shared)


def _contained(
    connection: duckdb.DuckDBPyConnection, one: RawLook, column: str, other: RawLook, key: str
) -> float:
    mine, theirs = f"raw.{ident(one.source.name)}", f"raw.{ident(other.source.name)}"
    rows = connection.execute(
        f"SELECT avg((v IN (SELECT {ident(key)}::VARCHAR FROM {theirs}))::INTEGER) "
        f"FROM (SELECT DISTINCT {ident(column)}::VARCHAR AS v FROM {mine} WHERE {ident(column)} IS NOT NULL)"
    ).fetchall()
    return float(rows[0][0] or 0.0)
