from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from loanbook.schema import REFERENCES, TABLES
from loanbook.world import simulate

from .conftest import SHORT, World


def test_the_same_seed_gives_the_same_bytes(short: World, tmp_path: Path) -> None:
    simulate(SHORT, tmp_path)
    assert World(SHORT, tmp_path, short.manifest).digests() == short.digests()


def test_two_runs_over_the_months_give_the_bytes_of_one(short: World, tmp_path: Path) -> None:
    first = simulate(SHORT, tmp_path, last_month=6)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "raw").rglob("*.parquet")}
    second = simulate(SHORT, tmp_path, first_month=7, last_month=9)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert set(second.files).isdisjoint(before)
    assert set(first.files) == set(before)
    assert World(SHORT, tmp_path, second).digests() == short.digests()


def test_the_bytes_do_not_depend_on_the_number_of_threads(short: World, tmp_path: Path) -> None:
    threads = pa.cpu_count()
    pa.set_cpu_count(1 if threads > 1 else 2)
    try:
        simulate(SHORT, tmp_path, last_month=3)
    finally:
        pa.set_cpu_count(threads)
    made = World(SHORT, tmp_path, short.manifest).digests("raw")
    assert made
    assert made.items() <= short.digests("raw").items()


def test_another_seed_gives_another_world(short: World, tmp_path: Path) -> None:
    simulate(replace(SHORT, seed=4), tmp_path, last_month=1)
    one = tmp_path / "raw" / "applications" / "2020-01.parquet"
    assert one.read_bytes() != (short.folder / "raw" / "applications" / "2020-01.parquet").read_bytes()


def test_every_table_is_delivered_and_counted(world: World) -> None:
    assert set(world.manifest.rows) == set(TABLES)
    for table in TABLES:
        files = sorted((world.folder / "raw" / table).glob("*.parquet"))
        assert sum(pq.read_metadata(path).num_rows for path in files) == world.manifest.rows[table]
        assert set(files) <= set(world.manifest.files)
    assert world.manifest.bad_rows == world.truth("bad_rows").num_rows


def test_as_many_apply_as_were_asked_for(world: World) -> None:
    assert world.clean("applications").num_rows == world.spec.applications
    assert world.truth("applications").num_rows == world.spec.applications


@pytest.mark.parametrize("table", list(TABLES))
def test_a_file_holds_what_became_available_in_its_month(world: World, table: str) -> None:
    rows = world.raw(table)
    months = pc.strftime(rows["available_at"], "%Y-%m").to_pylist()
    files = [name[-15:-8] for name in rows["_file"].to_pylist()]
    opening = world.spec.name_of(1)
    pairs = set(zip(months, files, strict=True))
    assert all(month == file or (month < file == opening) for month, file in pairs)


@pytest.mark.parametrize("table", list(TABLES))
def test_nothing_is_available_before_it_happened(world: World, table: str) -> None:
    rows = world.clean(table)
    assert pc.all(pc.greater_equal(rows["available_at"], rows["event_at"])).as_py()


def test_times_are_naive_microseconds_and_money_is_exact(world: World) -> None:
    for table, declared in TABLES.items():
        schema = pq.read_schema(next((world.folder / "raw" / table).glob("*.parquet")))
        for column in declared.columns:
            if column.name not in schema.names:
                continue
            if column.type == "TIMESTAMP":
                assert schema.field(column.name).type == pa.timestamp("us")
            if column.type.startswith("DECIMAL"):
                assert schema.field(column.name).type == pa.decimal128(18, 2)


def test_the_truth_never_lies_below_raw(world: World) -> None:
    assert {path.name for path in world.folder.iterdir()} == {"raw", "truth"}
    assert {path.name for path in (world.folder / "raw").iterdir()} == set(TABLES)
    told = {"true_pd", "bad12", "ring_id", "response_with", "uplift", "default_at"}
    for table in TABLES:
        schema = pq.read_schema(next((world.folder / "raw" / table).glob("*.parquet")))
        assert told.isdisjoint(schema.names)


def test_sources_keep_their_lags(world: World) -> None:
    def days(table: str) -> list[float]:
        rows = world.clean(table)
        lag = pc.subtract(rows["available_at"], rows["event_at"]).cast(pa.int64())
        return [micros / 86_400e6 for micros in lag.to_pylist()]

    assert set(days("bureau_reports")) == {2.0}
    assert set(days("transactions")) == {1.0}
    assert set(days("contacts")) == {14.0}
    assert all(1 <= lag <= 3 for lag in days("repayments"))


def test_all_parents_are_known_by_the_month_of_their_children(world: World) -> None:
    for table, references in REFERENCES.items():
        rows = world.clean(table)
        for column, parent in references:
            arrived = world.clean(parent)
            key = TABLES[parent].key
            when: dict[str, datetime] = dict(
                zip(arrived[key].to_pylist(), arrived["available_at"].to_pylist(), strict=True)
            )
            for child, at in zip(rows[column].to_pylist(), rows["available_at"].to_pylist(), strict=True):
                assert child is None or when[child] <= at, (table, column, child)


def test_progress_is_told_month_by_month(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    simulate(SHORT, tmp_path, last_month=3, progress=lambda done, all_: seen.append((done, all_)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_failure_leaves_no_truth_behind(tmp_path: Path) -> None:
    def stop(done: int, _: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(SHORT, tmp_path, last_month=3, progress=stop)
    assert list((tmp_path / "truth").glob("*")) == []
    assert not list((tmp_path / "raw").rglob(".*"))
