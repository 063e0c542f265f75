from __future__ import annotations

import tomllib
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

import loanbook.datasets
from loanbook.schema import TABLES
from loanbook.world.tables import LEAKS

from .conftest import World

FOLDER = Path(loanbook.datasets.__path__[0]) / "world"


@pytest.fixture(scope="module")
def described() -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads((FOLDER / "dataset.toml").read_text(encoding="utf-8"))["raw"]  # type: ignore[no-any-return]


def test_every_canonical_table_has_its_mapping_and_its_files(described: dict[str, object]) -> None:
    assert {path.stem for path in FOLDER.glob("*.sql")} == set(TABLES) == set(described)


@pytest.mark.parametrize("table", list(TABLES))
def test_the_declared_columns_are_those_of_the_files(
    world: World, described: dict[str, dict[str, dict[str, str]]], table: str
) -> None:
    for path in (world.folder / "raw" / table).glob("*.parquet"):
        assert set(described[table]["columns"]) <= set(pq.read_schema(path).names)


@pytest.mark.parametrize("table", list(TABLES))
def test_a_mapping_fills_the_canonical_columns_of_every_row_and_no_leak(
    world: World, described: dict[str, dict[str, dict[str, str]]], table: str
) -> None:
    declared = described[table]["columns"]
    casts = ", ".join(f'TRY_CAST("{name}" AS {kind}) AS "{name}"' for name, kind in declared.items())
    files = world.folder / "raw" / table / "*.parquet"
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA raw")
        connection.execute(
            f"CREATE VIEW raw.{table} AS SELECT {casts}, filename AS _file, file_row_number + 1 AS _row,"
            f" NULL::VARCHAR AS _broken FROM read_parquet('{files}', filename = true, file_row_number = true)"
        )
        mapped = connection.sql((FOLDER / f"{table}.sql").read_text(encoding="utf-8"))
        leaks = {name for name, _ in LEAKS.get(table, ())}
        assert set(mapped.columns) - {"_file", "_row", "_broken"} <= set(TABLES[table].names)
        assert leaks.isdisjoint(mapped.columns)
        assert len(mapped.fetchall()) == world.manifest.rows[table]


def test_customers_live_in_the_declared_place_and_swapped_they_would_not(world: World) -> None:
    place = tomllib.loads((FOLDER / "dataset.toml").read_text(encoding="utf-8"))["place"]
    rows = world.clean("applications").to_pylist()
    assert all(place["lat"][0] <= row["lat"] <= place["lat"][1] for row in rows)
    assert all(place["lon"][0] <= row["lon"] <= place["lon"][1] for row in rows)
    assert not any(place["lat"][0] <= row["lon"] <= place["lat"][1] for row in rows)
