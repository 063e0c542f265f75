"""A backlog is parted by the months that its files' names speak of, and nothing of it is left out unsaid."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from loanbook.errors import DatasetError
from loanbook.intake.periods import month_of, parted
from loanbook.intake.relations import Delivery


def delivery(file):
    return Delivery("asked", file, Path(file), file, 1, 0)


@pytest.mark.parametrize(
    ("file", "month"),
    [
        ("applications/2024-07.parquet", "2024-07"),
        ("applications_20240731.csv", "2024-07"),
        ("2023/12/asked.csv", "2023-12"),
        ("2023-12/asked_2024-01-05.csv", "2024-01"),
        ("asked.csv", None),
        ("asked_202413.csv", None),
        ("asked_12024-07.csv", None),
        ("account_4929202407123456.csv", None),
    ],
)
def test_a_month_is_read_from_a_files_name(file, month):
    assert month_of(file) == month


def test_months_come_in_order_and_what_is_older_or_undated_comes_with_the_first():
    files = ["b_2024-03.csv", "a_2024-02.csv", "codes.csv", "a_2023-01.csv", "a_2024-09.csv", "c_2024-03.csv"]
    found = parted([delivery(file) for file in files], "2024-02", "2024-08")
    assert [(one.name, sorted(file.file for file in one.files)) for one in found] == [
        ("2024-02", ["a_2023-01.csv", "a_2024-02.csv", "codes.csv"]),
        ("2024-03", ["b_2024-03.csv", "c_2024-03.csv"]),
    ]
    assert found[0].ends == datetime(2024, 2, 29, 23, 59, 59, 999999)


def test_december_ends_with_the_year():
    (one,) = parted([delivery("a_2024-12.csv")], "2024-12", "2024-12")
    assert one.ends == datetime(2024, 12, 31, 23, 59, 59, 999999)


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [
        ("2024-2", "2024-03", "--from '2024-2' is no month"),
        ("2024-02", "2024-13", "--to '2024-13' is no month"),
        ("2024-04", "2024-03", "--from 2024-04 is after --to 2024-03"),
        ("2020-01", "2020-02", "no file speaks of 2020-01 to 2020-02"),
    ],
)
def test_a_wrong_span_is_refused(first, last, says):
    with pytest.raises(DatasetError, match=says):
        parted([delivery("a_2024-12.csv")], first, last)
