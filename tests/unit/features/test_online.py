"""The online store holds what Feast itself would have written."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given, settings
from pyarrow import parquet

from loanbook.features import online, store
from loanbook.features.online import Served
from loanbook.features.tables import FeatureSet
from loanbook.settings import Settings

NOW = datetime(2024, 6, 1, 12, 30, 15, 250_000)
NUMBERS = [None, 0.0, -0.0, 1.0, 0.1, -2.5e-310, 1e300, float("inf"), float("-inf"), float("nan"), 1 / 3, 8e6]
TEXTS = [None, "", "a", "Zürich 銀行", "🚗" * 40, "x" * 127, "y" * 128, "z" * 20_000, 'it\'s "quoted"\n\0end']
PLACE = {"table": "t", "key": "customer_id", "features": ("score", "word")}


@pytest.fixture(scope="module")
def generated(small: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, FeatureSet]:
    """Fill every declared view with all kinds of values, of all ages, and declare it in a home of its own."""
    chance, home = random.Random(5), tmp_path_factory.mktemp("online")
    types = {one.name: one.type for service in small.services.values() for one in service.features}
    features = replace(small.features, dataset="generated", folder=home / "features")
    features.folder.mkdir()
    for view in store.views(small.settings, small.features):
        rows = [
            {view.key: f"{chance.choice('käz銀')}-{n % 30}", "available_at": moment(chance, view.ttl)}
            | {name: chance.choice(TEXTS if types[name] == "String" else NUMBERS) for name in view.features}
            for n in range(90)
        ]
        once = {(row[view.key], row["available_at"]): row for row in rows}
        shape = [(view.key, pa.string()), ("available_at", pa.timestamp("us"))]
        shape += [(n, pa.string() if types[n] == "String" else pa.float64()) for n in view.features]
        table = pa.Table.from_pylist(list(once.values()), schema=pa.schema(shape))
        parquet.write_table(table, features.folder / f"{view.name}.parquet")
    place = Settings(home=home, threads=2)
    store.declare(place, features)
    return place, features


def moment(chance: random.Random, ttl: timedelta) -> datetime:
    """Draw a moment before now, on its last bound, too old, or yet to come."""
    bounds = [NOW, NOW - ttl, NOW - ttl - timedelta(microseconds=1), NOW + timedelta(microseconds=1)]
    return chance.choice([*bounds, NOW - timedelta(seconds=chance.randrange(10**7))])


def stored(path: Path, table: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(f'SELECT * FROM "{table}"').fetchall()
    return sorted(rows, key=lambda row: (row[0], row[1]))


def test_the_online_store_equals_feasts_own_byte_for_byte(generated: tuple[Settings, FeatureSet]) -> None:
    place, features = generated
    path = Path(store.place(place, features)["FEAST_ONLINE_PATH"])
    counts = store.materialize(place, features, NOW)
    ours = {name: stored(path, f"loanbook_{name}") for name in counts}
    with closing(sqlite3.connect(path)) as connection, connection:
        for name in counts:
            connection.execute(f'DELETE FROM "loanbook_{name}"')

    feast = store._store(place, features)
    for view in store.views(place, features):
        if view.name in counts:
            feast.materialize(NOW - view.ttl, NOW, feature_views=[view.name])
    theirs = {name: stored(path, f"loanbook_{name}") for name in counts}

    assert all(counts.values())
    assert ours == theirs


def test_feast_reads_what_was_written(generated: tuple[Settings, FeatureSet]) -> None:
    place, features = generated
    store.materialize(place, features, NOW)
    view = next(one for one in store.views(place, features) if one.name == "customer")
    rows = parquet.read_table(features.folder / "customer.parquet").to_pylist()
    key = next(row["customer_id"] for row in rows if NOW - view.ttl <= row["available_at"] <= NOW)
    known = [r for r in rows if r["customer_id"] == key and NOW - view.ttl <= r["available_at"] <= NOW]
    last = max(known, key=lambda row: row["available_at"])

    got = store.read_online(
        place, features, "underwriting_auto", {"application_id": "?", "customer_id": key, "vehicle_id": "?"}
    )

    assert {name: got[name] for name in view.features} == {name: last[name] for name in view.features}
    assert got["vehicle_value"] is None
    assert got["amount"] is None


def test_the_application_comes_with_the_request_and_is_not_brought_online(
    generated: tuple[Settings, FeatureSet],
) -> None:
    assert "application" not in store.materialize(*generated, NOW)


def write(folder: Path, rows: Sequence[tuple[str, datetime, float | None, str | None]]) -> Served:
    names = ("customer_id", "available_at", "score", "word")
    shape = [pa.string(), pa.timestamp("us"), pa.float64(), pa.string()]
    table = pa.table(
        [pa.array(list(column), kind) for column, kind in zip(zip(*rows, strict=True), shape, strict=True)],
        names=names,
    )
    path = folder / f"{len(list(folder.iterdir()))}.parquet"
    parquet.write_table(table, path)
    return Served(path=path, ttl=timedelta(days=30), **PLACE)  # type: ignore[arg-type]


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Lay an empty store of Feast's shape."""
    path = tmp_path / "store" / "online.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE t (entity_key BLOB, feature_name TEXT, value BLOB, value_text TEXT,"
            " vector_value BLOB, event_ts timestamp, created_ts timestamp,"
            " PRIMARY KEY (entity_key, feature_name))"
        )
    return path


def test_a_value_older_than_it_may_be_is_not_brought_online(shelf: Path, tmp_path: Path) -> None:
    month, tick = timedelta(days=30), timedelta(microseconds=1)
    view = write(
        tmp_path,
        [
            ("kept", NOW - month, 1.0, "a"),
            ("old", NOW - month - tick, 2.0, "b"),
            ("next", NOW + tick, 3.0, "c"),
        ],
    )

    assert online.write(Settings(home=tmp_path, threads=1), shelf, view, NOW) == 1
    assert {row[3] for row in stored(shelf, "t")} == {"1.0", "a"}


def test_a_second_write_replaces_the_first(shelf: Path, tmp_path: Path) -> None:
    place = Settings(home=tmp_path, threads=1)
    online.write(place, shelf, write(tmp_path, [("a", NOW, 1.0, "x"), ("b", NOW, 2.0, "y")]), NOW)

    online.write(place, shelf, write(tmp_path, [("b", NOW, 3.0, None)]), NOW)

    assert [(row[1], row[3]) for row in stored(shelf, "t")] == [("score", "3.0"), ("word", None)]


def test_the_latest_known_value_is_the_one_that_is_served(shelf: Path, tmp_path: Path) -> None:
    ages = [timedelta(days=days) for days in (3, 1, 2)]
    view = write(tmp_path, [("a", NOW - age, float(age.days), "x") for age in ages])

    online.write(Settings(home=tmp_path, threads=1), shelf, view, NOW)

    assert stored(shelf, "t")[0][3] == "1.0"


def test_a_reader_never_sees_a_half_written_view(shelf: Path, tmp_path: Path) -> None:
    place = Settings(home=tmp_path, threads=1)
    sides = [write(tmp_path, [(f"C{n}", NOW, side, "x") for n in range(400)]) for side in (1.0, 2.0)]
    online.write(place, shelf, sides[0], NOW)
    done, seen = threading.Event(), []

    def read() -> None:
        query = "SELECT value_text, count(*) FROM t WHERE feature_name = 'score' GROUP BY value_text"
        with closing(sqlite3.connect(shelf, timeout=60)) as connection:
            while not done.is_set():
                seen.append(connection.execute(query).fetchall())
            seen.append(connection.execute(query).fetchall())

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(6):
        online.write(place, shelf, sides[1 - turn % 2], NOW)
    done.set()
    reader.join()

    assert set(map(tuple, seen)) <= {(("1.0", 400),), (("2.0", 400),)}


def test_a_write_that_fails_leaves_what_stood(shelf: Path, tmp_path: Path) -> None:
    place = Settings(home=tmp_path, threads=1)
    online.write(place, shelf, write(tmp_path, [("a", NOW, 1.0, "x")]), NOW)
    before = stored(shelf, "t")
    with closing(sqlite3.connect(shelf)) as connection, connection:
        connection.execute(
            "CREATE TRIGGER no_word BEFORE INSERT ON t WHEN NEW.value_text = 'bad'"
            " BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )

    with pytest.raises(sqlite3.IntegrityError, match="refused"):
        online.write(place, shelf, write(tmp_path, [("a", NOW, 2.0, "y"), ("b", NOW, 2.0, "bad")]), NOW)

    assert stored(shelf, "t") == before


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(value=st.one_of(st.floats(), st.text(max_size=400)), key=st.text(min_size=1, max_size=50))
def test_every_value_and_key_is_encoded_as_feast_encodes_them(value: float | str, key: str) -> None:
    from feast.infra.key_encoding_utils import serialize_entity_key
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    wanted = Value(double_val=value) if isinstance(value, float) else Value(string_val=value)
    entity = EntityKey(join_keys=["customer_id"], entity_values=[Value(string_val=key)])

    assert online.encode(value) == (b"" if value != value else wanted.SerializeToString())
    assert online.key_prefix("customer_id") + online.key_value(key) == serialize_entity_key(
        entity, entity_key_serialization_version=3
    )
