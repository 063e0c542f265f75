"""validated → features: look at a feature table that was written: its ties, its rows, what it lacks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from loanbook import lake
from loanbook.errors import FeatureError
from loanbook.features.recipes import Recipe

if TYPE_CHECKING:
    import duckdb


def refuse_ties(connection: duckdb.DuckDBPyConnection, recipe: Recipe, path: Path) -> None:
    """Two rows of a key at one moment would make the value at that moment a matter of luck."""
    ties = connection.execute(
        f"SELECT {recipe.key}, available_at FROM read_parquet('{lake.quoted(path)}') "
        f"GROUP BY ALL HAVING count(*) > 1 LIMIT 1"
    ).fetchall()
    if ties:
        raise FeatureError(
            f"{recipe.key} {ties[0][0]} has two rows at {ties[0][1]}",
            where=f"loanbook/features/{recipe.name}.sql",
            right="A feature table has one row per key and moment",
        )


def absent(connection: duckdb.DuckDBPyConnection, path: Path, keys: set[str]) -> tuple[int, tuple[str, ...]]:
    """Count rows, and name the features without a single value."""
    relation = f"read_parquet('{lake.quoted(path)}')"
    names = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()]
    counts = connection.execute(
        "SELECT count(*), " + ", ".join(f'count("{name}")' for name in names) + f" FROM {relation}"
    ).fetchall()[0]
    filled = zip(names, counts[1:], strict=True)
    return int(counts[0]), tuple(name for name, count in filled if count == 0 and name not in keys)
