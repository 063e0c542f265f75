"""What every room of the tests may ask for: small worlds, a copy of the declarations, one Prefect server."""

from __future__ import annotations

import copy
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loanbook import digests
from loanbook.settings import QUIET, Settings

if TYPE_CHECKING:
    from loanbook.governance.basis import Basis
    from loanbook.governance.policy import Policy

ROOT = Path(__file__).resolve().parents[1]
SIZE, HISTORY, GROWN = 12_000, 48, 60
HASH = "ab" * 32
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


# These share one lender that went the whole way once: on two workers it would go there twice.
ON_THE_WAY = {
    f"tests/flows/test_{name}.py"
    for name in ("champion", "duties", "fairness", "lifecycle", "reproduce", "swaps", "watch")
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep a file's tests on one worker, and on one worker all that share the way."""
    from xdist.scheduler import LoadFileScheduling

    class Spread(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "the way" if file in ON_THE_WAY else file

    return Spread(config, log) if config.getvalue("dist") == "loadfile" else None


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


def _sample(rows: int, bads: int, start: str, end: str) -> dict[str, Any]:
    return {"rows": rows, "bads": bads, "from": start, "to": end}


PARTS: Mapping[str, Any] = {
    "features.json": {
        "features": ["ltv", "bureau_score"],
        "categories": {},
        "monotone": {"ltv": 1, "bureau_score": -1},
    },
    "calibration.json": {"intercept": -0.1, "slope": 0.97},
    "strategy.json": {"approve_below": 0.12, "decline_from": 0.14},
    "reasons.json": {
        "reasons": [
            {
                "code": "BUREAU_SCORE",
                "en": "Credit bureau score",
                "zh": "征信评分",
                "features": ["bureau_score"],
            },
            {"code": "COLLATERAL", "en": "Value of the vehicle", "zh": "车辆价值", "features": ["ltv"]},
        ],
        "reference": {"ltv": 0.01, "bureau_score": -0.2},
    },
    "card.json": {"recipe": {"num_leaves": 4}, "rounds": 200, "lightgbm": "4.7.0", "decision_days": 3},
}
COLUMNS: Mapping[str, Any] = {
    "ltv": {
        "privacy": "personal",
        "purposes": ["underwriting"],
        "from": ["applications.amount", "vehicles.list_price"],
        "view": "collateral",
        "owner": "collateral",
    },
    "bureau_score": {
        "privacy": "personal",
        "purposes": ["underwriting"],
        "from": ["bureau_reports.score"],
        "view": "bureau",
        "owner": "bureau desk",
    },
}


@pytest.fixture(scope="session")
def honest_facts() -> Callable[[Policy], dict[str, Any]]:
    """Say what the evidence says of an honest version of Ally's size: every gate passes on it."""

    def say(rules: Policy) -> dict[str, Any]:
        files = {"model.txt": HASH, "features.json": "cd" * 32}
        return copy.deepcopy(
            {
                "format": 1,
                "dataset": "ally_auto",
                "line": "underwriting/auto",
                "model": "ally_auto.underwriting_auto",
                "version": 3,
                "trained_by": "ada",
                "trained_at": "2026-11-22T08:00:00Z",
                "requested_by": "ada",
                "bundle": {"digest": digests.of_json(files), "files": files},
                "data": {
                    "publication": HASH,
                    "as_of": "2023-06-30",
                    "tables": {
                        "applications": {"snapshot": HASH, "published": HASH, "rows": 6400, "held": 8},
                        "repayments": {"snapshot": HASH, "published": HASH, "rows": 200555, "held": 0},
                    },
                },
                "features": {
                    "set": HASH,
                    "service": "underwriting_auto",
                    "used": ["ltv", "bureau_score"],
                    "absent": ["late_payments_12m"],
                    "columns": {
                        "ltv": {"privacy": "personal", "purposes": ["underwriting", "valuation"]},
                        "bureau_score": {"privacy": "personal", "purposes": ["underwriting"]},
                    },
                },
                "code": {"commit": "e1" * 20, "dirty": False, "digest": HASH, "lockfile": HASH},
                "policy": {"digest": rules.digest, "path": "underwriting_auto.toml", "version": 1},
                "predictions": {"digest": "ef" * 32, "rows": 6200},
                "split": {"embargo_months": 12, "shared_rows": 0},
                "method": {
                    "searched": False,
                    "chosen": "001",
                    "tried": {"001": {"num_leaves": 4, "stopped_at": 200, "stop_loss": 0.31}},
                },
                "samples": {
                    "fit": _sample(2800, 300, "2015-12-01T00:00:00.000000", "2016-08-31"),
                    "stop": _sample(400, 40, "2016-09-01", "2016-10-31"),
                    "calibrate": _sample(400, 44, "2016-11-01", "2017-02-28"),
                    "threshold": _sample(400, 41, "2016-11-02", "2017-02-27"),
                    "report": _sample(2200, 230, "2018-03-01", "2019-07-01"),
                },
                "metrics": {
                    "report": {
                        "rows": 2200,
                        "bads": 230,
                        "auc": 0.603,
                        "auc_interval": [0.565, 0.641],
                        "calibration_slope": 0.83,
                        "ece": 0.021,
                        "ks": 0.17,
                    }
                },
                "stability": {"score_psi": 0.08},
                "fairness": {"protected_attributes": [], "ratios": {}},
                "maturity": {"report": {"rows": 2200, "ripe": 2200}},
                "judged": {
                    "monotone": {
                        "declared": {"ltv": 1, "bureau_score": -1},
                        "features": {
                            name: {"sign": sign, "values": 300, "rows": 25, "against": 0.0, "holds": True}
                            for name, sign in (("ltv", 1), ("bureau_score", -1))
                        },
                    }
                },
                "seed": 7,
                "threads": 2,
                "environment": {"python": "3.11"},
            }
        )

    return say


@pytest.fixture(scope="session")
def bundle_parts() -> Callable[[], dict[str, Any]]:
    """Write down a bundle that is small enough for it: two features, each with its reason."""
    return lambda: copy.deepcopy(dict(PARTS))


@pytest.fixture(scope="session")
def feature_columns() -> Callable[[], dict[str, Any]]:
    """Say what the evidence says of those two features."""
    return lambda: copy.deepcopy(dict(COLUMNS))


@pytest.fixture(scope="session")
def bound() -> Callable[..., Basis]:
    """Bind a bundle's parts and what is said of its features to facts under a policy."""
    from loanbook.governance import basis, evidence

    def bind(
        facts: dict[str, Any], rules: Policy, parts: Mapping[str, Any], columns: Mapping[str, Any]
    ) -> Basis:
        written = {name: json.dumps(part).encode() for name, part in parts.items()}
        files = {name: digests.of_bytes(data) for name, data in written.items()}
        whole = {
            **copy.deepcopy(facts),
            "bundle": {"digest": digests.of_json(files), "files": files},
            "features": {**facts["features"], "columns": columns},
            "policy": {**facts["policy"], "digest": rules.digest},
        }
        return basis.bind(evidence.assemble(whole, rules), rules, written)

    return bind
