"""A dataset folder says whose data it is; whatever it says wrongly is refused by name."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from loanbook.errors import DatasetError
from loanbook.intake import mapping
from loanbook.schema import TABLES


def test_a_folder_is_read_into_a_dataset(tiny):
    dataset = tiny.dataset
    assert (dataset.name, dataset.currency, dataset.as_of) == ("tiny", "EUR", None)
    assert dataset.place.lat == (47.0, 55.0)
    assert [source.name for source in dataset.raw] == ["people", "asked"]
    assert dataset.source("people").null == ("", "NA")
    assert tuple(dataset.tables) == ("customers", "applications")


def test_every_shipped_dataset_loads_by_name():
    assert mapping.shipped()
    for name in mapping.shipped():
        assert mapping.load(name).name == name


def test_a_day_is_read_as_its_first_moment(tiny):
    tiny.edit("dataset.toml", 'licence = "made up"', 'licence = "made up"\nas_of = 2023-06-30')
    assert tiny.dataset.as_of == datetime(2023, 6, 30)


def test_a_dataset_nobody_ships_is_refused_with_those_that_are():
    with pytest.raises(DatasetError, match=r"no dataset 'ally'.*ally_auto"):
        mapping.load("ally")


def test_a_folder_without_toml_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"no dataset.toml"):
        mapping.load(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("currency", "curency", "curency is no known key.*Perhaps currency"),
        ('format = "csv"\nnull', 'format = "cvs"\nnull', "raw.people.format is 'cvs'"),
        ("null =", "nulls =", "raw.people.nulls is no known key"),
        ('"VARCHAR", born', '"TEXT", born', "raw.people.columns.id is of an unknown type 'TEXT'"),
        ("lat = [47.0, 55.0]", "lat = [55.0, 47.0]", "place.lat"),
        ("lat = [47.0, 55.0]", "lat = [47.0, 95.0]", "place.lat"),
        ("[place]", "[places]", "places is no known key"),
        ('name = "tiny"', 'name = "Tiny!"', "name is 'Tiny!'"),
        ('name = "tiny"', "name = 3", "name is a int"),
        ('title = "A tiny lender"\n', "", "title is missing"),
        ('licence = "made up"', 'licence = "made up"\nas_of = "soon"', "as_of is 'soon'"),
        ('licence = "made up"', 'licence = "made up"\nas_of = 2020-01-01T00:00:00Z', "without zone"),
        ('files = ["people*.csv"]', "files = []", "raw.people.files"),
        ('null = ["", "NA"]', 'encoding = "utf-9"', "raw.people.encoding is 'utf-9'"),
        ('null = ["", "NA"]', 'delimiter = "||"', "raw.people.delimiter"),
        ("[raw.people]", '[lines."underwriting/auto"]\nreport = 1\n[raw.people]', "report is no known key"),
        ("[raw.people]", "[lines.x]\nreport_from = 1\n[raw.people]", "report_from is no day"),
        ("[raw.people]", "[raw.People]", "raw.People is no source"),
        ("id = ", "_row = ", "_row is a name of ours"),
        ("[place]", "[place", "no TOML"),
    ],
)
def test_a_wrong_entry_is_refused_by_its_key(tiny, old, new, says):
    tiny.edit("dataset.toml", old, new)
    with pytest.raises(DatasetError, match=f"(?s){says}"):
        _ = tiny.dataset


def test_a_csv_setting_on_parquet_is_refused(tiny):
    tiny.edit("dataset.toml", 'format = "csv"\nnull', 'format = "parquet"\nnull')
    with pytest.raises(DatasetError, match=r"raw.people.null says nothing of parquet"):
        _ = tiny.dataset


def test_sql_for_an_unknown_table_is_refused_with_those_that_are(tiny):
    tiny.write("aplications.sql", "SELECT 1")
    with pytest.raises(
        DatasetError, match=r"aplications is no canonical table.*Perhaps applications"
    ) as caught:
        _ = tiny.dataset
    assert all(table in str(caught.value) for table in TABLES)


def test_a_dataset_that_fills_no_table_is_refused(tiny):
    for path in tiny.folder.glob("*.sql"):
        Path(path).unlink()
    with pytest.raises(DatasetError, match="fills no table"):
        _ = tiny.dataset
