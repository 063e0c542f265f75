"""What may be known: write a Parquet file anew without somebody's rows, or with a token in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loanbook import lake
from loanbook.intake.engine import ident, text
from loanbook.schema import TABLES

if TYPE_CHECKING:
    import duckdb

CLOCKS = ("event_at", "available_at")
ERASED = "'erased'"


@dataclass(frozen=True)
class Change:
    """What becomes of a file's rows: where `gone` holds they go, where `hidden` holds `values` replace them.

    Both are SQL over the file's columns. `values` is SQL by column; a column that it doesn't name stays.
    """

    gone: str = "false"
    hidden: str = "false"
    values: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Count:
    """How many rows a change removes and hides."""

    removed: int
    hidden: int

    def __bool__(self) -> bool:
        return bool(self.removed or self.hidden)


def columns(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[str, ...]:
    """Name a file's columns, in order."""
    found = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({text(str(path))})").fetchall()
    return tuple(str(row[0]) for row in found)


def count(connection: duckdb.DuckDBPyConnection, path: Path, change: Change) -> Count:
    """Count what a change would do to a file."""
    rows = connection.execute(
        f"SELECT count(*) FILTER ({change.gone}), "
        f"count(*) FILTER (({change.hidden}) AND NOT ({change.gone})) "
        f"FROM read_parquet({text(str(path))}, file_row_number = true)"
    ).fetchall()
    return Count(int(rows[0][0]), int(rows[0][1]))


def query(connection: duckdb.DuckDBPyConnection, path: Path, change: Change) -> str:
    """Write the SQL of what is left of a file, in its order."""
    values = change.values or {}
    shown = ", ".join(
        f"CASE WHEN {change.hidden} THEN {values[name]} ELSE {ident(name)} END AS {ident(name)}"
        if name in values
        else ident(name)
        for name in columns(connection, path)
    )
    return (
        f"SELECT {shown} FROM read_parquet({text(str(path))}, file_row_number = true) "
        f"WHERE NOT coalesce({change.gone}, false) ORDER BY file_row_number"
    )


def frozen(connection: duckdb.DuckDBPyConnection, path: Path, change: Change) -> tuple[str, Path]:
    """Write what is left beside a file that is named by its content; give the new name."""
    return lake.freeze(connection, query(connection, path, change), path.parent)


def replaced(connection: duckdb.DuckDBPyConnection, path: Path, change: Change) -> None:
    """Put what is left in a file's place, whole or not at all."""
    lake.copy_out(connection, query(connection, path, change), path)


def tokenised(table: str, keeps: Sequence[str], token: str, names: Sequence[str]) -> dict[str, str]:
    """Say what replaces the values of a person's row: beside keys, clocks and `keeps`, nothing.

    `token` is SQL.
    """
    stay = {TABLES[table].key, *CLOCKS, *keeps, "_file"}
    values = {name: "NULL" for name in names if name not in stay}
    if "_broken" in names:
        values["_broken"] = f"CASE WHEN _broken IS NOT NULL THEN {ERASED} END"
    return values | ({"customer_id": token} if "customer_id" in names else {})


def places_before(
    connection: duckdb.DuckDBPyConnection, path: Path, change: Change, place: int
) -> int | None:
    """Tell how many rows before a place go; None where the row at that place goes itself."""
    rows = connection.execute(
        f"SELECT count(*) FILTER (file_row_number < {place}), count(*) FILTER (file_row_number = {place}) "
        f"FROM read_parquet({text(str(path))}, file_row_number = true) WHERE {change.gone}"
    ).fetchall()
    return None if rows[0][1] else int(rows[0][0])
