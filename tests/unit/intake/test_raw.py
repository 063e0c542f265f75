"""Every raw file is looked at before anything is made of it; each fault is named."""

from __future__ import annotations

import gzip

import duckdb
import pytest

from loanbook.errors import RawFileError
from loanbook.intake import raw


def parquet(path, query):
    duckdb.connect().execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")


@pytest.fixture
def columnar(tiny):
    """The people as Parquet, in two files."""
    tiny.edit(
        "dataset.toml",
        'files = ["people*.csv"]\nformat = "csv"\nnull = ["", "NA"]',
        'files = ["p/*.parquet"]\nformat = "parquet"',
    )
    (tiny.data / "p").mkdir()
    for part in (1, 2):
        parquet(
            tiny.data / "p" / f"{part}.parquet",
            f"SELECT 'C{part}' || range AS id, '1970-01-01' AS born, TIMESTAMP '2020-01-01' AS since, "
            "'N' AS name FROM range(5)",
        )
    return tiny


def test_whole_files_are_surveyed_with_hash_size_and_rows(tiny):
    asked = {delivery.file: delivery for delivery in tiny.survey()}["asked.csv"]
    assert (asked.source, asked.rows, asked.broken, asked.size) == ("asked", 40, 0, asked.path.stat().st_size)
    assert len(asked.digest) == 64


def test_a_missing_folder_is_refused(tiny):
    with pytest.raises(RawFileError, match="no such folder"):
        raw.survey(tiny.dataset, tiny.data / "elsewhere")


def test_a_missing_file_is_refused_with_the_names_near_it(tiny):
    (tiny.data / "people.csv").rename(tiny.data / "poeple.csv")
    with pytest.raises(RawFileError, match=r"no file matches 'people\*.csv'.*poeple.csv"):
        tiny.survey()


def test_an_optional_file_may_be_missing(tiny):
    tiny.edit("dataset.toml", 'files = ["asked*.csv"]', 'optional = true\nfiles = ["asked*.csv"]')
    (tiny.data / "asked.csv").unlink()
    assert [delivery.file for delivery in tiny.survey()] == ["people.csv"]


@pytest.mark.parametrize(("content", "says"), [("", "is empty"), ("id,born,since,name\n", "holds no row")])
def test_an_empty_file_is_refused(tiny, content, says):
    tiny.deliver("people.csv", content)
    with pytest.raises(RawFileError, match=f"{says}.*people.csv"):
        tiny.survey()


def test_a_csv_whose_last_record_is_short_is_refused_as_cut(tiny):
    path = tiny.data / "people.csv"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RawFileError, match="cut short: its last record, on line 21"):
        tiny.survey()


def test_a_csv_with_a_short_record_within_is_refused_by_its_line(tiny):
    tiny.spoil("people.csv", "C3,1953-03-04,", "C3,")
    with pytest.raises(RawFileError, match="a record, on line 5, has not the 4 fields"):
        tiny.survey()


def test_a_csv_cut_inside_a_quoted_text_is_refused_though_the_engine_would_drop_the_row(tiny):
    whole = (tiny.data / "people.csv").read_text()
    tiny.deliver("people.csv", whole + 'C99,1970-01-01,2020-01-01 08:00:00,"Name with, comm')
    with pytest.raises(
        RawFileError, match="cut short inside a quoted text: 21 records begin, 20 can be read"
    ):
        tiny.survey()


def test_a_csv_with_a_lone_inch_sign_is_whole(tiny):
    tiny.spoil("people.csv", "Name 3", 'Name 3"')
    assert tiny.survey()[0].rows == 20


def test_a_csv_cut_inside_a_character_is_refused(tiny):
    tiny.deliver(
        "people.csv", (tiny.data / "people.csv").read_bytes() + "C99,1970-01-01,2020-01-01,赵".encode()[:-1]
    )
    with pytest.raises(RawFileError, match="cut short inside a character, on line 22"):
        tiny.survey()


@pytest.mark.parametrize(
    ("encoding", "says"),
    [("gb18030", "not in utf-8: line 4 can't be decoded"), ("utf-16", "It looks like utf-16")],
)
def test_another_encoding_is_refused(tiny, encoding, says):
    text = (tiny.data / "people.csv").read_text().replace("Name 2", "赵")
    tiny.deliver("people.csv", text.encode(encoding))
    with pytest.raises(RawFileError, match=f"(?s){says}"):
        tiny.survey()


def test_zero_bytes_betray_another_encoding(tiny):
    tiny.deliver("people.csv", (tiny.data / "people.csv").read_text().encode("utf-16-le"))
    with pytest.raises(RawFileError, match="not in utf-8: line 1 holds a zero byte"):
        tiny.survey()


def test_a_renamed_column_is_refused_with_its_likely_new_name(tiny):
    tiny.spoil("people.csv", "since", "Since_")
    with pytest.raises(RawFileError, match=r"column 'since' is missing.*renamed to 'Since_'"):
        tiny.survey()


def test_another_delimiter_is_proposed(tiny):
    tiny.deliver("people.csv", (tiny.data / "people.csv").read_text().replace(",", ";"))
    with pytest.raises(RawFileError, match="looks separated by ';'"):
        tiny.survey()


def test_a_column_twice_is_refused(tiny):
    tiny.spoil("people.csv", "name", "ID")
    with pytest.raises(RawFileError, match="'id' stands there twice"):
        tiny.survey()


def test_a_retyped_column_is_refused_with_counts(tiny):
    text = (tiny.data / "people.csv").read_text().replace("2020-01-01 08:00:00", "1577865600")
    tiny.deliver("people.csv", text)
    with pytest.raises(RawFileError, match="'since' was retyped: 20 of 20 values can't be read as TIMESTAMP"):
        tiny.survey()


def test_a_few_unreadable_values_are_no_retyped_column(tiny):
    tiny.spoil("people.csv", "2020-01-01 08:00:00", "yesterday")
    assert tiny.survey()[0].broken == 1


def test_the_same_bytes_under_two_names_are_refused(tiny):
    tiny.deliver("people_again.csv", (tiny.data / "people.csv").read_bytes())
    with pytest.raises(
        RawFileError, match=r"people_again.csv was delivered twice: its bytes are those of people.csv"
    ):
        tiny.survey()


def test_files_with_other_columns_are_refused_unless_the_dataset_allows_it(tiny):
    tiny.deliver("people_2.csv", "id,born,since\nC50,1970-01-01,2020-01-01\n")
    with pytest.raises(RawFileError, match=r"its columns are not those of people.csv: name"):
        tiny.survey()
    tiny.edit("dataset.toml", 'null = ["", "NA"]', 'null = ["", "NA"]\nunion_by_name = true')
    assert [delivery.rows for delivery in tiny.survey()] == [20, 1, 40]


def test_parquet_is_counted_per_file(columnar):
    assert [(each.file, each.rows) for each in columnar.survey()][:2] == [
        ("p/1.parquet", 5),
        ("p/2.parquet", 5),
    ]


def test_a_truncated_parquet_file_is_refused_by_name(columnar):
    path = columnar.data / "p" / "2.parquet"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(RawFileError, match=r"cut short: its Parquet footer is missing.*2.parquet"):
        columnar.survey()


def test_a_parquet_file_of_another_format_is_refused(columnar):
    path = columnar.data / "p" / "2.parquet"
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(RawFileError, match=r"no Parquet file.*2.parquet"):
        columnar.survey()


def test_a_parquet_file_with_a_broken_footer_is_refused_by_name(columnar):
    path = columnar.data / "p" / "2.parquet"
    body = bytearray(path.read_bytes())
    length = int.from_bytes(body[-8:-4], "little")
    body[-8 - length : -8] = b"\xff" * length
    path.write_bytes(body)
    with pytest.raises(RawFileError, match=r"the parquet can't be read.*2.parquet"):
        columnar.survey()


def test_a_parquet_file_without_rows_is_refused(columnar):
    parquet(
        columnar.data / "p" / "3.parquet",
        "SELECT 'C' AS id, '' AS born, TIMESTAMP '2020-01-01' AS since, '' AS name WHERE false",
    )
    with pytest.raises(RawFileError, match=r"holds no row.*3.parquet"):
        columnar.survey()


def test_a_parquet_column_of_another_kind_is_refused_as_retyped(columnar):
    parquet(
        columnar.data / "p" / "1.parquet",
        "SELECT 'C1' || range AS id, '1970-01-01' AS born, 18262::BIGINT AS since, 'N' AS name FROM range(5)",
    )
    (columnar.data / "p" / "2.parquet").unlink()
    with pytest.raises(RawFileError, match="'since' was retyped: 5 of 5"):
        columnar.survey()


def test_a_file_that_is_written_to_while_it_is_read_is_refused(tiny):
    deliveries = tiny.survey()
    tiny.deliver("asked.csv", (tiny.data / "asked.csv").read_bytes() + b"\n")
    with pytest.raises(RawFileError, match="changed while it was read"):
        raw.unchanged(deliveries)
