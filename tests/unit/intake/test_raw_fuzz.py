"""Whatever lies in a raw file, it is refused in a sentence or every row of it is accounted for."""

from __future__ import annotations

import csv
import io
import json
import shutil
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loanbook.errors import LoanbookError
from loanbook.intake import mapping, raw, relations, snapshots
from loanbook.settings import Settings

FUZZ = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
HEAD = 'name = "fuzz"\ntitle = "F"\ncurrency = "EUR"\ncountry = "DE"\nlicence = "none"\nas_of = 2024-01-01\n'
SOURCE = (
    '[raw.asked]\nfiles = ["asked.{0}"]\nformat = "{0}"\ncolumns = {{ id = "VARCHAR", amount = "DOUBLE" }}\n'
)
SQL = """
SELECT id AS application_id, TIMESTAMP '2020-01-01' AS event_at, TIMESTAMP '2020-01-01' AS available_at,
       amount, _file, _row, _broken
FROM raw.asked
"""
ROWS = [("A1", "1.5"), ("A2", "2,5"), ('A"3', "3"), ("A4\nb", ""), ("赵", "1e400"), ("", "-0")]
ROWS += [(f"B{n}", f"{n}.25") for n in range(9)]


def a_csv() -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([("id", "amount"), *ROWS])
    return out.getvalue().encode()


def a_json() -> bytes:
    return "\n".join(json.dumps({"id": name, "amount": value}) for name, value in ROWS).encode()


def a_parquet() -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    out, (names, values) = io.BytesIO(), zip(*ROWS, strict=True)
    parquet.write_table(pa.table({"id": names, "amount": values}), out)
    return out.getvalue()


MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["cut", "flip", "double", "insert", "replace", "drop"]),
        st.floats(0, 1),
        st.floats(0, 1),
        st.sampled_from(
            [b'"', b'""', b"\0", b"\r", b"\r\n", b"\n\n", b",", b";", b"\t", b"\xef\xbb\xbf", b"\xff\xfe",
             b"\x80", b"x" * 70_000, b"NaN", b"{", b"]", b"'", b"\\", b"\xe2\x80\xa8", b"<c t=\"e\">"]
        ),
    ),
    min_size=1,
    max_size=4,
)  # fmt: skip


def mutated(whole: bytes, mutations) -> bytes:
    """Cut, flip, double, insert, replace and drop parts of a file."""
    for kind, where, size, part in mutations:
        at = int(where * len(whole))
        end = min(at + 1 + int(size * 40), len(whole))
        match kind:
            case "cut":
                whole = whole[:at]
            case "flip":
                whole = whole[:at] + bytes(byte ^ 0x41 for byte in whole[at : at + 1]) + whole[at + 1 :]
            case "double":
                whole = whole[:end] + whole[at:end] + whole[end:]
            case "insert":
                whole = whole[:at] + part + whole[at:]
            case "replace":
                whole = whole.replace(b"\r\n" if size < 0.5 else b",", part)
            case "drop":
                whole = whole[:at] + whole[end:]
    return whole


def count_csv(path: Path) -> int:
    """Count records as Python's own reader does, leaving out lines without any field."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        csv.field_size_limit(1 << 30)
        return sum(1 for record in csv.reader(stream) if record) - 1


def count_json(path: Path) -> int:
    """Count objects as Python's own reader does: of an array, or one after the other."""
    decoder, text, count = json.JSONDecoder(strict=False), path.read_text(encoding="utf-8-sig").strip(), 0
    if text.startswith("["):
        return len(json.loads(text, strict=False))
    while text:
        _, end = decoder.raw_decode(text)
        text, count = text[end:].lstrip(), count + 1
    return count


def count_parquet(path: Path) -> int:
    from pyarrow import parquet

    return parquet.read_metadata(path).num_rows


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A dataset folder for each format; give its settings, folder and data."""
    root = tmp_path_factory.mktemp("fuzz")

    def of(kind):
        folder, data = root / kind, root / f"{kind}-data"
        for each in (folder, data):
            each.mkdir(exist_ok=True)
        (folder / "dataset.toml").write_text(HEAD + SOURCE.format(kind))
        (folder / "applications.sql").write_text(SQL)
        return mapping.load(folder), data / f"asked.{kind}"

    return of


def read(dataset, path, content: bytes) -> int | None:
    """Survey and freeze a file; give the rows of the snapshot, or None when it was refused in a sentence."""
    path.write_bytes(content)
    home = Path(tempfile.mkdtemp(dir=path.parent.parent))
    try:
        deliveries = raw.survey(dataset, path.parent)
        reading = snapshots.freeze(Settings(home=home, threads=1), dataset, deliveries, as_of=None)
    except LoanbookError:
        return None
    finally:
        shutil.rmtree(home)
    with duckdb.connect() as connection:
        relations.attach(connection, dataset, deliveries)
        found = connection.execute(
            "SELECT count(*), count(DISTINCT _row), min(_row) FROM raw.asked"
        ).fetchall()
    assert found == [(deliveries[0].rows, deliveries[0].rows, 1)] or path.suffix == ".xlsx"
    assert reading.snapshots[0].rows == deliveries[0].rows
    return deliveries[0].rows


@FUZZ
@given(st.binary(max_size=400))
@pytest.mark.parametrize("kind", ["csv", "json", "parquet", "xlsx"])
def test_no_bytes_make_a_traceback(place, kind, content):
    dataset, path = place(kind)
    read(dataset, path, content)


@FUZZ
@given(MUTATIONS)
def test_every_row_of_a_damaged_csv_is_accounted_for(place, mutations):
    dataset, path = place("csv")
    rows = read(dataset, path, mutated(a_csv(), mutations))
    assert rows is None or rows == count_csv(path)


@FUZZ
@given(MUTATIONS)
def test_every_row_of_damaged_json_is_accounted_for(place, mutations):
    dataset, path = place("json")
    rows = read(dataset, path, mutated(a_json(), mutations))
    assert rows is None or rows == count_json(path)


@FUZZ
@given(MUTATIONS)
def test_every_row_of_a_damaged_parquet_file_is_accounted_for(place, mutations):
    dataset, path = place("parquet")
    rows = read(dataset, path, mutated(a_parquet(), mutations))
    assert rows is None or rows == count_parquet(path)


@FUZZ
@given(MUTATIONS)
def test_every_row_of_a_damaged_workbook_is_accounted_for(place, workbook, mutations):
    dataset, path = place("xlsx")
    whole = workbook({"S": [["id", "amount"], *(list(row) for row in ROWS if any(row))]})
    rows = read(dataset, path, mutated(whole, mutations))
    assert rows is None or rows == len(ROWS)


@FUZZ
@given(st.text(max_size=300))
def test_no_text_makes_a_traceback_in_a_csv(place, text):
    dataset, path = place("csv")
    rows = read(dataset, path, ("id,amount\n" + text).encode("utf-8", "surrogatepass"))
    assert rows is None or rows == count_csv(path)


@pytest.mark.parametrize("kind", ["csv", "json", "parquet", "xlsx"])
def test_the_files_that_are_damaged_here_were_whole(place, workbook, kind):
    dataset, path = place(kind)
    sheet = [["id", "amount"], *(list(row) for row in ROWS if any(row))]
    whole = {"csv": a_csv, "json": a_json, "parquet": a_parquet, "xlsx": lambda: workbook({"S": sheet})}
    assert read(dataset, path, whole[kind]()) == len(ROWS)
