"""A table of a real PostgreSQL is a raw relation like any other; its password is told to nobody."""

from __future__ import annotations

from pathlib import Path

import duckdb
import psycopg
import pytest

from loanbook.errors import DatasetError, RawFileError
from loanbook.intake import raw, relations, snapshots

pytestmark = pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR is not set")
PASSWORD = "hunter2-and-a-half"
SOURCE = """
[raw.asked]
from = "postgresql"
address = "env:CORE_BANK"
table = "lending.asked"
columns = { amount = "DECIMAL(18,2)" }
"""


@pytest.fixture
def bank(tiny, server):
    """The tiny lender's applications lie in that server."""
    toml = (tiny.folder / "dataset.toml").read_text()
    tiny.write("dataset.toml", toml[: toml.index("[raw.asked]")] + SOURCE)
    (tiny.data / "asked.csv").unlink()
    return tiny


@pytest.fixture
def given(server):
    return {"CORE_BANK": server.get_uri()}


def clerk(server, password):
    host = server.get_uri().partition("host=")[2]
    return {"CORE_BANK": f"postgresql://clerk:{password}@/postgres?host={host}"}


def changed(server, sql):
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(sql)


def read(bank, given, sql):
    deliveries = raw.survey(bank.dataset, bank.data, given)
    with duckdb.connect() as connection:
        relations.attach(connection, bank.dataset, deliveries)
        return connection.execute(sql).fetchall()


def test_a_table_is_a_delivery_with_digest_and_rows(bank, given):
    asked = raw.survey(bank.dataset, bank.data, given)[1]
    assert (asked.source, asked.file, asked.rows, asked.broken) == (
        "asked",
        "postgresql:lending.asked",
        40,
        0,
    )
    assert len(asked.digest) == 64


def test_values_keep_the_servers_types_and_times_are_utc(bank, given):
    rows = read(
        bank, given, "SELECT typeof(COLUMNS(* EXCLUDE (_broken))), day::VARCHAR FROM raw.asked LIMIT 1"
    )
    assert rows[0][:-1] == (
        "VARCHAR", "VARCHAR", "TIMESTAMP", "DECIMAL(18,2)", "DOUBLE", "DOUBLE", "BOOLEAN", "INTEGER",
        "DECIMAL(12,3)", "VARCHAR", "VARCHAR", "VARCHAR", "BIGINT",
    )  # fmt: skip
    assert rows[0][-1] == "2020-02-01 08:00:00"


def test_no_value_an_empty_text_and_a_text_that_looks_like_none_are_three(bank, given):
    rows = read(bank, given, "SELECT note FROM raw.asked WHERE id IN ('A0', 'A1', 'A2', 'A3') ORDER BY id")
    assert rows == [(None,), ("",), ('two\nlines, "quoted"',), ("\\N",)]


def test_the_same_rows_kept_otherwise_are_the_same_delivery(bank, given, server):
    before = raw.survey(bank.dataset, bank.data, given)[1]
    rows = read(bank, given, "SELECT _row, id FROM raw.asked ORDER BY _row")
    changed(server, "UPDATE lending.asked SET amount = amount WHERE id < 'A2'")
    after = raw.survey(bank.dataset, bank.data, given)[1]
    assert after.digest == before.digest
    assert read(bank, given, "SELECT _row, id FROM raw.asked ORDER BY _row") == rows
    changed(server, "UPDATE lending.asked SET amount = amount + 1 WHERE id = 'A7'")
    assert raw.survey(bank.dataset, bank.data, given)[1].digest != before.digest


def test_what_no_type_of_ours_can_hold_is_broken_and_told(bank, given, server):
    changed(server, "INSERT INTO lending.asked VALUES ('N1', 'C1', 'infinity', 'NaN', 1, 1)")
    try:
        rows = read(bank, given, "SELECT day, amount, _broken FROM raw.asked WHERE id = 'N1'")
        assert rows == [(None, None, "day=infinity; amount=NaN")] or rows == [
            (None, None, "amount=NaN; day=infinity")
        ]
    finally:
        changed(server, "DELETE FROM lending.asked WHERE id = 'N1'")


def test_a_query_may_stand_for_a_table_and_several_tables_are_read_at_one_moment(bank, given):
    bank.edit(
        "dataset.toml", 'table = "lending.asked"', 'query = "SELECT * FROM lending.asked WHERE months > 1; "'
    )
    assert read(bank, given, "SELECT count(*) FROM raw.asked") == [(40,)]


def test_a_table_spelt_with_capitals_is_found(bank, given):
    bank.edit("dataset.toml", '"lending.asked"', '"lending.Mixed Case"')
    bank.edit("dataset.toml", 'columns = { amount = "DECIMAL(18,2)" }', "")
    assert read(bank, given, "SELECT id FROM raw.asked") == [(1,)]


def test_a_reading_is_mapped_and_frozen_like_any_other(bank, given):
    deliveries = raw.survey(bank.dataset, bank.data, given)
    reading = snapshots.freeze(bank.settings, bank.dataset, deliveries, as_of=None)
    assert reading.snapshot("applications").rows == 40


def test_nothing_that_was_fetched_lies_on_the_disk_in_plain(bank, given, server, tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    changed(server, "UPDATE lending.asked SET note = 'CANARY-7731' WHERE id = 'A9'")
    deliveries = raw.survey(bank.dataset, bank.data, given)
    held = deliveries[1].held
    assert b"CANARY-7731" in held.open().read()
    sealed = Path(f"/proc/self/fd/{held._file.fileno()}").read_bytes()
    assert len(sealed) > held.size
    assert b"CANARY" not in sealed
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ('table = "lending.aksed"', r"relation \"lending.aksed\" does not exist.*It has asked"),
        ('query = "SELECT nothing FROM lending.asked"', 'the query fails: column "nothing" does not exist'),
        ('query = "SELECT 1 AS a; DROP TABLE lending.asked"', "the query fails: syntax error"),
        ("query = \"SELECT pg_sleep(0)) TO PROGRAM 'id' --\"", "the query fails: syntax error"),
        ('query = "INSERT INTO lending.asked VALUES (1) RETURNING *"', "the query fails"),
    ],
    ids=["missing", "column", "two statements", "program", "writes"],
)
def test_what_the_server_refuses_is_told(bank, given, sql, says):
    bank.edit("dataset.toml", 'table = "lending.asked"', sql)
    with pytest.raises(RawFileError, match=f"(?s){says}"):
        raw.survey(bank.dataset, bank.data, given)


def test_a_table_without_the_right_to_read_it_is_told(bank, server):
    with pytest.raises(RawFileError, match=r"permission denied.*Grant"):
        raw.survey(bank.dataset, bank.data, clerk(server, PASSWORD))


def test_a_wrong_password_is_told_and_never_shown(bank, server):
    with pytest.raises(RawFileError, match=r"refuses the password \(env:CORE_BANK\)") as caught:
        raw.survey(bank.dataset, bank.data, clerk(server, "not-" + PASSWORD))
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("", "CORE_BANK is not set"),
        (f"host=x password={PASSWORD} {PASSWORD}", "CORE_BANK holds no address"),
        (f"postgresql://clerk:{PASSWORD}@127.0.0.1:1/bank", "the server can't be reached"),
        (
            f"postgresql://clerk:{PASSWORD}@nowhere.invalid/bank?connect_timeout=2",
            "the server can't be reached",
        ),
    ],
    ids=["unset", "no address", "nobody listens", "no such host"],
)
def test_a_server_that_cannot_be_reached_is_told_without_its_password(bank, address, says):
    with pytest.raises(RawFileError, match=says) as caught:
        raw.survey(bank.dataset, bank.data, {"CORE_BANK": address})
    assert PASSWORD not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_database_is_told(bank, server):
    with pytest.raises(RawFileError, match='database "nope" does not exist'):
        raw.survey(bank.dataset, bank.data, {"CORE_BANK": server.get_uri().replace("/postgres?", "/nope?")})


def test_an_optional_table_may_be_missing(bank, given):
    bank.edit("dataset.toml", 'table = "lending.asked"', 'table = "lending.nowhere"\noptional = true')
    assert [each.source for each in raw.survey(bank.dataset, bank.data, given)] == ["people"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"env:CORE_BANK"', f'"postgresql://clerk:{PASSWORD}@h/db"', "address names no environment variable"),
        ("table =", f'password = "{PASSWORD}"\ntable =', "password is no known key.*A secret has no place"),
        ("table =", 'query = "SELECT 1"\ntable =', "both table and query, or neither"),
        ("table =", 'format = "csv"\ntable =', "format says nothing of postgresql"),
        ('address = "env:CORE_BANK"\n', "", "address is missing.*env:NAME"),
        ('from = "postgresql"', 'from = "mysql"', "from is 'mysql'"),
    ],
)
def test_a_wrong_entry_is_refused_and_a_secret_in_it_is_not_repeated(bank, old, new, says):
    bank.edit("dataset.toml", old, new)
    with pytest.raises(DatasetError, match=f"(?s){says}") as caught:
        _ = bank.dataset
    assert PASSWORD not in str(caught.value)
