"""Fifty kills at random moments of ingest, featurize, materialize and erase; after each, a plain re-run."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench.measuring import Row, exactly
from loanbook.intake.book import Book
from loanbook.intake.publications import Publication
from loanbook.settings import Secret, Settings

KILLS = {"ingest": 20, "deliver again": 10, "featurize": 8, "materialize": 6, "erase": 6}
APPLICATIONS, WORLD_SEED = 4_000, 7
SEED, MOMENT = 7, datetime(2026, 1, 1)


@dataclass(frozen=True)
class Stage:
    """A step of the way: what it does in a home folder in which all before it is done."""

    name: str
    work: Callable[[Settings, Path], None]


def rows() -> Iterator[Row]:
    """Go the way undisturbed, keeping the home before each stage; then kill each stage again and again."""
    _awake()
    with tempfile.TemporaryDirectory() as scratch:
        raw = _simulated(Path(scratch))
        # a home that begins anew makes a master key of its own, and other tokens with it
        master = Secret(base64.b64encode(os.urandom(32)).decode())
        place = Settings(home=Path(scratch) / "home", threads=2, master_key=master)
        chance = random.Random(SEED)
        for stage in STAGES:
            before = Path(scratch) / "before"
            _copied(place.home, before)
            took = _undisturbed(stage, place, raw)
            wanted = left(place)
            _copied(place.home, Path(scratch) / "after")
            survived = 0
            for _ in range(KILLS[stage.name]):
                _copied(before, place.home)
                _killed(stage, place, raw, chance.uniform(0, took))
                _undisturbed(stage, place, raw)
                survived += left(place) == wanted
            _copied(Path(scratch) / "after", place.home)
            said = f"kills of {stage.name} within its {took:.1f} s after which a plain re-run ends the same"
            yield exactly("data", said, survived, KILLS[stage.name])


def _awake() -> None:
    """Import what is heavy once: each attempt is a fork of this process."""
    import feast  # noqa: F401
    import great_expectations.expectations  # noqa: F401

    from loanbook.features import store, tables  # noqa: F401
    from loanbook.intake import publishing  # noqa: F401
    from loanbook.intake.judging import quality  # noqa: F401


def _simulated(scratch: Path) -> Path:
    """Write 48 months, and what comes a year later, in a process of its own."""

    def work() -> None:
        from loanbook.world import WorldSpec, simulate

        simulate(WorldSpec(applications=APPLICATIONS, seed=WORLD_SEED), scratch / "world", last_month=48)
        simulate(WorldSpec(applications=APPLICATIONS, seed=WORLD_SEED), scratch / "later", last_month=60)

    _waited(_forked(work))
    return scratch


def _ingest(place: Settings, data: Path) -> None:
    from loanbook import leftovers
    from loanbook.intake import mapping, publishing, raw, snapshots
    from loanbook.intake.judging import quality

    leftovers.clear(place)
    dataset = mapping.load("world")
    suites = quality.load_suites(place.repo / "expectations")
    reading = snapshots.freeze(place, dataset, raw.survey(dataset, data), as_of=None)
    verdicts = [quality.judge(place, dataset, reading, suites[one.table]) for one in reading.snapshots]
    publishing.publish(place, dataset, reading, suites, verdicts)


def _published(place: Settings, stands: Book) -> Publication:
    from loanbook.intake import mapping, publishing, readings
    from loanbook.intake.judging import quality

    dataset = mapping.load("world")
    suites = quality.load_suites(place.repo / "expectations")
    reading = readings.reading_of(place, stands, before=stands.digest)
    verdicts = [quality.judge(place, dataset, reading, suites[one.table]) for one in reading.snapshots]
    return publishing.publish(place, dataset, reading, suites, verdicts)


def _first(place: Settings, scratch: Path) -> None:
    _ingest(place, scratch / "world" / "raw")


def _again(place: Settings, scratch: Path) -> None:
    _ingest(place, scratch / "later" / "raw")


def _featurize(place: Settings, _: Path) -> None:
    from loanbook import leftovers
    from loanbook.features import store, tables
    from loanbook.intake import publishing

    leftovers.clear(place)
    publication = publishing.current(place, "world", verify=True)
    made = tables.compute(place, "world", publication.id, publication.paths)
    store.declare(place, made)
    tables.point(place, made)


def _materialize(place: Settings, _: Path) -> None:
    from loanbook import leftovers
    from loanbook.features import store, tables
    from loanbook.intake import publishing

    leftovers.clear(place)
    publication = publishing.current(place, "world")
    store.materialize(place, tables.current(place, "world", publication.id), publication.as_of)


def _erase(place: Settings, scratch: Path) -> None:
    """Erase a planted customer, as the flow does."""
    from loanbook import leftovers
    from loanbook.features import store, tables
    from loanbook.intake import book
    from loanbook.privacy import erasure

    leftovers.clear(place)
    told = json.loads((scratch / "world" / "truth" / "canaries.json").read_text(encoding="utf-8"))
    asked = erasure.ask(place, "world", told["canaries"][0]["customer_id"], because="asked for it")
    token = getattr(asked, "token", None)
    if token is None:
        return
    erasure.begin(place, token, MOMENT)
    erasure.destroy(place, token)
    stands = erasure.take_out(place, token)
    publication = _published(place, stands)
    made = tables.compute(place, "world", publication.id, publication.paths)
    store.declare(place, made)
    store.materialize(place, made, publication.as_of)
    tables.point(place, made)
    assert book.read(place, "world").publication == publication.id
    erasure.clear(place, token, (publication.id, made.id))
    erasure.prove(place, token, MOMENT)


STAGES = (
    Stage("ingest", _first),
    Stage("deliver again", _again),
    Stage("featurize", _featurize),
    Stage("materialize", _materialize),
    Stage("erase", _erase),
)


def left(place: Settings) -> dict[str, str]:
    """Name what a home holds: the publication, every file of the lake by content, what is served online."""
    found = {
        path.relative_to(place.home).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((place.home / "lake").rglob("*"))
        if path.is_file() and path.suffix in {".parquet", ".json"}
    }
    for path in sorted((place.home / "feast").rglob("online.db")):
        found["online"] = _dumped(path)
    vault = place.home / "vault" / "vault.sqlite"
    if vault.exists():
        with closing(sqlite3.connect(vault)) as opened:
            found["vault"] = str(opened.execute("SELECT count(*) FROM customers").fetchone()[0])
    return found


def _dumped(path: Path) -> str:
    digest = hashlib.sha256()
    with closing(sqlite3.connect(path)) as opened:
        tables = [row[0] for row in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in sorted(tables):
            for row in sorted(opened.execute(f'SELECT * FROM "{table}"').fetchall(), key=repr):
                digest.update(repr((table, row)).encode())
    return digest.hexdigest()


def _copied(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    if source.exists():
        shutil.copytree(source, target)


def _undisturbed(stage: Stage, place: Settings, raw: Path) -> float:
    began = time.monotonic()
    code = _waited(_forked(lambda: stage.work(place, raw)))
    if code:
        raise RuntimeError(f"{stage.name} ended with {code}")
    return time.monotonic() - began


def _killed(stage: Stage, place: Settings, raw: Path, after: float) -> None:
    child = _forked(lambda: stage.work(place, raw))
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _forked(work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def _waited(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
