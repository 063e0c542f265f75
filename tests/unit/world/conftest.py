"""One small world for the whole room, and ways to read it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loanbook.world import WorldManifest, WorldSpec, simulate

SMALL = WorldSpec(applications=3_000, seed=11)
SHORT = WorldSpec(applications=2_000, months=9, drift_month=7, seed=3)
Simulated = Callable[[WorldSpec], "World"]
_read: dict[tuple[Path, str], Any] = {}


@dataclass(frozen=True)
class World:
    spec: WorldSpec
    folder: Path
    manifest: WorldManifest

    def raw(self, table: str) -> Any:
        """Everything delivered of a table, broken rows included, with the place of each."""
        return _once((self.folder, table), lambda: self._raw(table))

    def _raw(self, table: str) -> Any:
        parts = []
        for path in sorted((self.folder / "raw" / table).glob("*.parquet")):
            rows = pq.read_table(path)
            parts.append(
                rows.append_column("_file", pa.repeat(f"{table}/{path.name}", rows.num_rows)).append_column(
                    "_row", pa.array(range(1, rows.num_rows + 1))
                )
            )
        return pa.concat_tables(parts).combine_chunks()

    def clean(self, table: str) -> Any:
        """The rows of a table that are not broken."""
        return _once((self.folder, f"clean {table}"), lambda: self._clean(table))

    def _clean(self, table: str) -> Any:
        broken = {(row["file"], row["row"]) for row in self.truth("bad_rows").to_pylist()}
        rows = self.raw(table)
        places = zip(rows["_file"].to_pylist(), rows["_row"].to_pylist(), strict=True)
        return rows.filter(pa.array([place not in broken for place in places]))

    def truth(self, name: str) -> Any:
        return pq.read_table(self.folder / "truth" / f"{name}.parquet")

    def digests(self, below: str = "") -> dict[str, str]:
        root = self.folder / below
        files = sorted(path for path in root.rglob("*") if path.is_file())
        return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _once(key: tuple[Path, str], read: Callable[[], Any]) -> Any:
    if key not in _read:
        _read[key] = read()
    return _read[key]


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """Simulate a spec once and hand the same folder to whoever asks again. Read it only."""
    made: dict[WorldSpec, World] = {}

    def make(spec: WorldSpec) -> World:
        if spec not in made:
            folder = tmp_path_factory.mktemp("world")
            made[spec] = World(spec, folder, simulate(spec, folder))
        return made[spec]

    return make


@pytest.fixture(scope="session")
def world(simulated: Simulated) -> World:
    return simulated(SMALL)


@pytest.fixture(scope="session")
def short(simulated: Simulated) -> World:
    return simulated(SHORT)
