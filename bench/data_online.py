"""What is brought online, and one customer's read, against the bytes alone."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench.data_sides import (
    NOW,
    Declared,
    Side,
    declare,
    drawn,
    features_of,
    least,
    place_of,
    side,
    views,
    warm,
)
from bench.measuring import ROOT, Row, at_least, at_most, cpu, exactly, peak
from loanbook.features.tables import FeatureSet
from loanbook.settings import Secret, Settings

SERVED = 1_000_000
READ_CUSTOMERS, READS = 20_000, 20_000
SERVICE = "underwriting_consumer"
ONLINE = """
import os
from datetime import timedelta
from functools import partial
import entities
from feast import FeatureView, Field, FileSource
from feast.data_format import ParquetFormat
from feast.types import Float64
served = FeatureView(
    name="served",
    entities=[entities.customer],
    ttl=timedelta(days=3650),
    schema=[Field(name=f"f{n}", dtype=Float64) for n in range(4)],
    source=FileSource(
        name="served_table",
        path=os.environ["FEAST_FEATURE_SET"] + "/served.parquet",
        timestamp_field="available_at",
        file_format=ParquetFormat(),
    ),
)
"""


def brought_online(scratch: Path, redis: Secret) -> Iterator[Row]:
    """Bring a view of four features online, on an empty Redis each time."""
    from loanbook import lake

    place, features = replace(place_of(scratch), redis=redis), features_of(scratch)
    (place.repo / "feature_repo").mkdir(parents=True)
    for name in ("feature_store.yaml", "entities.py"):
        shutil.copy(ROOT / "feature_repo" / name, place.repo / "feature_repo")
    (place.repo / "feature_repo" / "served.py").write_text(ONLINE, encoding="utf-8")
    features.folder.mkdir(parents=True)
    declared = Declared("customer_id", 3650 * 86400, tuple((f"f{n}", "Float64") for n in range(4)))
    with lake.connect(place) as connection:
        lake.copy_out(connection, drawn(declared, SERVED, "i"), features.folder / "served.parquet")
    declare(place, features)
    sides = least(("writer", "materialize"), scratch, redis)
    sides.append(side("feast materialize", scratch, redis))
    writer, ours, feast = sides
    told = f"{feast.cpu:.1f} s, {feast.memory:.1f} GiB; ours {ours.cpu:.1f} s, {ours.memory:.1f} GiB"
    name = f"materialize {SERVED:,} customers × 4 to Redis: CPU of Feast's local engine over ours ({told})"
    yield at_least("data", name, feast.cpu / ours.cpu, 5)
    name = f"  CPU against a vectorised writer of the same bytes ({ours.cpu:.1f} s of {writer.cpu:.1f} s)"
    yield at_most("data", name, ours.cpu / writer.cpu, 1.5)
    same = len({one.made for one in sides})
    yield exactly("data", "  different contents of Redis after the three", same, 1)


def _writer(scratch: Path) -> Side:
    """Encode and send batch by batch, with no record of it."""
    from loanbook import lake
    from loanbook.features import asof
    from loanbook.features.online import address, on_redis
    from loanbook.features.online.images import Served

    place, features = _served_place(scratch), features_of(scratch)
    named = tuple((f"f{n}", "Float64") for n in range(4))
    path = features.folder / "served.parquet"
    view = Served("served", address.project("bench"), path, "customer_id", named, timedelta(days=3650))
    names = ("customer_id", "available_at", *view.names)
    source = asof.Source(
        path, (("customer_id", "customer_id"),), "available_at", tuple((n, n) for n in names)
    )
    assert place.redis
    client = address.client(place.redis)
    warm()

    def work() -> None:
        with lake.connect(place) as connection, on_redis._wire(client) as send:
            query = asof.latest(connection, source, NOW - view.ttl, NOW)
            for batch in connection.sql(query).to_arrow_reader(50_000):
                send(on_redis._sets(view, batch))

    return _sent(work, place)


def _materialize(scratch: Path) -> Side:
    from loanbook.features import store

    place, features = _served_place(scratch), features_of(scratch)
    warm()
    return _sent(lambda: store.materialize(place, features, NOW), place)


def _feast_materialize(scratch: Path) -> Side:
    from loanbook.features.store import opening

    place, features = _served_place(scratch), features_of(scratch)
    store = opening.opened(place, features)
    with Path(os.devnull).open("w") as nowhere:
        sys.stdout, stdout = nowhere, sys.stdout
        try:
            return _sent(
                lambda: store.materialize(NOW - timedelta(days=3650), NOW, feature_views=["served"]), place
            )
        finally:
            sys.stdout = stdout


def _served_place(scratch: Path) -> Settings:
    return replace(place_of(scratch), redis=Secret(os.environ["BENCH_REDIS"]))


def _sent(work: Callable[[], object], place: Settings) -> Side:
    """Measure a writer on an empty Redis, and hash what then is in it."""
    from loanbook.features.online import address

    assert place.redis
    client = address.client(place.redis)
    client.flushall()
    before = cpu()
    work()
    took, most = cpu() - before, peak()
    told = 0
    keys = [key for key in client.scan_iter(count=10_000) if not key.startswith(b"loanbook:")]
    for start in range(0, len(keys), 10_000):
        with client.pipeline(transaction=False) as pipe:
            for key in keys[start : start + 10_000]:
                pipe.hgetall(key)
            for key, held in zip(keys[start : start + 10_000], pipe.execute(), strict=True):
                one = repr((key, sorted(held.items()))).encode()
                told ^= int.from_bytes(hashlib.blake2b(one, digest_size=16).digest())
    return Side(took, most, f"{len(keys)} {told:x}")


def reads(scratch: Path, redis: Secret) -> Iterator[Row]:
    """Read one customer after the other, from SQLite and from Redis."""
    from loanbook import lake

    place, features = place_of(scratch), features_of(scratch)
    shutil.copytree(ROOT / "feature_repo", place.repo / "feature_repo")
    features.folder.mkdir(parents=True)
    with lake.connect(place) as connection:
        for view, declared in views().items():
            query = drawn(declared, 5 * READ_CUSTOMERS, f"hash(i) % {READ_CUSTOMERS}")
            lake.copy_out(connection, query, features.folder / f"{view}.parquet")
    declare(place, features)
    for kind, here in (("SQLite", place), ("Redis", replace(place, redis=redis))):
        ours, bare, feast, count, found = _latencies(here, features)
        what = f"online read of one customer from {kind}, {count} features"
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            one, other, third = (_quantile(took, share) for took in (ours, bare, feast))
            told = f"{one:.3f} ms of {other:.3f} ms; Feast's own {third:.2f} ms"
            yield at_most("data", f"{what}, {name}: against a bare read ({told})", one / other, 5)
        yield at_least("data", f"  values found by {kind}'s reads, share", found, 0.4)


def _latencies(
    place: Settings, features: FeatureSet
) -> tuple[list[float], list[float], list[float], int, float]:
    """Read the same customers by turns: ours, bare, and now and then Feast's own."""
    from loanbook.features import store
    from loanbook.features.store import opening

    store.materialize(place, features, NOW)
    feast = opening.opened(place, features)
    service = feast.get_feature_service(SERVICE)
    ours, bare, theirs = list[float](), list[float](), list[float]()
    chance, found, count = random.Random(3), 0, 0
    with store.reader(place, features, SERVICE) as reader, store.reader(place, features, SERVICE) as other:
        for n in range(READS):
            key = f"C{chance.randrange(READ_CUSTOMERS):08d}"
            keys = {"application_id": key, "customer_id": key}
            turns: list[tuple[list[float], Callable[[], object]]] = [
                (ours, partial(reader.read, keys, NOW)),
                (bare, _bare(other, keys)),
            ]
            for took, read in reversed(turns) if n % 2 else turns:
                took.append(_timed(read))
            if n % 50 == 0:
                theirs.append(_timed(partial(_feasts, feast, service, keys)))
            answer = reader.read(keys, NOW)
            found += sum(value is not None for value in answer.values()) - 2
            count = len(answer) - 2
    return ours, bare, theirs, count, found / READS / count


def _feasts(feast: Any, service: Any, keys: dict[str, str]) -> object:
    return feast.get_online_features(service, [keys]).to_dict()


def _timed(read: Callable[[], object]) -> float:
    began = time.perf_counter()
    read()
    return (time.perf_counter() - began) * 1000


def _bare(reader: Any, keys: dict[str, str]) -> Callable[[], object]:
    """Only fetch the bytes, by the store's own client."""
    from loanbook.features.online import encoding

    shelf = reader._shelf
    encoded = {name: prefix + encoding.key_value(keys[name]) for name, prefix in reader._prefixes.items()}
    if hasattr(shelf, "_query"):
        parameters = [encoded[key] for key in shelf._keys]
        return lambda: shelf._connection.execute(shelf._query, parameters).fetchall()
    return lambda: shelf._fetched(encoded)


def _quantile(took: list[float], share: float) -> float:
    return statistics.quantiles(took, n=1000)[int(share * 1000) - 1]


SIDES: dict[str, Callable[[Path], Side]] = {
    "writer": _writer,
    "materialize": _materialize,
    "feast materialize": _feast_materialize,
}
