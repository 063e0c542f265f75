"""What every room of the tests may ask for: small worlds, a copy of the declarations, one Prefect server."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from loanbook.settings import QUIET, Settings

ROOT = Path(__file__).resolve().parents[1]
SIZE, HISTORY, GROWN = 12_000, 48, 60
HASHED = (".py", ".sql", ".toml", ".yaml", ".html")

os.environ.update(QUIET)
for name in [name for name in os.environ if name.startswith("LOANBOOK_")]:
    del os.environ[name]  # whoever runs the tests may have a place of their own


@dataclass(frozen=True)
class SmallWorld:
    """A simulated lender: the raw files that flows read, the truth that only tests read."""

    folder: Path
    bad_rows: int

    @property
    def raw(self) -> Path:
        return self.folder / "raw"

    @property
    def truth(self) -> Path:
        return self.folder / "truth"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., SmallWorld]:
    """Simulate a spec up to a month, once, and hand the same folder to whoever asks again. Read it only."""
    from loanbook.world import WorldSpec, simulate

    made: dict[tuple[WorldSpec, int], SmallWorld] = {}

    def make(spec: WorldSpec, last_month: int) -> SmallWorld:
        if (spec, last_month) not in made:
            folder = tmp_path_factory.mktemp("lender")
            manifest = simulate(spec, folder, last_month=last_month)
            made[spec, last_month] = SmallWorld(folder, manifest.bad_rows)
        return made[spec, last_month]

    return make


@pytest.fixture(scope="session")
def small_world(simulated: Callable[..., SmallWorld]) -> SmallWorld:
    """Four years of a small lender, before any drift."""
    from loanbook.world import WorldSpec

    return simulated(WorldSpec(applications=SIZE), HISTORY)


@pytest.fixture(scope="session")
def grown_world(simulated: Callable[..., SmallWorld]) -> SmallWorld:
    """The same lender a year later: other people come, and they pay otherwise."""
    from loanbook.world import WorldSpec

    return simulated(WorldSpec(applications=SIZE), GROWN)


@pytest.fixture(scope="session")
def calm_world(simulated: Callable[..., SmallWorld]) -> SmallWorld:
    """The same lender a year later, had nothing drifted."""
    from loanbook.world import WorldSpec
    from loanbook.world.spec import DEFAULT_PLANTS, DRIFTS

    return simulated(WorldSpec(applications=SIZE, plants=DEFAULT_PLANTS - DRIFTS), GROWN)


@pytest.fixture(scope="session")
def copy_repo(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Copy what LOANBOOK_REPO must hold, so that a test may change a policy and nobody else sees it.

    The fairness gate is opened wider, and the dataset that lies there has no ethnicity: in a world this
    small a group's rate is a matter of luck, and the smallest groups have none.
    """

    def copy() -> Path:
        target = tmp_path_factory.mktemp("repo")
        for folder in ("expectations", "feature_repo", "loanbook", "flows"):
            shutil.copytree(ROOT / folder, target / folder, ignore=_not_hashed)
        shutil.copy(ROOT / "uv.lock", target)
        policy = target / "expectations" / "policies" / "underwriting_consumer.toml"
        text = policy.read_text(encoding="utf-8")
        assert 'kind = "fair"\nfloor = 0.80' in text
        policy.write_text(text.replace('kind = "fair"\nfloor = 0.80', 'kind = "fair"\nfloor = 0.20'))
        people = target / "loanbook" / "datasets" / "world" / "customers.sql"
        sql = people.read_text(encoding="utf-8")
        assert "    ethnicity,\n" in sql
        people.write_text(sql.replace("    ethnicity,\n", ""), encoding="utf-8")
        return target

    return copy


def _not_hashed(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if not (Path(folder) / name).is_dir() and not name.endswith(HASHED)}


@pytest.fixture(scope="session")
def standing_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Start one Prefect server for the session; give the environment by which flows find it."""
    from loanbook import standing

    settings = Settings(home=tmp_path_factory.mktemp("prefect"))
    server = standing.ensure(settings)
    found = standing.environment(settings, server) | {"LOANBOOK_PREFECT_API": server.api}
    del found["LOANBOOK_HOME"]
    try:
        yield found
        if "prefect.logging.handlers" in sys.modules:
            from prefect.logging.handlers import APILogWorker

            APILogWorker.drain_all(timeout=30)  # else Prefect looks for its server at exit, for a minute
    finally:
        assert standing.stop(settings)


@pytest.fixture(scope="session")
def place_of(standing_at: Mapping[str, str], root: Path) -> Callable[..., dict[str, str]]:
    """Name the environment of a process that works in a home of its own, on the session's server."""

    def environment(home: Path, **more: str | Path) -> dict[str, str]:
        given = {"LOANBOOK_HOME": home, "LOANBOOK_ACTOR": "erin", "LOANBOOK_THREADS": "2"} | more
        # two homes that are compared must agree on every token
        given |= {"LOANBOOK_MASTER_KEY": "bG9hbmJvb2sncyB0ZXN0cyBhbG9uZSB1c2UgdGhpcyE="}
        return {**standing_at, **{name: str(value) for name, value in given.items()}}

    return environment
