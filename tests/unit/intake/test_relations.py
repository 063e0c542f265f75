"""What a mapping's SQL reads: typed columns, the rest as it was, and where each row came from."""

from __future__ import annotations

import json

import duckdb
import pytest

from loanbook.intake import relations


@pytest.fixture
def attached(tiny, tmp_path):
    """Attach the tiny lender's raw files and query them."""
    connection = duckdb.connect()

    def query(sql):
        relations.attach(connection, tiny.dataset, tiny.survey())
        return connection.execute(sql).fetchall()

    yield query
    connection.close()


def test_rows_are_numbered_in_the_order_of_their_file(tiny, attached):
    tiny.deliver(
        "asked_b.csv", "id,person,day,amount,lat,lon\nB1,C1,2020-01-01,5,50,8\nB2,C1,2020-01-01,6,50,8\n"
    )
    rows = attached("SELECT _file, _row, id FROM raw.asked ORDER BY _file, _row")
    assert rows[0] == ("asked.csv", 1, "A0")
    assert rows[39] == ("asked.csv", 40, "A39")
    assert rows[40:] == [("asked_b.csv", 1, "B1"), ("asked_b.csv", 2, "B2")]


def test_a_value_that_cannot_be_read_is_null_and_told(tiny, attached):
    tiny.spoil("asked.csv", "1000.50", "12 EUR")
    assert attached("SELECT amount, _broken FROM raw.asked WHERE id = 'A0'") == [(None, "amount=12 EUR")]
    assert attached("SELECT count(_broken) FROM raw.asked") == [(1,)]


def test_declared_nulls_are_null_and_undeclared_columns_stay_text(tiny, attached):
    tiny.spoil("people.csv", "Name 3", "NA")
    tiny.spoil("people.csv", "Name 4", "007")
    assert attached("SELECT name FROM raw.people WHERE id IN ('C3', 'C4') ORDER BY id") == [(None,), ("007",)]


@pytest.mark.parametrize("value", ["nan", "inf", "1e400"])
def test_a_number_that_is_none_is_broken(tiny, attached, value):
    tiny.edit("dataset.toml", 'amount = "DECIMAL(18,2)"', 'amount = "DOUBLE"')
    tiny.spoil("asked.csv", "1000.50", value)
    assert attached("SELECT amount, _broken FROM raw.asked WHERE id = 'A0'") == [(None, f"amount={value}")]


def test_of_what_is_protected_or_leads_nowhere_only_the_look_of_a_value_is_told(tiny, attached):
    tiny.edit("dataset.toml", 'born = "VARCHAR"', 'born = "DATE"')
    tiny.edit("dataset.toml", 'person = "VARCHAR"', 'person = "VARCHAR", lat = "DOUBLE"')
    tiny.edit("applications.sql", "lat, lon,", "NULL AS lat, lon,")
    tiny.spoil("people.csv", "1952-03-03,2020-01-01 08:00:00", "1987-02-31,noon")
    tiny.spoil("asked.csv", "1000.50,50.5,", "12 EUR,5O.1,")
    told = attached("SELECT _broken FROM raw.people WHERE _broken IS NOT NULL")
    assert told == [("born like 9999-99-99; since=noon",)]
    told = attached("SELECT _broken FROM raw.asked WHERE _broken IS NOT NULL")
    assert told == [("lat like 9A.9; amount=12 EUR",)]


def test_a_fraction_is_not_rounded_into_a_whole_number(tiny, attached):
    tiny.edit("dataset.toml", 'amount = "DECIMAL(18,2)"', 'amount = "INTEGER"')
    text = (tiny.data / "asked.csv").read_text().replace(".50,", ",")
    tiny.deliver("asked.csv", text.replace("1003,", "1003.5,"))
    rows = attached("SELECT amount, _broken FROM raw.asked WHERE id IN ('A2', 'A3') ORDER BY id")
    assert rows == [(1002, None), (None, "amount=1003.5")]


def test_another_declared_encoding_is_read(tiny, attached):
    tiny.edit("dataset.toml", 'null = ["", "NA"]', 'encoding = "gb18030"')
    tiny.deliver(
        "people.csv", (tiny.data / "people.csv").read_text().replace("Name 2", "赵钱").encode("gb18030")
    )
    assert attached("SELECT name FROM raw.people WHERE id = 'C2'") == [("赵钱",)]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tiny, attached):
    tiny.deliver("people.csv", b"\xef\xbb\xbf" + (tiny.data / "people.csv").read_bytes())
    assert attached("SELECT min(id) FROM raw.people") == [("C0",)]


@pytest.mark.parametrize("lines", [False, True])
def test_json_is_read_as_text_and_typed_as_declared(tiny, attached, lines):
    tiny.edit(
        "dataset.toml",
        'files = ["people*.csv"]\nformat = "csv"\nnull = ["", "NA"]',
        'files = ["people*.json"]\nformat = "json"',
    )
    rows = [{"id": f"0{n}", "born": "1970-01-01", "since": "2020-01-01", "name": n} for n in range(4)]
    rows[2]["since"] = "never"
    text = "\n".join(json.dumps(row) for row in rows) if lines else json.dumps(rows)
    tiny.deliver("people.json", text)
    assert attached(
        "SELECT id, name, since::VARCHAR, _row, _broken FROM raw.people WHERE _row > 2 ORDER BY _row"
    ) == [
        ("02", "2", None, 3, "since=never"),
        ("03", "3", "2020-01-01 00:00:00", 4, None),
    ]


def test_an_optional_source_that_did_not_come_is_there_without_rows(tiny, attached):
    tiny.edit("dataset.toml", 'files = ["asked*.csv"]', 'optional = true\nfiles = ["asked*.csv"]')
    (tiny.data / "asked.csv").unlink()
    assert attached("SELECT count(*), count(amount), count(_broken) FROM raw.asked") == [(0, 0, 0)]


def test_parquet_rows_name_their_file_below_the_data_folder(tiny, attached):
    tiny.edit(
        "dataset.toml",
        'files = ["people*.csv"]\nformat = "csv"\nnull = ["", "NA"]',
        'files = ["in/*/p.parquet"]\nformat = "parquet"',
    )
    for month in ("2020-01", "2020-02"):
        folder = tiny.data / "in" / f"month={month}"
        folder.mkdir(parents=True)
        duckdb.connect().execute(
            f"COPY (SELECT '{month}' || range AS id, '1970-01-01' AS born, TIMESTAMP '2020-01-01' AS since "
            f"FROM range(3)) TO '{folder}/p.parquet' (FORMAT parquet)"
        )
    rows = attached("SELECT _file, _row, id FROM raw.people ORDER BY ALL")
    assert rows[-1] == ("in/month=2020-02/p.parquet", 3, "2020-022")
