"""Our offline store gives the rows that Feast's own on DuckDB gives, and leaves nothing to luck."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from loanbook.errors import FeatureError
from loanbook.features import asof
from loanbook.features.asof import Source
from loanbook.features.store import opening
from loanbook.settings import Settings

DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
NOON = datetime(2024, 3, 30, 12)  # a day before clocks change in Europe
TTL = timedelta(days=7)
KEYS = ["C1", "C2", "c1", " C1", "Zürich 銀行", "🚗", "it's", 'a"b', "1:2", "", "C10", "C1\n"]
PAIRS = [(1, 11), (11, 1), (1, 1), (11, 11), (-1, 0)]
US = pa.timestamp("us")


@dataclass(frozen=True)
class Shop:
    """One declaration in Feast, to be run by any of its stores."""

    folder: Path
    objects: list[Any] = field(default_factory=list)

    def run(self, asked: Any, features: Sequence[str], kind: str, **more: Any) -> pa.Table:
        return self.feast(kind).get_historical_features(asked, list(features), **more).to_arrow()

    def feast(self, kind: str) -> Any:
        from feast import FeatureStore
        from feast.repo_config import RepoConfig

        ours = {"type": opening.OURS, "home": str(self.folder), "memory": "1GB", "threads": 2}
        store = FeatureStore(
            config=RepoConfig(
                project="p",
                provider="local",
                registry=str(self.folder / f"{kind}.db"),
                online_store={"type": "sqlite", "path": str(self.folder / f"{kind}-online.db")},
                offline_store=ours if kind == "ours" else {"type": kind},
                entity_key_serialization_version=3,
            )
        )
        store.apply(self.objects)
        return store


def row(key: str, at: datetime, score: float | None, word: str | None, written: datetime | None) -> Any:
    return {"customer_id": key, "available_at": at, "written": written, "score": score, "word": word}


def scores(chance: random.Random, *, ties: bool) -> pa.Table:
    """Draw rows around noon and the end of the TTL; with ties, of one moment but not written at once."""
    moments = [NOON + n * DAY + by for n in range(-9, 3) for by in (timedelta(), TICK, -TICK)]
    drawn = {(chance.choice(KEYS), chance.choice(moments)) for _ in range(250)}
    rows = []
    for key, at in sorted(drawn):
        writings = chance.sample(range(9), chance.randint(1, 3) if ties else 1)
        for written in writings:
            said = None if written == 4 else at + written * DAY
            value = chance.choice([None, 0.0, -1.5, 1 / 3, float("nan")])
            rows.append(row(key, at, value, chance.choice([None, "", "銀", f"{len(rows)}"]), said))
    kinds = [pa.string(), US, US, pa.float64(), pa.string()]
    names = ("customer_id", "available_at", "written", "score", "word")
    return pa.Table.from_pylist(rows, pa.schema(list(zip(names, kinds, strict=True))))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    from feast import Entity, FeatureView, Field, FileSource, ValueType
    from feast.types import Float64, String

    folder = tmp_path_factory.mktemp("shop")
    chance = random.Random(2)
    parquet.write_table(scores(chance, ties=False), folder / "plain.parquet")
    parquet.write_table(scores(chance, ties=True), folder / "tied.parquet")
    at = [NOON - chance.randrange(20) * DAY for _ in range(60)]
    pairs = [chance.choice(PAIRS) for _ in at]
    pair = pa.table(
        {
            "one": pa.array([one for one, _ in pairs], pa.int64()),
            "two": pa.array([two for _, two in pairs], pa.int64()),
            "available_at": pa.array(
                [moment + n * TICK for n, moment in enumerate(at)], pa.timestamp("us", "UTC")
            ),
            "n": pa.array(range(len(at)), pa.int64()),
            "place": pa.array(map(str, range(len(at))), pa.string()),
        }
    )
    parquet.write_table(pair, folder / "pair.parquet")

    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    one = Entity(name="one", join_keys=["one"], value_type=ValueType.INT64)
    two = Entity(name="two", join_keys=["two"], value_type=ValueType.INT64)
    from feast.types import Int64

    def view(name: str, entities: list[Any], ttl: timedelta, fields: list[Any], created: str = "") -> Any:
        source = FileSource(
            name=f"{name}_source",
            path=str(folder / f"{name.partition('_')[0]}.parquet"),
            timestamp_field="available_at",
            created_timestamp_column=created,
        )
        return FeatureView(name=name, entities=entities, ttl=ttl, schema=fields, source=source)

    told = [Field(name="score", dtype=Float64), Field(name="word", dtype=String)]
    views = [
        view("plain", [customer], TTL, told),
        view("plain_forever", [customer], timedelta(0), told),
        view("tied", [customer], TTL, told, "written"),
        view("pair", [one, two], TTL, [Field(name="n", dtype=Int64), Field(name="place", dtype=String)]),
    ]
    return Shop(folder, [customer, one, two, *views])


def asked(seed: int = 7) -> pa.Table:
    """Ask for known and unknown keys, at moments on and beside every end, some twice, some of nobody."""
    chance = random.Random(seed)
    moments = [NOON + n * DAY + by for n in range(-12, 12) for by in (timedelta(), TICK, -TICK)]
    rows = [
        (chance.choice([*KEYS, "nobody", None]), chance.choice(moments), chance.choice(PAIRS))
        for _ in range(900)
    ]
    rows += rows[:50]
    moment = pa.array([one[1] for one in rows], US).cast(pa.timestamp("us", "UTC"))
    return pa.table(
        {
            "event_timestamp": moment,
            "customer_id": pa.array([one[0] for one in rows], pa.string()),
            "one": pa.array([one[2][0] for one in rows], pa.int64()),
            "two": pa.array([one[2][1] for one in rows], pa.int64()),
            "asking": pa.array(range(len(rows)), pa.int64()),
        }
    )


def told(table: pa.Table) -> list[dict[str, Any]]:
    """Read rows in the order of asking; NaN and null both say that nothing is known."""
    rows = table.sort_by("asking").to_pylist()
    return [
        {name: None if value != value else value for name, value in one.items() if name != "event_timestamp"}
        for one in rows
    ]


REFS = {
    "within its time to live": ["plain:score", "plain:word"],
    "for ever": ["plain_forever:score", "plain_forever:word"],
    "of one moment, by when it was written": ["tied:score", "tied:word"],
    "by two keys": ["pair:n", "pair:place"],
    "of several views": ["plain:score", "tied:word", "pair:n"],
}


@pytest.mark.parametrize("refs", REFS.values(), ids=REFS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of ibis, within Feast
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_same_rows_as_feasts_own_store_on_duckdb(shop: Shop, refs: list[str]) -> None:
    ours = shop.run(asked(), refs, "ours")
    theirs = shop.run(asked().to_pandas(), refs, "duckdb")

    assert told(ours) == told(theirs)
    assert sum(any(one[ref.partition(":")[2]] is not None for ref in refs) for one in told(ours)) > 100


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_what_was_written_later_is_left_out_as_feasts_own_leaves_it_out(shop: Shop) -> None:
    refs = REFS["of one moment, by when it was written"]

    ours = told(shop.run(asked(), refs, "ours", filter_by_created_timestamp=True))
    theirs = told(shop.run(asked().to_pandas(), refs, "duckdb", filter_by_created_timestamp=True))

    assert ours == theirs
    assert ours != told(shop.run(asked(), refs, "ours"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_features_bear_their_views_name_when_asked_to(shop: Shop) -> None:
    refs = ["plain:score", "tied:score"]

    ours = shop.run(asked(), refs, "ours", full_feature_names=True)

    assert ours.column_names[-2:] == ["plain__score", "tied__score"]
    assert told(ours) == told(shop.run(asked().to_pandas(), refs, "duckdb", full_feature_names=True))


def test_as_many_rows_come_out_as_went_in_and_in_their_order(shop: Shop) -> None:
    ours = shop.run(asked(), REFS["of several views"], "ours")

    assert ours.select(asked().column_names).equals(asked())


@pytest.mark.parametrize("form", ["pandas", "sql", "text times"])
def test_rows_may_be_asked_for_in_pandas_or_in_sql_too(shop: Shop, form: str) -> None:
    refs, path = REFS["within its time to live"], shop.folder / "asked.parquet"
    parquet.write_table(asked(), path)
    text = asked().set_column(0, "event_timestamp", asked()["event_timestamp"].cast(pa.string()))
    given = {
        "pandas": asked().to_pandas(),
        "sql": f"SELECT * FROM read_parquet('{path}')",
        "text times": text,
    }

    assert told(shop.run(given[form], refs, "ours")) == told(shop.run(asked(), refs, "ours"))


def test_nobody_asked_for_gives_no_row_and_every_column(shop: Shop) -> None:
    got = shop.run(asked().slice(0, 0), REFS["of several views"], "ours")

    assert (got.num_rows, got.column_names[-3:]) == (0, ["score", "word", "n"])


@pytest.mark.parametrize("by_asof", [True, False])
def test_many_rows_per_key_are_joined_otherwise_and_alike(
    shop: Shop, by_asof: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = told(shop.run(asked(), REFS["of several views"], "ours"))
    monkeypatch.setattr(asof, "_dense", lambda *_: by_asof)

    assert told(shop.run(asked(), REFS["of several views"], "ours")) == before


def source(path: Path, **more: Any) -> Source:
    return Source(path, (("customer_id", "customer_id"),), "available_at", (("score", "score"),), **more)


@pytest.mark.parametrize("by_asof", [True, False])
@pytest.mark.parametrize("turn", [1, -1])
def test_of_rows_that_tie_in_everything_the_last_of_the_file_is_told(
    tmp_path: Path, by_asof: bool, turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asof, "_dense", lambda *_: by_asof)
    rows = [row("C1", NOON, float(n), None, None) for n in range(5000)][::turn]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "ties.parquet", row_group_size=100)
    one = pa.table({"customer_id": ["C1"], "event_timestamp": pa.array([NOON], US)})

    got = asof.join(
        Settings(home=tmp_path, threads=2),
        one,
        "event_timestamp",
        [source(tmp_path / "ties.parquet")],
        written_by_then=False,
    )

    assert got["score"].to_pylist() == [4999.0 if turn == 1 else 0.0]


def test_keys_of_many_rows_are_sorted_and_keys_of_few_are_paired(tmp_path: Path) -> None:
    from loanbook import lake

    keys = [f"C{n // 100}" for n in range(2000)]
    rows = [row(key, NOON, 1.0, None, None) for key in keys]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet")
    with lake.connect(Settings(home=tmp_path)) as connection:
        for count, dense in ((2000, True), (20, False)):
            many = pa.table({"customer_id": keys[:count], "event_timestamp": pa.array([NOON] * count, US)})
            connection.register("asked", many)
            assert asof._dense(connection, source(tmp_path / "t.parquet")) is dense


def test_a_column_may_have_a_name_of_ours(tmp_path: Path) -> None:
    names = ("n", "place", "k0", "now", "t", "known", "asked", "f", "w", "select", 'q"uote', "file")
    one = {"customer_id": ["C1"], "available_at": pa.array([NOON], US)} | {name: [name] for name in names}
    parquet.write_table(pa.table(one), tmp_path / "t.parquet")
    asking = pa.table(
        {"customer_id": ["C1"], "event_timestamp": pa.array([NOON], US), "k0": ["x"], "now": [1]}
    )
    told = Source(
        tmp_path / "t.parquet",
        (("customer_id", "customer_id"),),
        "available_at",
        tuple((name, f"told {name}") for name in names),
    )

    got = asof.join(Settings(home=tmp_path), asking, "event_timestamp", [told], written_by_then=False)

    assert got.to_pylist()[0] == asking.to_pylist()[0] | {f"told {name}": name for name in names}


def test_a_join_larger_than_its_memory_spills_and_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import duckdb

    from loanbook import lake

    count = 600_000
    known = (
        "SELECT 'customer number ' || i % 400000 AS customer_id,"
        " TIMESTAMP '2024-01-01' + to_hours(i::INTEGER) AS available_at, i::DOUBLE AS score"
        " FROM range(2000000) r(i)"
    )
    with lake.connect(Settings(home=tmp_path, threads=1)) as connection:
        lake.copy_out(connection, known, tmp_path / "t.parquet")
    moments = pa.array([datetime(2300, 1, 1)] * count, US)
    many = pa.table({"customer_id": [f"customer number {n}" for n in range(count)], "at": moments})
    place, told = Settings(home=tmp_path, threads=1, memory="60MB"), source(tmp_path / "t.parquet")

    got = asof.join(place, many, "at", [told], written_by_then=False)["score"].to_pylist()

    assert got == [1_600_000.0 + n if n < 400_000 else None for n in range(count)]
    monkeypatch.setattr(lake, "connect", no_spill(lake.connect))
    with pytest.raises(duckdb.OutOfMemoryException):
        asof.join(place, many, "at", [told], written_by_then=False)


def no_spill(connect: Any) -> Any:
    from contextlib import contextmanager

    @contextmanager
    def connected(place: Settings) -> Any:
        with connect(place) as connection:
            connection.execute("SET max_temp_directory_size = '0KB'")
            yield connection

    return connected


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("reading", ["pull_latest_from_table_or_query", "pull_all_from_table_or_query"])
@pytest.mark.parametrize("view", ["plain", "tied", "pair"])
def test_feasts_materialize_reads_the_same_rows_from_both(shop: Shop, reading: str, view: str) -> None:
    from datetime import UTC

    keys, names = (["one", "two"], ["n"]) if view == "pair" else (["customer_id"], ["score", "word"])
    created = "written" if view == "tied" else None
    found = []
    for kind in ("ours", "duckdb"):
        feast = shop.feast(kind)
        batch = feast.get_feature_view(view).batch_source
        offline = feast._get_provider().offline_store
        job = getattr(offline, reading)(
            feast.config,
            batch,
            keys,
            names,
            "available_at",
            created,
            NOON.replace(tzinfo=UTC) - TTL,
            NOON.replace(tzinfo=UTC),
        )
        table = job.to_arrow()
        rows = [{name: None if v != v else v for name, v in one.items()} for one in table.to_pylist()]
        found.append(sorted(rows, key=repr))

    assert found[0] == found[1]
    assert found[0]


def test_a_feature_table_is_not_written_through_feast(shop: Shop) -> None:
    feast = shop.feast("ours")
    offline = feast._get_provider().offline_store
    view = feast.get_feature_view("plain")

    with pytest.raises(FeatureError, match=r"plain can't be written through Feast.*featurize"):
        offline.offline_write_batch(feast.config, view, pa.table({}), None)
    with pytest.raises(FeatureError, match="logged features can't be written"):
        offline.write_logged_features(feast.config, pa.table({}), None, None, None)
    with pytest.raises(FeatureError, match="saved dataset can't be written"):
        feast.get_historical_features(asked(), ["plain:score"]).persist(None)


def test_rows_without_keys_or_moments_are_refused(shop: Shop) -> None:
    with pytest.raises(FeatureError, match="no rows were asked for"):
        shop.feast("ours").get_historical_features(
            features=["plain:score"], start_date=NOON - DAY, end_date=NOON
        )
    with pytest.raises(FeatureError, match="no event_timestamp"):
        shop.run(pa.table({"customer_id": ["C1"]}), ["plain:score"], "ours")


def test_a_feature_table_that_is_gone_is_named(tmp_path: Path) -> None:
    one = pa.table({"customer_id": ["C1"], "event_timestamp": pa.array([NOON], US)})

    with pytest.raises(FeatureError, match=r"is no file.*gone\.parquet"):
        asof.join(
            Settings(home=tmp_path),
            one,
            "event_timestamp",
            [source(tmp_path / "gone.parquet")],
            written_by_then=False,
        )
