"""Objects of a real S3 server are raw files like any other; its keys are told to nobody."""

from __future__ import annotations

import io
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet

from loanbook.errors import DatasetError, RawFileError
from loanbook.intake import raw, relations, snapshots

SECRET = "wJalrXUtnFEMI-of-the-bank"
SOURCE = """
[raw.asked]
files = ["s3://bank/asked/*.parquet"]
format = "parquet"
endpoint = "env:BANK_S3"
region = "eu-central-1"
access_key = "env:BANK_KEY"
secret_key = "env:BANK_SECRET"
columns = { id = "VARCHAR", person = "VARCHAR", day = "TIMESTAMP", amount = "DECIMAL(18,2)" }
"""


@pytest.fixture(scope="module")
def server():
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def given(server):
    return {"BANK_S3": server, "BANK_KEY": "AKIABANK", "BANK_SECRET": SECRET}


@pytest.fixture
def put(server):
    """Lay an object into the bucket, which begins empty."""
    from pyarrow import fs

    scheme, _, host = server.partition("://")
    store = fs.S3FileSystem(
        access_key="AKIABANK",
        secret_key=SECRET,
        region="eu-central-1",
        scheme=scheme,
        endpoint_override=host,
        allow_bucket_creation=True,
        allow_bucket_deletion=True,
    )
    store.create_dir("bank")

    def one(key, body):
        with store.open_output_stream(f"bank/{key}") as stream:
            stream.write(body)

    yield one
    store.delete_dir("bank")


@pytest.fixture
def bank(tiny, put):
    """The tiny lender's applications lie in two objects."""
    toml = (tiny.folder / "dataset.toml").read_text()
    tiny.write("dataset.toml", toml[: toml.index("[raw.asked]")] + SOURCE)
    (tiny.data / "asked.csv").unlink()
    for part in (1, 2):
        put(f"asked/{part}.parquet", rows(part))
    put("asked/old/3.parquet", rows(3))
    return tiny


def rows(part):
    with duckdb.connect() as connection:
        table = connection.sql(
            f"SELECT 'A{part}' || range AS id, 'C1' AS person, TIMESTAMP '2020-02-01' AS day, "
            "100.5 AS amount, 50.5 AS lat, 8.5 AS lon FROM range(5)"
        ).to_arrow_table()
    out = io.BytesIO()
    parquet.write_table(table, out)
    return out.getvalue()


def test_objects_are_deliveries_named_by_their_address_and_hashed_as_they_lie(bank, given):
    import hashlib

    asked = raw.survey(bank.dataset, bank.data, given)[1:]
    assert [each.file for each in asked] == ["s3://bank/asked/1.parquet", "s3://bank/asked/2.parquet"]
    assert [(each.rows, each.digest) for each in asked] == [
        (5, hashlib.sha256(rows(part)).hexdigest()) for part in (1, 2)
    ]


def test_each_row_names_its_object_and_its_place(bank, given):
    deliveries = raw.survey(bank.dataset, bank.data, given)
    with duckdb.connect() as connection:
        relations.attach(connection, bank.dataset, deliveries)
        found = connection.execute("SELECT _file, _row, id FROM raw.asked ORDER BY ALL").fetchall()
    assert found[-1] == ("s3://bank/asked/2.parquet", 5, "A24")
    assert len(found) == 10


def test_a_reading_is_mapped_and_frozen_with_the_mapping_shut_in(bank, given):
    deliveries = raw.survey(bank.dataset, bank.data, given)
    reading = snapshots.freeze(bank.settings, bank.dataset, deliveries, as_of=None)
    assert reading.snapshot("applications").rows == 10


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_text_is_checked_and_recoded_as_a_file_here_is(bank, given, put, encoding):
    put("texts/a.csv", "id,person,day,amount\nA1,赵钱,2020-02-01,5\n".encode(encoding))
    bank.edit("dataset.toml", "asked/*.parquet", "texts/*.csv")
    bank.edit("dataset.toml", 'format = "parquet"\nend', f'format = "csv"\nencoding = "{encoding}"\nend')
    deliveries = raw.survey(bank.dataset, bank.data, given)
    with duckdb.connect() as connection:
        relations.attach(connection, bank.dataset, deliveries)
        assert connection.execute("SELECT person, _file FROM raw.asked").fetchall() == [
            ("赵钱", "s3://bank/texts/a.csv")
        ]


def test_a_workbook_may_lie_in_a_bucket(bank, given, put, workbook):
    put("asked.xlsx", workbook({"L": [["id", "person", "day", "amount"], ["A1", "P", "2020-02-01", 5]]}))
    bank.edit("dataset.toml", "asked/*.parquet", "asked.xlsx")
    bank.edit("dataset.toml", 'format = "parquet"\nend', 'format = "xlsx"\nend')
    assert raw.survey(bank.dataset, bank.data, given)[1].rows == 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "asked/*.parquet",
            "aksed/*.parquet",
            r"no object matches .*s3://bank\). Deliver it; near it: s3://bank/asked/",
        ),
        ("asked/*.parquet", "asked/9.parquet", "no object matches"),
        ("s3://bank/", "s3://no-bank-of-ours/", "there is no such bucket"),
    ],
    ids=["no match", "no key", "no bucket"],
)
def test_what_is_not_there_is_told(bank, given, old, new, says):
    bank.edit("dataset.toml", old, new)
    with pytest.raises(RawFileError, match=f"(?s){says}"):
        raw.survey(bank.dataset, bank.data, given)


def test_an_object_that_is_cut_short_is_told_by_its_address(bank, given, put):
    put("asked/2.parquet", rows(2)[:-30])
    with pytest.raises(RawFileError, match=r"cut short: its Parquet footer .*s3://bank/asked/2.parquet"):
        raw.survey(bank.dataset, bank.data, given)


def test_a_store_that_does_not_answer_is_told_without_its_keys(bank, given):
    with pytest.raises(RawFileError, match="the store can't be reached") as caught:
        raw.survey(bank.dataset, bank.data, {**given, "BANK_S3": "http://127.0.0.1:1"})
    assert SECRET not in str(caught.value)


def test_a_variable_that_is_not_set_is_told(bank, given):
    del given["BANK_SECRET"]
    with pytest.raises(RawFileError, match=r"BANK_SECRET is not set.*takes secret_key from it"):
        raw.survey(bank.dataset, bank.data, given)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"env:BANK_SECRET"', f'"{SECRET}"', "secret_key names no environment variable"),
        ('access_key = "env:BANK_KEY"\n', "", "half a pair of keys"),
        ('.parquet"]', '.parquet", "here/*.parquet"]', "lie here and in a bucket"),
        ('"s3://bank/asked/*.parquet"', '"asked/*.parquet"', "says nothing of files here"),
    ],
)
def test_a_wrong_entry_is_refused_and_a_secret_in_it_is_not_repeated(bank, old, new, says):
    bank.edit("dataset.toml", old, new)
    with pytest.raises(DatasetError, match=says) as caught:
        _ = bank.dataset
    assert SECRET not in str(caught.value)


def test_nothing_of_it_is_left_when_the_deliveries_are_gone(bank, given):
    deliveries = raw.survey(bank.dataset, bank.data, given)
    kept = [Path(f"/proc/self/fd/{each.held._file.fileno()}") for each in deliveries if each.held]
    assert all(b"PAR1" not in path.read_bytes() for path in kept)
    inodes = [path.stat().st_ino for path in kept]
    del deliveries
    assert not [
        path
        for path, inode in zip(kept, inodes, strict=True)
        if path.exists() and path.stat().st_ino == inode
    ]


def test_arrow_reads_what_was_held(bank, given):
    held = raw.survey(bank.dataset, bank.data, given)[1].held
    assert parquet.read_table(pa.BufferReader(held.open().read())).num_rows == 5
