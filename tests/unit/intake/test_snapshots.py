"""A reading is frozen under the hash of its content: the same raw bytes, the same snapshot, no work twice."""

from __future__ import annotations

from datetime import datetime

import pytest

from loanbook.errors import BatchBlocked, MappingError, RawFileError
from loanbook.intake import snapshots


def files(reading):
    return [part.path for snapshot in reading.snapshots for part in snapshot.parts]


def held(tiny, table, columns):
    snapshot = tiny.freeze().snapshot(table)
    return tiny.rows(f"SELECT {columns} FROM {snapshot.relation}")


def test_a_table_is_cast_to_the_schema_and_ordered_by_its_key(tiny):
    rows = held(tiny, "applications", "application_id, _file, _row, amount, _broken")
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert rows[0][1:3] == ("asked.csv", 1)
    assert str(rows[0][3]) == "1000.50"


def test_tables_and_columns_that_nobody_gives_are_named(tiny):
    reading = tiny.freeze()
    assert [snapshot.table for snapshot in reading.snapshots] == ["customers", "applications"]
    assert "loans" in reading.missing
    assert "phone" in reading.snapshot("customers").missing_columns
    assert reading.snapshot("loans") is None


def test_a_second_run_finds_the_first_ones_work(tiny):
    first = tiny.freeze()
    before = [path.stat().st_mtime_ns for path in files(first)]
    assert tiny.freeze() == first
    assert [path.stat().st_mtime_ns for path in files(first)] == before


def test_a_snapshot_that_was_lost_or_altered_is_frozen_again(tiny):
    first = tiny.freeze()
    altered, lost = files(first)
    altered.write_bytes(b"other")
    lost.unlink()
    assert tiny.freeze() == first
    assert lost.exists()


def test_neither_threads_nor_place_change_the_bytes(tiny, tmp_path):
    first = tiny.freeze()
    other = tiny.freeze(threads=1, home=tmp_path / "elsewhere")
    assert [snapshot.digest for snapshot in first.snapshots] == [each.digest for each in other.snapshots]


@pytest.mark.parametrize("change", ["raw", "sql", "toml"])
def test_whatever_decides_a_reading_changes_the_name_of_its_batch(tiny, change):
    before = snapshots.expected(tiny.settings, tiny.dataset, tiny.survey())
    if change == "raw":
        tiny.spoil("people.csv", "Name 3", "Name 4")
    elif change == "sql":
        tiny.edit("customers.sql", "FROM", "FROM ")
    else:
        tiny.edit("dataset.toml", "made up", "made  up")
    now = snapshots.expected(tiny.settings, tiny.dataset, tiny.survey())
    assert now != before
    assert now == tuple(batch.id for batch in tiny.freeze().book.batches)


def test_the_day_of_a_reading_is_the_latest_day_known(tiny):
    assert tiny.freeze().as_of == datetime(2020, 2, 9, 10)


def test_an_impossible_clock_does_not_move_the_day_of_a_reading(tiny):
    tiny.spoil("asked.csv", "2020-02-01", "2999-02-01")
    assert tiny.freeze().as_of == datetime(2020, 2, 9, 10)


def test_the_dataset_s_day_goes_before_and_the_caller_s_before_that(tiny):
    tiny.edit("dataset.toml", 'licence = "made up"', 'licence = "made up"\nas_of = 2021-01-01')
    assert tiny.freeze().as_of == datetime(2021, 1, 1)
    day = datetime(2022, 2, 2)
    reading = snapshots.freeze(tiny.settings, tiny.dataset, tiny.survey(), as_of=day)
    assert reading.as_of == day


def test_a_reading_in_which_nothing_was_ever_known_is_blocked(tiny):
    for name in ("customers.sql", "applications.sql"):
        text = (tiny.folder / name).read_text()
        tiny.write(
            name,
            text.replace("day AS available_at", "NULL AS available_at").replace(
                "since AS available_at", "NULL AS available_at"
            ),
        )
    with pytest.raises(BatchBlocked, match="no row says when it could be known"):
        tiny.freeze()


def test_an_impossible_birth_date_is_told_by_its_shape_alone(tiny):
    tiny.spoil("people.csv", "1952-03-03", "1987-02-31")
    rows = held(tiny, "customers", "customer_id, birth_date, _broken")
    assert ("C2", None, "birth_date like 9999-99-99") in rows


def test_what_was_broken_raw_and_what_is_broken_mapped_are_both_told(tiny):
    tiny.spoil("people.csv", "1952-03-03,2020-01-01 08:00:00", "1987-02-31,noon")
    assert ("since=noon; birth_date like 9999-99-99",) in held(tiny, "customers", "_broken")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "born AS birth_date",
            "birth AS birth_date",
            r"(?s)the mapping fails.*birth.*customers.sql.*Mend its SQL",
        ),
        ("FROM raw.people", "FROM raw.persons", "the mapping fails.*persons"),
        ("SELECT", "SELEKT", "the mapping fails"),
        ("name,", "name AS nick,", "customers has no column 'nick'.*Known are customer_id"),
        ("id AS customer_id", "id AS name2", "has no column 'name2'"),
        ("since AS available_at,", "", "doesn't give available_at"),
        ("since AS event_at", "CAST(name AS TIMESTAMP) AS event_at", "the mapping fails: Conversion Error"),
        ("name,", "getvariable('x')::VARCHAR AS name,", "asks for variables, which hold keys"),
        ("FROM raw.people", "FROM raw.people; DROP TABLE raw.people", "not one SELECT"),
        ("FROM raw.people", "FROM read_csv('/etc/passwd')", "the mapping fails.*disabled by configuration"),
    ],
)
def test_a_wrong_mapping_is_refused_by_its_file(tiny, old, new, says):
    tiny.edit("customers.sql", old, new)
    with pytest.raises(MappingError, match=says):
        tiny.freeze()
    assert not list((tiny.root / "home").rglob("batches/*.json"))


def test_a_mapping_that_writes_is_refused(tiny):
    tiny.write("customers.sql", "COPY (SELECT 1) TO 'x.csv'")
    with pytest.raises(MappingError, match="not one SELECT"):
        tiny.freeze()


def test_a_mapping_that_would_lose_broken_rows_is_blocked(tiny):
    tiny.spoil("asked.csv", "1000.50", "many")
    tiny.edit("applications.sql", ", _file, _row, _broken", "")
    with pytest.raises(BatchBlocked, match=r"1 rows of asked.csv can't be read.*doesn't carry _broken"):
        tiny.freeze()


def test_a_mapping_need_not_carry_provenance_when_every_row_can_be_read(tiny):
    tiny.edit("applications.sql", ", _file, _row, _broken", "")
    assert held(tiny, "applications", "count(*), count(_file), count(_broken)") == [(40, 0, 0)]


def test_a_table_whose_optional_files_did_not_come_is_missing_and_not_empty(tiny):
    tiny.edit("dataset.toml", 'files = ["asked*.csv"]', 'optional = true\nfiles = ["asked*.csv"]')
    (tiny.data / "asked.csv").unlink()
    assert "applications" in tiny.freeze().missing


def test_damage_inside_a_file_that_looks_whole_is_named(tiny):
    tiny.edit(
        "dataset.toml",
        'files = ["people*.csv"]\nformat = "csv"\nnull = ["", "NA"]',
        'files = ["people.parquet"]\nformat = "parquet"',
    )
    path = tiny.data / "people.parquet"
    tiny.rows(
        "COPY (SELECT md5('C' || range) AS id, md5('x' || range) AS born, TIMESTAMP '2020-01-01' AS since, "
        f"md5('n' || range) AS name FROM range(5000)) TO '{path}' (FORMAT parquet)"
    )
    body = bytearray(path.read_bytes())
    body[200:60000] = b"\xff" * 59800
    path.write_bytes(body)
    with pytest.raises((MappingError, RawFileError), match=r"customers.sql|people.parquet"):
        tiny.freeze()
