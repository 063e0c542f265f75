"""A sheet is read as it stands: days as days, whole numbers whole, a failed formula as no value at all."""

from __future__ import annotations

import duckdb
import pytest

from loanbook.errors import RawFileError
from loanbook.intake import relations

SOURCE = """
[raw.asked]
files = ["asked*.xlsx"]
format = "xlsx"
sheet = "Loans"

[raw.asked.columns]
id = "VARCHAR"
person = "VARCHAR"
day = "TIMESTAMP"
amount = "DECIMAL(18,2)"
sure = "BOOLEAN"
"""
HEADER = ["id", "person", "day", "amount", "sure"]


@pytest.fixture
def excel(tiny, workbook):
    """The tiny lender's applications in a workbook; give a function that delivers its rows."""
    toml = (tiny.folder / "dataset.toml").read_text()
    tiny.write("dataset.toml", toml[: toml.index("[raw.asked]")] + SOURCE)

    def deliver(*rows, header=HEADER, merged="", other=None):
        sheets = {"Loans": [header, *rows] if header else list(rows), "Notes": other or [["read me"]]}
        tiny.deliver("asked.xlsx", workbook(sheets, merged))
        return tiny

    return deliver


def read(tiny, sql):
    deliveries = tiny.survey()
    with duckdb.connect() as connection:
        relations.attach(connection, tiny.dataset, deliveries)
        return connection.execute(sql).fetchall()


def test_days_moments_numbers_and_flags_are_read_as_what_they_are(excel, cell):
    tiny = excel(
        ["A1", 1001, cell("day", 45000), 1200.5, True],
        ["A2", 1002.0, cell("moment", 45000.5), 80000, False],
    )
    assert read(
        tiny, "SELECT id, person, day::VARCHAR, amount::VARCHAR, sure, _row, _broken FROM raw.asked"
    ) == [
        ("A1", "1001", "2023-03-15 00:00:00", "1200.50", True, 1, None),
        ("A2", "1002", "2023-03-15 12:00:00", "80000.00", False, 2, None),
    ]


def test_a_formula_that_failed_is_broken_in_a_number_and_in_a_text(excel, cell):
    tiny = excel(
        ["A1", "P", cell("day", 45000), cell("failed", "#N/A"), True],
        ["A2", cell("failed", "#REF!"), cell("day", 45000), 5, True],
        ["A3", "P", cell("day", 45000), 5, True],
        ["A4", "P", cell("day", 45000), 5, True],
    )
    assert read(tiny, "SELECT id, person, amount::VARCHAR, _broken FROM raw.asked WHERE _row < 3") == [
        ("A1", "P", None, "amount=#N/A"),
        ("A2", None, "5.00", "person=#REF!"),
    ]
    assert tiny.survey()[1].broken == 2


def test_a_row_keeps_its_place_below_the_header_and_an_empty_one_is_no_row(excel, cell):
    tiny = excel(["A1", "P", cell("day", 45000), 5, True], [], ["A3", "P", cell("day", 45000), 5, True])
    assert read(tiny, "SELECT id, _row FROM raw.asked") == [("A1", 1), ("A3", 3)]
    assert tiny.survey()[1].rows == 2


def test_a_header_may_stand_further_down(excel, cell):
    tiny = excel(["Our loans of 2023"], HEADER, ["A1", "P", cell("day", 45000), 5, True], header=None)
    with pytest.raises(RawFileError, match=r"'id' is missing|has no name in row 1|has a value in column B"):
        tiny.survey()
    tiny.edit("dataset.toml", 'sheet = "Loans"', 'sheet = "Loans"\nheader_row = 2')
    assert read(tiny, "SELECT id, _row FROM raw.asked") == [("A1", 1)]


def test_declared_nulls_are_null_in_a_sheet_too(excel, cell):
    tiny = excel(["A1", "n/a", cell("day", 45000), "n/a", True], ["A2", "P", cell("day", 45000), 5, True])
    tiny.edit("dataset.toml", 'sheet = "Loans"', 'sheet = "Loans"\nnull = ["n/a"]')
    assert read(tiny, "SELECT person, amount, _broken FROM raw.asked WHERE _row = 1") == [(None, None, None)]


def test_one_workbook_may_fill_two_sources(excel, cell, tiny):
    excel(["A1", "P", cell("day", 45000), 5, True], other=[["word"], ["yes"]])
    toml = (tiny.folder / "dataset.toml").read_text()
    tiny.write(
        "dataset.toml", toml + '\n[raw.notes]\nfiles = ["asked.xlsx"]\nformat = "xlsx"\nsheet = "Notes"\n'
    )
    assert read(tiny, "SELECT word, (SELECT count(*) FROM raw.asked) FROM raw.notes") == [("yes", 1)]


def test_the_only_sheet_needs_no_name(tiny, excel, workbook):
    tiny.edit("dataset.toml", 'sheet = "Loans"\n', "")
    tiny.deliver("asked.xlsx", workbook({"Sheet1": [HEADER, ["A1", "P", "2023-01-01", 5, True]]}))
    assert read(tiny, "SELECT day::VARCHAR FROM raw.asked") == [("2023-01-01 00:00:00",)]


@pytest.mark.parametrize(
    ("rows", "header", "merged", "says"),
    [
        ([], ["id", None, "day", "amount"], "", r"column B has no name in row 1.*asked.xlsx"),
        ([["A2", "P", 45000, 6, True]], ["A1", "P", 45000, 5, True], "", "row 1 is no header: its column C"),
        ([], [None], "", "row 1 of the sheet names no column"),
        ([["A1", "P", "2023-01-01", 5, True]], HEADER, "A2:A3", "the cells A2:A3 are merged.*Unmerge"),
        ([["A1", "P", "2023-01-01", 5, True, "see below"]], HEADER, "", "row 1 .* value in column F"),
        (
            [["A1", "P", "2023-01-01", 5, True]],
            ["id", "person", "Day", "amount", "sure"],
            "",
            "renamed to 'Day'",
        ),
        (
            [["A1", "P", "soon", 5, True], ["A2", "P", "later", 5, True]],
            HEADER,
            "",
            "'day' was retyped: 2 of 2",
        ),
        ([], HEADER, "", "holds no row"),
    ],
    ids=["gap", "no header", "empty", "merged", "beside", "renamed", "retyped", "no row"],
)
def test_a_sheet_that_is_no_table_is_refused(excel, rows, header, merged, says):
    tiny = excel(*rows, header=header, merged=merged)
    with pytest.raises(RawFileError, match=f"(?s){says}"):
        tiny.survey()


def test_a_missing_sheet_is_refused_with_those_that_are_there(excel, tiny):
    excel(["A1", "P", "2023-01-01", 5, True])
    tiny.edit("dataset.toml", 'sheet = "Loans"', 'sheet = "loans"')
    with pytest.raises(RawFileError, match=r"no sheet 'loans'.*it has Loans, Notes"):
        tiny.survey()
    tiny.edit("dataset.toml", 'sheet = "loans"\n', "")
    with pytest.raises(RawFileError, match=r"the workbook has several sheets.*Loans, Notes"):
        tiny.survey()


def test_a_workbook_under_a_password_is_told(excel, tiny):
    excel(["A1", "P", "2023-01-01", 5, True])
    tiny.deliver("asked.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000))
    with pytest.raises(RawFileError, match=r"locked by a password.*asked.xlsx.*without a password"):
        tiny.survey()


@pytest.mark.parametrize("keep", [0.2, 0.6, 0.95])
def test_a_workbook_that_is_cut_short_is_told(excel, tiny, keep):
    excel(["A1", "P", "2023-01-01", 5, True])
    whole = (tiny.data / "asked.xlsx").read_bytes()
    tiny.deliver("asked.xlsx", whole[: int(len(whole) * keep)])
    with pytest.raises(RawFileError, match=r"workbook can't be read.*asked.xlsx.*again"):
        tiny.survey()


def test_a_stray_cell_far_away_is_told_before_memory_is_filled(excel, tiny, workbook, cell):
    import io
    import zipfile

    excel(["A1", "P", "2023-01-01", 5, True])
    whole, out = (tiny.data / "asked.xlsx").read_bytes(), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            stray = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
            new.writestr(name, old.read(name).replace(b"</sheetData>", stray))
    tiny.deliver("asked.xlsx", out.getvalue())
    with pytest.raises(RawFileError, match=r"spans 1,048,576 rows and 16,384 columns.*stray cells"):
        tiny.survey()
