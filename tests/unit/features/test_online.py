"""What is served is what was known, byte for byte as Feast itself would have written it."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from loanbook.errors import FeatureError
from loanbook.features import store
from loanbook.features.online import address, encoding, images, on_redis, on_sqlite, reading
from loanbook.features.online.images import Record, Served
from loanbook.features.store import opening, serving
from loanbook.features.tables import FeatureSet
from loanbook.settings import Secret, Settings

NOW = datetime(2024, 6, 1, 12, 30, 15, 250_000)
MONTH, TICK = timedelta(days=30), timedelta(microseconds=1)
NUMBERS = [None, 0.0, -0.0, 1.0, 0.1, -2.5e-310, 1e300, float("inf"), float("-inf"), float("nan"), 1 / 3, 8e6]
TEXTS = [None, "", "a", "Zürich 銀行", "🚗" * 40, "x" * 127, "y" * 128, "z" * 20_000, 'it\'s "quoted"\n\0end']
STORES = ["sqlite", "redis"]
Row = tuple[str | None, datetime, float | None, str | None]


@pytest.fixture
def redis(redis_at: Secret) -> Iterator[Secret]:
    """Lend an empty Redis."""
    with closing(address.client(redis_at)) as client:
        client.flushall()
        client.config_set("maxmemory", 0)
        client.config_resetstat()
        yield redis_at


@dataclass
class Shelf:
    """One view in one kind of store, written without Feast."""

    home: Path
    redis: Secret | None
    view: Served

    @property
    def db(self) -> Path:
        return self.home / "store" / "online.db"

    def write(self, rows: Sequence[Row], as_of: datetime = NOW, **more: Any) -> Record:
        return self.put(lay(self.home, rows, **more), as_of)

    def put(self, path: Path, as_of: datetime = NOW) -> Record:
        settings, view = Settings(home=self.home, threads=1), replace(self.view, path=path)
        if self.redis is None:
            return on_sqlite.write(settings, self.db, view, "set", as_of)
        with closing(address.client(self.redis)) as client:
            return on_redis.write(settings, client, view, "set", as_of, self.home / "served" / "t")

    def forget(self, key: str) -> int:
        settings = Settings(home=self.home, threads=1)
        if self.redis is None:
            return on_sqlite.forget(settings, self.db, "customer_id", key)
        with closing(address.client(self.redis)) as client:
            return on_redis.forget(settings, client, "p", "customer_id", key, self.home / "served")

    def content(self) -> Any:
        """Give all that is stored of the view, each key with its bytes."""
        return hashes(self.redis) if self.redis else stored(self.db, "p_t")

    def texts(self) -> set[str | None]:
        """Give the words that are served."""
        if self.redis is None:
            return {row[3] for row in self.content() if row[1] == "word"}
        field = on_redis.fields("t", ("word",))[1]
        return {one[field][2:].decode() for one in self.content().values()}


@pytest.fixture(params=STORES)
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    kind = request.param
    view = Served("t", "p", Path(), "customer_id", (("score", "Float64"), ("word", "String")), MONTH)
    made = Shelf(tmp_path, request.getfixturevalue("redis") if kind == "redis" else None, view)
    if kind == "sqlite":
        made.db.parent.mkdir()
        with closing(sqlite3.connect(made.db)) as connection, connection:
            connection.execute(
                "CREATE TABLE p_t (entity_key BLOB, feature_name TEXT, value BLOB, value_text TEXT,"
                " vector_value BLOB, event_ts timestamp, created_ts timestamp,"
                " PRIMARY KEY (entity_key, feature_name))"
            )
    return made


def lay(folder: Path, rows: Sequence[Row]) -> Path:
    names = ("customer_id", "available_at", "score", "word")
    shape = [pa.string(), pa.timestamp("us"), pa.float64(), pa.string()]
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    arrays = [pa.array(list(column), kind) for column, kind in zip(columns, shape, strict=True)]
    path = folder / f"{len(list(folder.iterdir()))}.parquet"
    parquet.write_table(pa.table(arrays, names=names), path)
    return path


def stored(path: Path, table: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(f'SELECT * FROM "{table}"').fetchall()
    return sorted(rows, key=lambda row: (row[0], row[1]))


def hashes(redis: Secret) -> dict[bytes, dict[bytes, bytes]]:
    with closing(address.client(redis)) as client:
        keys = [key for key in client.scan_iter() if not key.startswith(b"loanbook:")]
        return {key: client.hgetall(key) for key in keys}


def calls(redis: Secret, command: str) -> int:
    """Count how often Redis was asked for something since it was lent."""
    with closing(address.client(redis)) as client:
        told: Any = client.info("commandstats")
    return int(told.get(f"cmdstat_{command}", {"calls": 0})["calls"])


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
    bounds = [NOW, NOW - ttl, NOW - ttl - TICK, NOW + TICK]
    return chance.choice([*bounds, NOW - timedelta(seconds=chance.randrange(10**7))])


@pytest.fixture(params=STORES)
def place(request: pytest.FixtureRequest, generated: tuple[Settings, FeatureSet]) -> Settings:
    if request.param == "sqlite":
        return generated[0]
    return replace(generated[0], redis=request.getfixturevalue("redis"))


def emptied(place: Settings, features: FeatureSet) -> dict[str, Any]:
    """Take everything out of a store and give what was in it."""
    if place.redis:
        held: Any = hashes(place.redis)
        with closing(address.client(place.redis)) as client:
            client.flushall()
        return dict(held)
    path = address.sqlite_path(place, features.dataset)
    held = {
        view.name: stored(path, f"loanbook_generated_{view.name}") for view in serving.served(place, features)
    }
    with closing(sqlite3.connect(path)) as connection, connection:
        for name in held:
            connection.execute(f'DELETE FROM "loanbook_generated_{name}"')
        connection.execute("DELETE FROM loanbook_materialised")
    return held


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of redis, within Feast
def test_the_online_store_equals_feasts_own_byte_for_byte(
    place: Settings, generated: tuple[Settings, FeatureSet]
) -> None:
    features = generated[1]
    counts = store.materialize(place, features, NOW)
    ours = emptied(place, features)
    feast = opening.opened(place, features)
    for view in serving.served(place, features):
        feast.materialize(NOW - view.ttl, NOW, feature_views=[view.name])

    assert all(counts.values())
    assert ours == emptied(place, features)


def test_our_reader_and_feasts_tell_the_same_of_every_customer(
    place: Settings, generated: tuple[Settings, FeatureSet]
) -> None:
    features = generated[1]
    counts = store.materialize(place, features, NOW)
    assert {one.view: one.keys for one in store.freshness(place, features, NOW)} == counts
    feast = opening.opened(place, features)
    known = 0
    with store.reader(place, features, "underwriting_auto") as reader:
        for n, letter in ((n, letter) for n in range(31) for letter in "käz銀"):
            key = f"{letter}-{n}"
            keys = {"application_id": key, "customer_id": key, "vehicle_id": key}
            theirs = feast.get_online_features(
                opening.service_of(feast, "underwriting_auto"), [keys]
            ).to_dict()
            ours = reader.read(keys, NOW - timedelta(days=1))
            assert ours == {name: values[0] for name, values in theirs.items()}
            known += sum(value is not None for value in ours.values()) - 3

    assert known > sum(counts.values())


def test_what_comes_with_the_request_makes_on_demand_features_as_in_training(
    place: Settings, generated: tuple[Settings, FeatureSet]
) -> None:
    features = generated[1]
    store.materialize(place, features, NOW)
    asked = {
        "amount": 8_000.0,
        "declared_income": 1_000.0,
        "term_months": 24.0,
        "declared_debt_payments": None,
    }

    with store.reader(place, features, "underwriting_consumer") as reader:
        got = reader.read({"application_id": "new", "customer_id": "k-1"}, NOW, asked)

    assert (got["amount"], got["payment_to_income"], got["debt_to_income"]) == (8_000.0, 4.0, None)
    with pytest.raises(FeatureError, match="customer_id isn't said"):
        store.read_online(place, features, "underwriting_consumer", {"application_id": "new"}, NOW)


def test_only_what_some_services_ask_for_is_brought_online_and_another_service_is_refused(
    place: Settings, generated: tuple[Settings, FeatureSet]
) -> None:
    features, wanted = generated[1], ["underwriting_consumer"]
    whole = store.materialize(place, features, NOW)
    counts = store.materialize(place, features, NOW, wanted)

    assert {"bureau", "history"} <= counts.keys()
    assert {"strangers", "vehicle", "links"} <= whole.keys() - counts.keys()
    assert {view.name: view.names for view in serving.served(place, features, wanted)}["text"] == (
        "text_length",
    )
    assert {one.view for one in store.freshness(place, features, NOW)} == counts.keys()
    asked = {"application_id": "k-1", "customer_id": "k-1"}
    assert store.read_online(place, features, "underwriting_consumer", asked, NOW)
    with pytest.raises(FeatureError, match=r"strangers.*was brought online \(service fraud\)"):
        store.reader(place, features, "fraud")
    store.materialize(place, features, NOW, [*wanted, "fraud"])
    with store.reader(place, features, "fraud") as reader:
        assert reader.read(asked | {"dealer_id": "k-1", "vehicle_id": "k-1"}, NOW)


def test_the_application_comes_with_the_request_and_is_not_brought_online(
    generated: tuple[Settings, FeatureSet],
) -> None:
    assert "application" not in store.materialize(*generated, NOW)


def test_a_value_past_its_time_to_live_is_unknown_to_a_reader(
    place: Settings, generated: tuple[Settings, FeatureSet]
) -> None:
    features = generated[1]
    store.materialize(place, features, NOW)
    view = next(one for one in store.views(place, features) if one.name == "bureau")
    rows = parquet.read_table(features.folder / "bureau.parquet").to_pylist()
    newest: dict[str, datetime] = {}
    for row in rows:
        if NOW - view.ttl <= row["available_at"] <= NOW:
            newest[row[view.key]] = max(newest.get(row[view.key], row["available_at"]), row["available_at"])
    last = {(row[view.key], row["available_at"]): row for row in rows}
    checked = 0

    with store.reader(place, features, "underwriting_consumer") as reader:
        for key, at in newest.items():
            keys = {"application_id": "?", "customer_id": key}
            held, gone = (reader.read(keys, at + view.ttl + by) for by in (timedelta(), timedelta(seconds=1)))
            for name in set(view.features) & set(held):
                said = last[key, at][name]
                assert held[name] == (None if said is None or said != said else said)
                assert gone[name] is None
                checked += said is not None

    assert checked > 50


def test_a_service_that_needs_another_type_online_is_refused(
    small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "KINDS", ("Float64",))

    with pytest.raises(FeatureError, match=r"is declared as String.*views/, customer.*Float64"):
        store.reader(small.settings, small.features, "underwriting_consumer")


def test_a_value_older_than_it_may_be_is_not_brought_online(shelf: Shelf) -> None:
    rows: list[Row] = [
        ("kept", NOW - MONTH, 1.0, "a"),
        ("old", NOW - MONTH - TICK, 2.0, "b"),
        ("next", NOW + TICK, 3.0, "c"),
    ]

    assert shelf.write(rows).keys == 1
    assert shelf.texts() == {"a"}


def test_a_row_of_nobody_is_not_brought_online(shelf: Shelf) -> None:
    assert shelf.write([(None, NOW, 1.0, "nobody"), ("a", NOW, 1.0, "a")]).keys == 1
    assert shelf.texts() == {"a"}


def test_the_latest_known_value_is_the_one_that_is_served(shelf: Shelf) -> None:
    ages = [timedelta(days=days) for days in (3, 1, 2)]

    shelf.write([("a", NOW - age, 0.0, str(age.days)) for age in ages])

    assert shelf.texts() == {"1"}


def world(chance: random.Random, count: int) -> list[Row]:
    words = [None, "a", "b"]
    return [
        (
            f"C{n}",
            NOW - timedelta(days=chance.randrange(60)),
            chance.choice([None, 1.0, 2.0]),
            chance.choice(words),
        )
        for n in range(count)
    ]


@pytest.mark.parametrize("seed", range(4))
def test_a_later_materialize_leaves_what_a_first_one_would(shelf: Shelf, seed: int) -> None:
    """Rows that changed, that are gone, new ones, late ones, and values whose time ran out on the way."""
    chance = random.Random(seed)
    first = world(chance, 300)
    second = [row for row in first if chance.random() < 0.8]
    second += [(f"N{n}", NOW + timedelta(days=n % 9), 3.0, "new") for n in range(20)]
    second += [
        (key, at + timedelta(days=1), 4.0, "late") for key, at, _, _ in first[:40] if at < NOW - MONTH / 2
    ]
    later = NOW + timedelta(days=5)
    shelf.write(first)

    record = shelf.write(second, later)
    grown = shelf.content()
    reset(shelf)
    fresh = shelf.write(second, later)

    assert record == fresh
    assert grown == shelf.content()
    assert grown


def reset(shelf: Shelf) -> None:
    """Forget everything, as if the store were new."""
    if shelf.redis:
        with closing(address.client(shelf.redis)) as client:
            client.flushall()
    else:
        with closing(sqlite3.connect(shelf.db)) as connection, connection:
            connection.execute("DELETE FROM p_t")
            connection.execute("DELETE FROM loanbook_materialised")


def touched(shelf: Shelf, action: Callable[[], object]) -> int:
    """Count the keys that an action writes or takes away."""
    if shelf.redis:
        before = calls(shelf.redis, "hset") + calls(shelf.redis, "hdel")
        action()
        states = 2 if calls(shelf.redis, "hset") + calls(shelf.redis, "hdel") - before > 1 else 1
        return calls(shelf.redis, "hset") + calls(shelf.redis, "hdel") - before - states
    with closing(sqlite3.connect(shelf.db)) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS log (entity_key BLOB)")
        connection.execute("DELETE FROM log")
        for event, row in (("INSERT", "NEW"), ("DELETE", "OLD")):
            connection.execute(
                f"CREATE TRIGGER IF NOT EXISTS on_{event} AFTER {event} ON p_t"
                f" BEGIN INSERT INTO log VALUES ({row}.entity_key); END"
            )
    action()
    with closing(sqlite3.connect(shelf.db)) as connection:
        return int(connection.execute("SELECT count(DISTINCT entity_key) FROM log").fetchall()[0][0])


def test_only_keys_that_changed_are_written(shelf: Shelf) -> None:
    rows: list[Row] = [(f"C{n}", NOW, float(n), "x") for n in range(100)]
    shelf.write(rows)
    changed = [("C0", NOW, 0.5, "x"), ("C1", NOW + TICK, 1.0, "x"), ("new", NOW, 1.0, "x"), *rows[2:90]]

    assert touched(shelf, lambda: shelf.write(rows)) == 0
    assert touched(shelf, lambda: shelf.write(changed, NOW + TICK)) == 3 + 10


def test_a_row_that_came_late_is_not_missed(shelf: Shelf) -> None:
    rows: list[Row] = [("a", NOW - timedelta(days=5), 1.0, "old")]
    shelf.write(rows)

    shelf.write([*rows, ("a", NOW - timedelta(days=2), 2.0, "late")], NOW + timedelta(days=1))

    assert shelf.texts() == {"late"}


def test_a_value_whose_time_ran_out_is_taken_away(shelf: Shelf) -> None:
    rows: list[Row] = [("a", NOW - MONTH, 1.0, "a"), ("b", NOW, 1.0, "b")]
    shelf.write(rows)

    assert touched(shelf, lambda: shelf.write(rows, NOW + TICK)) == 1
    assert shelf.texts() == {"b"}


def test_what_a_store_holds_without_our_knowing_is_made_good(shelf: Shelf) -> None:
    shelf.write([("a", NOW, 1.0, "x"), ("b", NOW, 1.0, "x")])
    wanted = shelf.content()
    shelf.write([("b", NOW, 7.0, "x"), ("c", NOW, 1.0, "x")])
    for image in shelf.home.rglob("served/**/*.parquet"):
        image.unlink()

    shelf.write([("a", NOW, 1.0, "x"), ("b", NOW, 1.0, "x")])

    assert shelf.content() == wanted


def test_a_feature_that_is_no_longer_declared_is_taken_away(shelf: Shelf) -> None:
    rows: list[Row] = [(f"C{n}", NOW, 1.0, "x") for n in range(10)]
    shelf.write(rows)
    shelf.view = replace(shelf.view, features=(("score", "Float64"),))

    shelf.write(rows[:9])
    left = shelf.content()
    reset(shelf)
    shelf.write(rows[:9])

    assert left == shelf.content()


def test_a_view_that_is_no_longer_declared_is_taken_away(shelf: Shelf) -> None:
    shelf.write([("a", NOW, 1.0, "x"), ("b", NOW, 1.0, "y")])

    if shelf.redis:
        with closing(address.client(shelf.redis)) as client:
            on_redis.retire(client, "p", {"t", "other"}, shelf.home / "served")
            assert len(shelf.content()) == 2
            on_redis.retire(client, "p", {"other"}, shelf.home / "served")
    else:
        on_sqlite.retire(shelf.db, "p", {"t", "other"})
        assert len(shelf.content()) == 4
        on_sqlite.retire(shelf.db, "p", {"other"})

    assert not shelf.content()
    assert shelf.write([("a", NOW, 1.0, "x")]).keys == 1
    assert shelf.texts() == {"x"}


def test_who_is_forgotten_is_in_no_file_and_what_follows_is_still_incremental(shelf: Shelf) -> None:
    rows: list[Row] = [
        ("a", NOW, 1.0, "x"),
        ("forget me", NOW, 2.0, "a secret of mine"),
        ("b", NOW, 3.0, "y"),
    ]
    shelf.write(rows)

    assert shelf.forget("forget me") == 2
    assert shelf.forget("forget me") == 0

    assert shelf.texts() == {"x", "y"}
    images = list(shelf.home.rglob("served/**/*.parquet"))
    assert [parquet.read_table(path)["customer_id"].to_pylist() for path in images] == [["a", "b"]]
    assert not any(b"a secret of mine" in path.read_bytes() for path in shelf.home.glob("store/*.db*"))
    assert touched(shelf, lambda: shelf.write([rows[0], ("b", NOW, 4.0, "y")])) == 1


def test_one_image_of_a_view_is_kept(shelf: Shelf) -> None:
    for n in range(3):
        held = shelf.write([("a", NOW, float(n), "x")])
        assert [path.stem for path in shelf.home.rglob("served/**/*.parquet")] == [held.image]


def test_a_project_whose_name_ends_alike_is_left_alone(redis: Secret, tmp_path: Path) -> None:
    features = (("score", "Float64"), ("word", "String"))
    mine = Served("t", "world", Path(), "customer_id", features, MONTH)
    other = replace(mine, project="the_world")
    for name in ("other", "mine"):
        (tmp_path / name).mkdir()
    Shelf(tmp_path / "other", redis, other).write([("a", NOW, 1.0, "theirs")])
    before = hashes(redis)

    Shelf(tmp_path / "mine", redis, mine).write([("b", NOW, 1.0, "mine")])

    assert hashes(redis).items() > before.items()


@pytest.mark.parametrize("shelf", ["sqlite"], indirect=True)
def test_a_reader_of_sqlite_never_waits_and_never_sees_a_half_written_view(shelf: Shelf) -> None:
    sides = [lay(shelf.home, [(f"C{n}", NOW, side, "x") for n in range(400)]) for side in (1.0, 2.0)]
    shelf.put(sides[0])
    done, seen, refused = threading.Event(), [], []

    def read() -> None:
        query = "SELECT value_text, count(*) FROM p_t WHERE feature_name = 'score' GROUP BY value_text"
        # without a timeout: a reader that had to wait would be refused at once
        with closing(sqlite3.connect(f"file:{shelf.db}?mode=ro", uri=True, timeout=0)) as connection:
            last = False
            while not last:
                last = done.is_set()
                try:
                    seen.append(tuple(connection.execute(query).fetchall()))
                except sqlite3.OperationalError as error:
                    refused.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(6):
        shelf.put(sides[1 - turn % 2])
    done.set()
    reader.join()

    assert not refused
    assert set(seen) == {(("1.0", 400),), (("2.0", 400),)}


def test_a_reader_of_redis_never_sees_a_half_written_customer(redis: Secret, tmp_path: Path) -> None:
    view = Served("t", "p", Path(), "customer_id", (("score", "Float64"), ("word", "String")), MONTH)
    shelf = Shelf(tmp_path, redis, view)
    sides = [
        lay(tmp_path, [(f"C{n}", NOW - by, float(by.days), str(by.days)) for n in range(3000)])
        for by in (timedelta(days=1), timedelta(days=2))
    ]
    shelf.put(sides[0])
    done, torn, seen = threading.Event(), [], set()
    moments = {f"{day}": int((NOW - timedelta(days=day)).replace(tzinfo=UTC).timestamp()) for day in (1, 2)}

    def read() -> None:
        asked = reading.RedisShelf(address.client(redis), reading.Question(("customer_id",), (view,), (), ()))
        chance, last = random.Random(1), False
        while not last:
            last = done.is_set()
            key = encoding.key_prefix("customer_id")
            key += encoding.key_value(f"C{chance.randrange(3000)}")
            said = [
                (name, reading.decode(value), at) for _, name, value, at in asked.rows({"customer_id": key})
            ]
            day = said[1][1]
            if said != [("score", float(day), moments[day]), ("word", day, moments[day])]:
                torn.append(said)
            seen.add(day)
        asked.close()

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(6):
        shelf.put(sides[1 - turn % 2])
    done.set()
    reader.join()

    assert not torn
    assert seen == {"1", "2"}


KILLED = """
import os, signal
from datetime import datetime
from pathlib import Path
from loanbook.features.online import images, on_redis, on_sqlite
from loanbook.features.online.images import Served
from loanbook.settings import Secret, Settings
from datetime import timedelta
images.BATCH, countdown = 10, [{steps}]
def step(function):
    def counted(*given, **named):
        countdown[0] -= 1
        if countdown[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*given, **named)
    return counted
for module, names in ((on_sqlite, ["_insert", "_objects"]), (on_redis, ["_sets", "_removals", "_taken"])):
    for name in names:
        setattr(module, name, step(getattr(module, name)))
images.lake.freeze = step(images.lake.freeze)
features = (("score", "Float64"), ("word", "String"))
view = Served("t", "p", Path({path!r}), "customer_id", features, timedelta(days=30))
place, as_of = Settings(home=Path({home!r}), threads=1), datetime.fromisoformat({as_of!r})
if {redis!r}:
    from loanbook.features.online import address
    client = address.client(Secret({redis!r}))
    on_redis.write(place, client, view, "set", as_of, place.home / "served" / "t")
else:
    on_sqlite.write(place, place.home / "store" / "online.db", view, "set", as_of)
"""


@pytest.mark.parametrize("steps", [0, 1, 2, 5, 9, 14])
def test_a_run_that_was_killed_is_made_good_by_the_next(shelf: Shelf, steps: int) -> None:
    first = lay(shelf.home, [(f"C{n}", NOW, 1.0, "x") for n in range(60)])
    second = lay(shelf.home, [(f"C{n}", NOW, 2.0, "y") for n in range(30, 90)])
    third = lay(shelf.home, [(f"C{n}", NOW, 1.0 + n % 2, "x") for n in range(0, 80, 2)])
    shelf.put(first)
    before = shelf.content()

    killed = subprocess.run(
        [sys.executable, "-c", script(shelf, second, steps)], env=os.environ, check=False, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    if not shelf.redis:
        assert shelf.content() == before
    shelf.put(third)
    mended = shelf.content()
    reset(shelf)
    shelf.put(third)

    assert mended == shelf.content()


def script(shelf: Shelf, path: Path, steps: int) -> str:
    return KILLED.format(
        steps=steps,
        path=str(path),
        home=str(shelf.home),
        as_of=NOW.isoformat(),
        redis=shelf.redis.reveal() if shelf.redis else "",
    )


@pytest.mark.parametrize("shelf", ["sqlite"], indirect=True)
def test_a_write_that_fails_leaves_what_stood(shelf: Shelf) -> None:
    shelf.write([("a", NOW, 1.0, "x")])
    before = shelf.content()
    with closing(sqlite3.connect(shelf.db)) as connection, connection:
        connection.execute(
            "CREATE TRIGGER no_word BEFORE INSERT ON p_t WHEN NEW.value_text = 'bad'"
            " BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )

    with pytest.raises(sqlite3.IntegrityError, match="refused"):
        shelf.write([("a", NOW, 2.0, "y"), ("b", NOW, 2.0, "bad")])

    assert shelf.content() == before


def test_a_redis_that_refuses_to_be_written_is_heard_and_later_made_good(
    redis: Secret, tmp_path: Path
) -> None:
    view = Served("t", "p", Path(), "customer_id", (("score", "Float64"), ("word", "String")), MONTH)
    shelf, path = (
        Shelf(tmp_path, redis, view),
        lay(tmp_path, [(f"C{n}", NOW, 1.0, "x" * 99) for n in range(9000)]),
    )
    with closing(address.client(redis)) as client:
        used: Any = client.info("memory")
        client.config_set("maxmemory", used["used_memory"] + 500_000)
        with pytest.raises(FeatureError, match=r"Redis refuses to be written: OOM") as refusal:
            shelf.put(path)
        client.config_set("maxmemory", 0)

    assert "sesame" not in str(refusal.value)
    assert "se,sa=me" not in str(refusal.value)
    shelf.put(path)
    assert len(hashes(redis)) == 9000


def test_a_redis_that_is_away_is_told_without_its_password(generated: tuple[Settings, FeatureSet]) -> None:
    place = replace(generated[0], redis=Secret("redis://:sesame@127.0.0.1:1/0"))
    attempts: list[Callable[[], object]] = [
        lambda: store.materialize(place, generated[1], NOW),
        lambda: store.forget(place, "generated", "customer_id", "a"),
        lambda: store.read_online(
            place, generated[1], "underwriting_consumer", {"customer_id": "a", "application_id": "b"}, NOW
        ),
    ]

    for attempt in attempts:
        with pytest.raises(FeatureError, match=r"Redis doesn't answer: ConnectionError") as refusal:
            attempt()
        assert "sesame" not in f"{refusal.value!r} {refusal.value.__cause__!r}"


def test_a_dataset_that_was_never_brought_online_cannot_be_read(small: Any, tmp_path: Path) -> None:
    place = replace(small.settings, home=tmp_path)

    with pytest.raises(FeatureError, match=r"nothing was brought online yet \(small\)"):
        store.reader(place, small.features, "underwriting_consumer")
    assert store.forget(place, "small", "customer_id", "C1") == 0


def test_batches_are_as_small_as_they_are_asked_to_be(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[Row] = [(f"C{n}", NOW, float(n), "x") for n in range(5000)]
    shelf.write(rows)
    whole = shelf.content()
    reset(shelf)
    monkeypatch.setattr(images, "BATCH", 2048)

    shelf.write(rows)

    assert shelf.content() == whole
