"""A process of flows that is killed outright, again and again, ends where an undisturbed one does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from loanbook import lake
from loanbook.settings import Settings

pytestmark = pytest.mark.faults
MODEL, LINE = "world.underwriting_consumer", "underwriting/consumer"
SPEC = {"applications": 6_000, "seed": 7}

# Each run begins in what the one before left, and is killed when this step says so.
KILLS = (
    ("freeze the reading", "ended"),
    ("hold back and publish", "began"),
    ("declare to Feast", "began"),
    ("join what was known", "ended"),
    ("fit, calibrate, find cut-offs", "began"),
    ("register the candidate", "began"),
    ("compute every figure again", "ended"),
)


@dataclass(frozen=True)
class Way:
    """What an end of the way left in a home folder."""

    home: Path
    publication: str
    features: str
    bundle: str
    result: dict[str, Any]


class Flows:
    """`python -m flows` as a process of its own."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flows"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                env={**os.environ, **environment},
                start_new_session=True,
            )

    def __enter__(self) -> Flows:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def ask(self, verb: str, **parameters: object) -> Iterator[dict[str, Any]]:
        """Ask for a flow; give its messages as they come."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"verb": verb, "parameters": parameters}) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            yield json.loads(line)

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()


@pytest.fixture(scope="module")
def raw(simulated) -> Path:
    from loanbook.world import WorldSpec

    return simulated(WorldSpec(**SPEC), 48).raw


@pytest.fixture(scope="module")
def repo(copy_repo) -> Path:
    return copy_repo()


@pytest.fixture(scope="module")
def environment(place_of, repo, tmp_path_factory):
    def make(name: str) -> dict[str, str]:
        home = tmp_path_factory.mktemp(name)
        return place_of(home, LOANBOOK_REPO=repo, LOANBOOK_COMMIT="c0" * 20)

    return make


def wanted(raw: Path) -> dict[str, object]:
    return {"dataset": "world", "data": str(raw), "line": LINE}


def finish(environment: dict[str, str], raw: Path, log: Path) -> Way:
    with Flows(environment, log) as flows:
        last = next(one for one in flows.ask("lifecycle", **wanted(raw)) if "event" not in one)
    assert "result" in last, last
    return way(Path(environment["LOANBOOK_HOME"]), last["result"])


def way(home: Path, result: dict[str, Any]) -> Way:
    from loanbook.governance import shelf

    review = result["lines"][0]["review"]
    facts = shelf.evidence(Settings(home=home), MODEL, review["version"], review["evidence"]).facts
    return Way(
        home, result["ingest"]["publication"], facts["features"]["set"], facts["bundle"]["digest"], result
    )


@pytest.fixture(scope="module")
def undisturbed(environment, raw, tmp_path_factory) -> Way:
    return finish(environment("calm"), raw, tmp_path_factory.mktemp("log") / "flows.log")


@pytest.fixture(scope="module")
def killed(environment, raw, tmp_path_factory) -> Way:
    """Kill a process at each point in turn, then let one finish."""
    given, log = environment("killed"), tmp_path_factory.mktemp("log") / "flows.log"
    for step, state in KILLS:
        with Flows(given, log) as flows:
            for message in flows.ask("lifecycle", **wanted(raw)):
                assert "event" in message, (step, message)
                if (message["event"]["step"], message["event"]["state"]) == (step, state):
                    break
        assert flows.process.returncode == -signal.SIGKILL, step
        assert_nothing_half_published(Path(given["LOANBOOK_HOME"]))
    return finish(given, raw, log)


def assert_nothing_half_published(home: Path) -> None:
    root = lake.Lake(home)
    for folder in root.published("world").glob("[!.]*"):
        assert (folder / "manifest.json").exists(), folder
    pointer = root.catalog("world") / "book.json"
    if pointer.exists():
        assert (
            root.published("world") / str(lake.read_json(pointer)["publication"]) / "manifest.json"
        ).exists()


def test_after_every_kill_the_way_ends_with_the_same_publication_features_and_bundle(killed, undisturbed):
    assert killed.publication == undisturbed.publication
    assert killed.features == undisturbed.features
    assert killed.bundle == undisturbed.bundle
    elsewhere = {"dossier": "", "artefacts": "", "evidence": ""}
    told = [{**way.result["lines"][0]["review"], **elsewhere} for way in (killed, undisturbed)]
    assert told[0] == told[1]


def test_after_every_kill_one_version_is_registered_and_one_review_is_entered(killed):
    from loanbook.governance.ledger import of_home
    from loanbook.governance.registry import Registry

    assert [one.version for one in Registry(Settings(home=killed.home)).versions(MODEL)] == [1]
    book = of_home(killed.home)
    assert book.verify().holds
    assert len(book.entries("review")) == 1


def test_after_every_kill_nothing_half_done_is_left(killed, undisturbed):
    assert files(killed.home) == files(undisturbed.home)


def files(home: Path) -> set[str]:
    """Name what lies in the lake and in the scratch folder, drafts included."""
    places = (home / "lake", home / "tmp")
    return {
        str(path.relative_to(home)) for place in places for path in place.rglob("*") if not path.is_dir()
    } | {f"{path.name}/" for path in (home / "tmp").glob("*")}
