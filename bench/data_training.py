"""A training set of a million applications: ours, by hand in DuckDB, by Feast's own store on DuckDB."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.data_sides import (
    Side,
    declare,
    drawn,
    features_of,
    key_of,
    least,
    moment_of,
    place_of,
    side,
    views,
    warm,
)
from bench.measuring import ROOT, Row, at_least, at_most, cpu, exactly, peak

APPLICATIONS, CUSTOMERS = 1_000_000, 500_000
ROWS = {"application": 1_000_000, "bureau": 1_500_000, "history": 3_000_000, "transactions": 10_000_000}
DENSE_CUSTOMERS = 20_000  # 500 transactions each
TRAINING = """
import views
from feast import FeatureService
bench = FeatureService(
    name="bench",
    features=[views.application, views.bureau, views.history, views.transactions],
    tags={"purpose": "underwriting"},
)
"""


def rows(scratch: Path, customers: int) -> Iterator[Row]:
    """Measure with as many customers; with few, each has many rows."""
    _lay(scratch, customers)
    feast = side("feast", scratch)
    dense = customers == DENSE_CUSTOMERS  # where pairing by hand would take as long as Feast
    hand, ours = (None, side("ours", scratch)) if dense else least(("by hand", "ours"), scratch)
    spent = f"({feast.cpu:.1f} s, {feast.memory:.1f} GiB; ours {ours.cpu:.1f} s, {ours.memory:.1f} GiB)"
    what = f"training set, {APPLICATIONS:,} × {len(ROWS)} views, {sum(ROWS.values()):,} rows behind them"
    if hand is None:
        many = ROWS["transactions"] // customers
        name = f"the same with {many} transactions per customer: CPU of Feast's own over ours {spent}"
        yield at_least("data", name, feast.cpu / ours.cpu, 8)
        yield exactly("data", "  different answers of the two", len({ours.made, feast.made}), 1)
        return
    name = f"{what}: CPU against by hand in DuckDB ({ours.cpu:.1f} s of {hand.cpu:.1f} s)"
    yield at_most("data", name, ours.cpu / hand.cpu, 1.2)
    name = f"  memory against by hand ({ours.memory:.2f} GiB of {hand.memory:.2f} GiB)"
    yield at_most("data", name, ours.memory / hand.memory, 1.5)
    yield at_least("data", f"  CPU of Feast's own duckdb store over ours {spent}", feast.cpu / ours.cpu, 1.5)
    same = len({hand.made, ours.made, feast.made})
    yield exactly("data", "  different answers of the three", same, 1)


def _lay(scratch: Path, customers: int) -> None:
    from loanbook import lake

    place = place_of(scratch)
    shutil.copytree(ROOT / "feature_repo", place.repo / "feature_repo")
    (place.repo / "feature_repo" / "bench_service.py").write_text(TRAINING, encoding="utf-8")
    features = features_of(scratch)
    features.folder.mkdir(parents=True)
    with lake.connect(replace(place, memory="6GB")) as connection:
        for view, declared in views().items():
            if view not in ROWS:  # declared to Feast, and asked for by nobody here
                (features.folder / f"{view}.parquet").touch()
                continue
            keys = APPLICATIONS if view == "application" else customers
            query = drawn(declared, ROWS[view], f"hash(i) % {keys}")
            lake.copy_out(connection, query, features.folder / f"{view}.parquet")
        asked = (
            f"SELECT {key_of('i')} AS application_id, {key_of(f'hash(i * 3) % {customers}')} AS customer_id, "
            f"({moment_of(11)})::TIMESTAMPTZ AS event_timestamp, i AS asking "
            f"FROM range({APPLICATIONS}) r(i) ORDER BY hash(i)"
        )
        lake.copy_out(connection, asked, scratch / "asked.parquet")
    declare(place, features)


def _by_hand(scratch: Path) -> Side:
    """Keys-only join, winning row number, late materialization: as one would write it for these four."""
    import duckdb
    import pyarrow.parquet as pq

    place, features, asked = place_of(scratch), features_of(scratch), pq.read_table(scratch / "asked.parquet")
    declared = views()

    def work() -> Any:
        told = asked
        with duckdb.connect(config={"threads": place.threads, "memory_limit": place.memory}) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.register("asked", asked)
            for view in ROWS:
                key, ttl = declared[view].key, int(declared[view].ttl * 10**6)
                file = f"read_parquet('{features.folder / view}.parquet', file_row_number = true)"
                names = ", ".join(name for name, _ in declared[view].fields)
                times = (
                    f"SELECT {key} AS k, epoch_us(available_at) AS t, file_row_number AS place FROM {file}"
                )
                connection.execute(
                    f"CREATE OR REPLACE TEMP TABLE won AS SELECT asking, max_by(place, t) AS place "
                    f"FROM asked JOIN ({times}) ON k = asked.{key} AND t <= epoch_us(event_timestamp) "
                    f"AND t >= epoch_us(event_timestamp) - {ttl} GROUP BY asking"
                )
                found = f"SELECT asking, {names} FROM won JOIN {file} ON file_row_number = place"
                known = connection.sql(
                    f"SELECT {names} FROM (SELECT asking, row_number() OVER () AS n FROM asked) "
                    f"LEFT JOIN ({found}) USING (asking) ORDER BY n"
                ).to_arrow_table()
                for name in known.column_names:
                    told = told.append_column(name, known[name])
        return told

    return measured(work)


def _ours(scratch: Path) -> Side:
    import pyarrow.parquet as pq

    from loanbook.features import store

    place, features, asked = place_of(scratch), features_of(scratch), pq.read_table(scratch / "asked.parquet")
    warm()
    return measured(lambda: store.history(place, features, "bench", asked))


def _feast(scratch: Path) -> Side:
    """Feast's own duckdb store, with what it wants in pandas already."""
    import pyarrow.parquet as pq

    from loanbook.features.store import opening

    place, features = place_of(scratch), features_of(scratch)
    path = place.repo / "feature_repo" / "feature_store.yaml"
    text = path.read_text(encoding="utf-8")
    ending = "offline_store:\n  type: duckdb\nentity_key_serialization_version: 3\n"
    asked = pq.read_table(scratch / "asked.parquet").to_pandas()
    try:
        path.write_text(text[: text.index("offline_store:")] + ending, encoding="utf-8")
        store = opening.opened(place, features)
        service = store.get_feature_service("bench")
    finally:
        path.write_text(text, encoding="utf-8")
    return measured(lambda: store.get_historical_features(asked, service).to_arrow())


def measured(work: Callable[[], Any]) -> Side:
    before = cpu()
    table = work()
    return Side(cpu() - before, peak(), _hashed(table))


def _hashed(table: Any) -> str:
    """Hash a training set, whatever the order of its rows and columns."""
    told, table = hashlib.sha256(), table.sort_by("asking")
    for name in sorted(table.column_names):
        if name != "event_timestamp":
            column = table[name].combine_chunks()
            told.update(name.encode() + column.is_null().to_numpy(zero_copy_only=False).tobytes())
            plain = column.fill_null("" if str(column.type).endswith("string") else 0)
            told.update(
                "\0".join(plain.to_pylist()).encode()
                if plain.type == "string"
                else plain.to_numpy().tobytes()
            )
    return told.hexdigest()


SIDES: dict[str, Callable[[Path], Side]] = {"by hand": _by_hand, "ours": _ours, "feast": _feast}
