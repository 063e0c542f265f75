"""One lender goes the whole way once; each test finds it as it stood after its review, or promoted."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from loanbook.settings import Settings

DATASET, LINE, MODEL = "world", "underwriting/consumer", "world.underwriting_consumer"
COMMIT = "c0" * 20
GOVERNED = ("governance", "mlflow/artifacts", "lake/world/catalog", f"reports/world/{MODEL}")


@dataclass
class Stage:
    """A home folder in which flows run, as people work there."""

    home: Path
    repo: Path
    environment: Mapping[str, str]
    events: list[Any] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return Settings.read(self.environment)

    @contextmanager
    def here(self) -> Iterator[None]:
        """Be in this place: flows read it from the environment."""
        before = dict(os.environ)
        os.environ.update(self.environment)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def call(self, verb: str, **parameters: Any) -> Any:
        """Run a flow on the session's server, as `python -m flows` does; note its events."""
        with self.here():
            from prefect.settings import PREFECT_API_URL, temporary_settings

            from flows import steps

            if "dataset" in parameters:
                parameters["dataset"] = str(self.repo / "loanbook" / "datasets" / parameters["dataset"])
            self.events = []
            told = steps.listener.set(self.events.append)
            flow = steps.quietly(getattr(import_module(f"flows.{verb}"), verb))
            try:
                with temporary_settings({PREFECT_API_URL: self.environment["PREFECT_API_URL"]}):
                    return flow(**parameters)
            finally:
                steps.listener.reset(told)

    def lifecycle(self, data: Path, seed: int = 7) -> Any:
        return self.call("lifecycle", dataset=DATASET, data=str(data), line=LINE, seed=seed)

    def score(self, **more: Any) -> Any:
        return self.call("score", dataset=DATASET, line=LINE, **more)

    @property
    def steps(self) -> list[str]:
        """The steps that ended in the last flow, in order."""
        return [event.step for event in self.events if event.state == "ended"]

    def enrol(self, name: str, *roles: str) -> None:
        from loanbook.governance import people, signing
        from loanbook.governance.ledger import of_home
        from loanbook.governance.people import Person

        made = signing.create_key(self.key(name), None)
        person = Person(name, roles, made.keyid, made.pem, now())
        people.enrol(people.path_of(self.home), of_home(self.home), person, "erin", now())

    def key(self, name: str) -> Path:
        return self.home / "keys" / f"{name}.key"

    def sign(self, version: int, who: str = "rui", decision: str = "approve", **conditions: Any) -> Any:
        from loanbook.governance.approvals import Conditions, Decision
        from loanbook.governance.signoff import Word, sign

        word = Word(MODEL, version, Decision(decision), "I read the dossier", Conditions(**conditions))
        return sign(self.settings, word, self.key(who), now())

    def force(self, version: int, who: str) -> None:
        """Enter somebody's approval in the ledger without asking whether it counts."""
        from loanbook.governance import champions, shelf, signing, signoff
        from loanbook.governance.approvals import Approval, Conditions, Decision
        from loanbook.governance.ledger import of_home

        book = of_home(self.home)
        digest = champions.reviewed(book.entries(), MODEL, version)
        line = shelf.evidence(self.settings, MODEL, version, digest).line
        approval = Approval(
            digest, line, MODEL, version, "local", Decision.APPROVE, "trust me", Conditions(),
            who, "reviewer", now(), now() + timedelta(days=30),
        )  # fmt: skip
        envelope = signing.sign(approval, self.key(who), None)
        body = {"model": MODEL, "version": version, "evidence": digest, "envelope": envelope}
        book.append(signoff.APPROVAL, who, body, now())

    def promote(self, version: int) -> Any:
        return self.call("promote", model=MODEL, version=version)

    def registry(self) -> Any:
        from loanbook.governance.registry import Registry

        return Registry(self.settings)

    def entries(self, kind: str | None = None) -> Any:
        from loanbook.governance.ledger import of_home

        return of_home(self.home).entries(kind)

    def kept_bundle(self, version: int) -> Path:
        """Where MLflow's artifact store keeps a version's bundle."""
        return Path(self.registry().version(MODEL, version).source.removeprefix("file://"))

    def policy(self) -> Path:
        return self.repo / "expectations" / "policies" / "underwriting_consumer.toml"

    def keep(self, into: Path) -> None:
        """Keep aside who may do what: the ledger, the registry, and what is current."""
        for name in GOVERNED:
            shutil.copytree(self.home / name, into / name)
        shutil.copytree(self.policy().parent, into / "policies")
        _copy_database(self.home / "mlflow" / "mlflow.db", into / "mlflow" / "mlflow.db")

    def restore(self, kept: Path) -> None:
        for name in GOVERNED:
            shutil.rmtree(self.home / name)
            shutil.copytree(kept / name, self.home / name)
        shutil.copytree(kept / "policies", self.policy().parent, dirs_exist_ok=True)
        _copy_database(kept / "mlflow" / "mlflow.db", self.home / "mlflow" / "mlflow.db")


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def _copy_database(source: Path, target: Path) -> None:
    """Copy within SQLite: MLflow keeps its connection, and a file put in its place would go unseen."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


@pytest.fixture(scope="session")
def make_stage(
    tmp_path_factory: pytest.TempPathFactory,
    place_of: Callable[..., dict[str, str]],
    copy_repo: Callable[[], Path],
) -> Callable[[], Stage]:
    def make() -> Stage:
        home, repo = tmp_path_factory.mktemp("home"), copy_repo()
        return Stage(home, repo, place_of(home, LOANBOOK_REPO=repo, LOANBOOK_COMMIT=COMMIT))

    return make


@dataclass(frozen=True)
class Way:
    """The whole way, gone once: what lifecycle said, which steps it took, and the states it left."""

    stage: Stage
    made: Any
    steps: list[str]
    reviewed: Path


@pytest.fixture(scope="session")
def way(make_stage: Callable[[], Stage], small_world: Any, tmp_path_factory: pytest.TempPathFactory) -> Way:
    stage = make_stage()
    made = stage.lifecycle(small_world.raw)
    taken = stage.steps
    stage.enrol("erin", "engineer", "reviewer")
    stage.enrol("rui", "reviewer")
    kept = tmp_path_factory.mktemp("reviewed")
    stage.keep(kept)
    return Way(stage, made, taken, kept)


@pytest.fixture(scope="session")
def kept_promoted(way: Way, tmp_path_factory: pytest.TempPathFactory) -> Path:
    way.stage.restore(way.reviewed)
    way.stage.sign(1)
    way.stage.promote(1)
    kept = tmp_path_factory.mktemp("promoted")
    way.stage.keep(kept)
    return kept


@pytest.fixture
def reviewed(way: Way) -> Stage:
    """The lender after the first review: version 1 waits, nobody signed."""
    way.stage.restore(way.reviewed)
    return way.stage


@pytest.fixture
def promoted(way: Way, kept_promoted: Path) -> Stage:
    """The lender whose version 1 rui signed and which is champion."""
    way.stage.restore(kept_promoted)
    return way.stage
