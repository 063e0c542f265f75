"""Run a shipped mapping over real or written raw files, through the intake itself."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from loanbook.intake import mapping, raw, snapshots
from loanbook.settings import Settings

DATA = Path(__file__).resolve().parents[3] / "../shared/data"
Row = Mapping[str, object]


@dataclass(frozen=True)
class Mapped:
    """A dataset's tables as its mappings give them; each is a view of its own name."""

    reading: snapshots.Reading
    data: Path

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(":memory:") as connection:
            for each in self.reading.snapshots:
                connection.execute(f"CREATE VIEW {each.table} AS FROM {each.relation}")
            return connection.execute(sql).fetchall()

    def row(self, sql: str) -> tuple[Any, ...]:
        (row,) = self.rows(sql)
        return row

    def value(self, sql: str) -> Any:
        (value,) = self.row(sql)
        return value

    def column(self, sql: str) -> list[Any]:
        return [value for (value,) in self.rows(sql)]


def _mapped(name: str, data: Path, home: Path) -> Mapped:
    dataset = mapping.load(name)
    deliveries = raw.survey(dataset, data)
    return Mapped(snapshots.freeze(Settings(home=home, threads=2), dataset, deliveries, as_of=None), data)


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Mapped]:
    """Map a real dataset, once for all tests; skip where it is absent."""
    home = tmp_path_factory.mktemp("home")
    made: dict[str, Mapped] = {}

    def one(name: str) -> Mapped:
        if not (DATA / name).is_dir():
            pytest.skip(f"the real data is absent: {DATA / name}")
        if name not in made:
            made[name] = _mapped(name, DATA / name, home)
        return made[name]

    return one


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, Mapping[str, Sequence[Row]]], Mapped]:
    """Write raw files, by name, and map them."""

    def one(name: str, files: Mapping[str, Sequence[Row]]) -> Mapped:
        data = tmp_path / f"delivery-{len(list(tmp_path.iterdir()))}"
        data.mkdir()
        for file, rows in files.items():
            (_write_parquet if file.endswith(".parquet") else _write_csv)(data / file, rows)
        return _mapped(name, data, tmp_path / "home")

    return one


def _write_csv(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _write_parquet(path: Path, rows: Sequence[Row]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)
