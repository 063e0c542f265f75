"""What intake supplies to rules: shapes, the newest rows, a parent's columns, the first of a reference."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from loanbook import lake
from loanbook.intake.book import Book
from loanbook.intake.judging import pushdown, supplied
from loanbook.intake.readings import Frozen, Reading, Snapshot
from loanbook.privacy import tokens
from loanbook.schema import TABLES
from loanbook.settings import Settings

DAY = datetime(2020, 3, 1)


def written(folder, table: str, rows: list[dict[str, Any]]) -> Snapshot:
    """Write a few columns of a table as a snapshot, a part for each `_batch`; the others are not needed."""
    parts, known = [], {each.name: each.type for each in TABLES[table].columns} | {"_broken": "VARCHAR"}
    shapes = "".join(f", {tokens.shape(name)} AS {name}__shape" for name in supplied.shaped(table))
    for batch in sorted({row.get("_batch", 1) for row in rows}):
        mine = [row for row in rows if row.get("_batch", 1) == batch]
        path = folder / f"{table}-{batch}.parquet"
        with lake.connect(Settings(home=folder / "home", threads=1)) as connection:
            columns = ", ".join(f"{name} {kind}" for name, kind in known.items())
            connection.execute(f"CREATE TABLE made ({columns})")
            for row in mine:
                marks = ", ".join("?" for _ in known)
                connection.execute(f"INSERT INTO made VALUES ({marks})", [row.get(name) for name in known])
            lake.copy_out(connection, f"SELECT *{shapes} FROM made", path)
        parts.append(Frozen(batch, path.name, path, len(mine)))
    return Snapshot(table, table, tuple(parts), 0, 0, ())


def told(tiny, suites, snapshots: list[Snapshot], *columns: str) -> list[tuple[Any, ...]]:
    """Read supplied columns of the first snapshot, in its order."""
    reading = Reading("tiny", DAY, tuple(snapshots), Book("tiny"), "")
    suite = suites[snapshots[0].table]
    with lake.connect(tiny.settings) as connection:
        lately = pushdown.lately(connection, reading, suite)
        judged = pushdown.judged(tiny.dataset, reading, suite, set(columns), lately)
        return connection.execute(f"SELECT {', '.join(columns)} FROM ({judged}) ORDER BY _at").fetchall()


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("Ada Lovelace", "AAA AAAAAAAA"),
        ("王芳", "AA"),
        ("+49 30-12", "+99 99-99"),
        ("", ""),
        (None, None),
        ("caf\ufffd", "AAA\ufffd"),
        ("cafï¿½", "AAA\ufffd"),
        ("锟斤拷", "\ufffd"),
    ],
)
def test_a_shape_tells_what_a_value_looks_like_and_no_more(tiny, suites, value, shape):
    rows = [{"customer_id": "C", "name": value}]
    assert told(tiny, suites, [written(tiny.root, "customers", rows)], "name__shape") == [(shape,)]


def test_of_one_delivery_the_newest_three_months_are_the_newest_rows(tiny, suites):
    rows = [
        {"customer_id": f"C{month}", "available_at": datetime(2020, month, 9)} for month in (1, 2, 9, 10, 11)
    ]
    found = told(tiny, suites, [written(tiny.root, "customers", [*rows, {"customer_id": "D"}])], "_lately")
    assert found == [(False,), (False,), (True,), (True,), (True,), (None,)]


def test_of_several_deliveries_the_last_one_is_the_newest(tiny, suites):
    rows = [{"customer_id": f"C{n}", "available_at": DAY, "_batch": n} for n in (1, 2, 3)]
    customers = written(tiny.root, "customers", rows)
    assert told(tiny, suites, [customers], "_lately") == [(False,), (False,), (True,)]


def test_a_row_is_as_old_as_the_reading_tells_and_none_from_later_counts(tiny, suites):
    rows = [{"customer_id": "C", "available_at": at} for at in (datetime(2020, 2, 29), datetime(2020, 3, 2))]
    assert told(tiny, suites, [written(tiny.root, "customers", rows)], "_age_days") == [(1.0,), (None,)]


def test_a_number_that_is_none_is_no_value(tiny, suites):
    rows = [{"report_id": "B", "score": float("nan")}]
    assert told(tiny, suites, [written(tiny.root, "bureau_reports", rows)], "score") == [(None,)]


def test_a_parent_s_column_is_its_first_row_s_in_the_latest_batch(tiny, suites):
    repaid = [{"repayment_id": "R", "loan_id": "L"}, {"repayment_id": "S", "loan_id": "M"}]
    lent = [
        {"loan_id": "L", "principal": amount, "_batch": batch} for amount, batch in ((1, 1), (2, 2), (3, 2))
    ]
    found = told(
        tiny,
        suites,
        [written(tiny.root, "repayments", repaid), written(tiny.root, "loans", lent)],
        "loan_id__principal",
        "loan_id__known",
    )
    assert found == [(2, True), (None, False)]


def test_where_no_parent_is_delivered_nothing_is_said_of_it(tiny, suites):
    repaid = [{"repayment_id": "R", "loan_id": "L"}]
    names = ("loan_id__principal", "loan_id__known")
    assert told(tiny, suites, [written(tiny.root, "repayments", repaid)], *names) == [(None, None)]


def test_of_two_loans_of_one_application_the_one_known_first_stands(tiny, suites):
    lent = [
        {"loan_id": "L1", "application_id": "A", "available_at": datetime(2020, 2, 2)},
        {"loan_id": "L2", "application_id": "A", "available_at": datetime(2020, 2, 1)},
        {"loan_id": "L2", "application_id": "A", "available_at": datetime(2020, 2, 3)},
        {"loan_id": "L3", "application_id": "B", "available_at": DAY},
        {"loan_id": "L4", "available_at": DAY},
    ]
    found = told(tiny, suites, [written(tiny.root, "loans", lent)], "_first_of_application_id")
    assert found == [(False,), (True,), (True,), (True,), (True,)]


def test_only_an_identifying_column_has_a_shape():
    assert supplied.shaped("customers") == ("name", "id_number", "phone", "address", "bank_account")
    assert supplied.shaped("loans") == ()
