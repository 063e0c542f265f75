from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from loanbook.schema import REFERENCES, TABLES
from loanbook.world import Plant
from loanbook.world.bad_rows import DEFECTS

from .conftest import SHORT, Simulated, World

Row = dict[str, Any]
SHOWS: dict[str, Callable[[Any, Row], bool]] = {
    "null_key": lambda value, row: value is None,
    "null_required": lambda value, row: value is None,
    "duplicate": lambda value, row: value is not None,
    "orphan_key": lambda value, row: value[1:3] == "99",
    "negative_amount": lambda value, row: value < 0,
    "future_model_year": lambda value, row: value == 2060,
    "impossible_date": lambda value, row: value.endswith("-02-31"),
    "swapped_position": lambda value, row: value > 54 and row["lon"] < 100,
    "broken_encoding": lambda value, row: "\ufffd" in value,
}


@pytest.fixture(scope="module")
def placed(world: World) -> list[tuple[Row, Row]]:
    """Each record of a broken row beside the row that lies there."""
    pairs = []
    records = world.truth("bad_rows").to_pylist()
    for table in DEFECTS:
        rows = world.raw(table)
        lies = dict(zip(_places(rows), range(rows.num_rows), strict=True))
        mine = [record for record in records if record["table"] == table]
        there = rows.take([lies[record["file"], record["row"]] for record in mine]).to_pylist()
        pairs += list(zip(mine, there, strict=True))
    assert len(pairs) == len(records)
    return pairs


def _places(rows: Any) -> zip[tuple[str, int]]:
    return zip(rows["_file"].to_pylist(), rows["_row"].to_pylist(), strict=True)


def test_every_recorded_row_shows_its_defect_where_it_lies(placed: list[tuple[Row, Row]]) -> None:
    assert len(placed) > 100
    for record, row in placed:
        assert row[TABLES[record["table"]].key] == record["key"]
        assert SHOWS[record["kind"]](row[record["column"]], row), record


def test_every_kind_of_defect_of_every_table_occurs(placed: list[tuple[Row, Row]]) -> None:
    seen = {(record["table"], record["kind"], record["column"]) for record, _ in placed}
    large = {
        "customers",
        "applications",
        "bureau_reports",
        "vehicles",
        "transactions",
        "links",
        "loans",
        "repayments",
    }
    wanted = {(table, one.kind, one.column) for table in large for one in DEFECTS[table]}
    assert wanted <= seen


def test_a_clean_row_has_none_of_the_defects(world: World) -> None:
    for table, defects in DEFECTS.items():
        rows = world.clean(table)
        assert rows[TABLES[table].key].null_count == 0
        assert pc.count_distinct(rows[TABLES[table].key]).as_py() == rows.num_rows
        for one in defects:
            if one.kind in ("duplicate", "swapped_position"):
                continue
            for value in rows[one.column].to_pylist():
                if value is not None or one.kind.startswith("null"):
                    assert not SHOWS[one.kind](value, {}), (table, one.kind, value)


def test_a_broken_row_has_one_defect_and_is_otherwise_a_copy(
    world: World, placed: list[tuple[Row, Row]]
) -> None:
    for record, row in placed:
        shown = {
            one.kind
            for one in DEFECTS[record["table"]]
            if one.kind != "duplicate"
            and (row[one.column] is not None or one.kind.startswith("null"))
            and SHOWS[one.kind](row[one.column], row)
        }
        assert shown <= {record["kind"]}, record


def test_a_duplicate_lies_below_the_row_it_repeats(world: World, placed: list[tuple[Row, Row]]) -> None:
    twice = [(record, row) for record, row in placed if record["kind"] == "duplicate"]
    assert twice
    for table in DEFECTS:
        key = TABLES[table].key
        repeated = {row[key]: record for record, row in twice if record["table"] == table}
        same: dict[str, list[Row]] = {one: [] for one in repeated}
        rows = world.raw(table)
        for row in rows.filter(pc.is_in(rows[key], pa.array(list(repeated), pa.string()))).to_pylist():
            same[row[key]].append(row)
        for one, record in repeated.items():
            first, second = same[one]
            assert first["_file"] == second["_file"]
            assert second["_row"] == record["row"] > first["_row"]
            assert {**first, "_row": 0} == {**second, "_row": 0}


def test_nobody_refers_to_a_broken_row(world: World) -> None:
    """So that holding it back makes no orphan of a clean row."""
    broken = {
        record["key"] for record in world.truth("bad_rows").to_pylist() if record["kind"] != "duplicate"
    }
    for table, references in REFERENCES.items():
        for column, _ in references:
            assert broken.isdisjoint(set(world.clean(table)[column].to_pylist()) - {None})


def test_about_three_in_a_thousand_rows_are_broken(world: World) -> None:
    share = world.truth("bad_rows").num_rows / sum(world.manifest.rows.values())
    assert 0.002 < share < 0.004


def test_without_the_plant_the_clean_rows_are_the_same_and_nothing_is_broken(
    short: World, simulated: Simulated
) -> None:
    plain = simulated(replace(SHORT, plants=SHORT.plants - {Plant.BAD_ROWS}))
    assert plain.truth("bad_rows").num_rows == 0
    for table in DEFECTS:
        clean = short.clean(table).drop_columns(["_row"])
        assert plain.raw(table).drop_columns(["_row"]).equals(clean), table
