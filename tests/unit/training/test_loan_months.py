"""Which loans are on the book at a month's first, and what became of each."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from loanbook.schema import LOAN_MONTH, Line, Purpose, Recurring
from loanbook.settings import Settings
from loanbook.training import frame, population

DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
LINE = Line(
    name="early_warning/auto",
    title="a line",
    product="auto",
    purpose=Purpose.SERVICING,
    label=Recurring(days_past_due=60, window_months=6, ripening_months=1, every_months=1),
    decision_days=0,
    feature_service="early_warning_auto",
    monotone={},
    grain=LOAN_MONTH,
)
LENT = datetime(2022, 1, 10)
SEEN = datetime(2022, 3, 1)
WINDOW_END, RIPE = datetime(2022, 9, 1), datetime(2022, 10, 1)
AS_OF = datetime(2024, 1, 1)
Row = dict[str, Any]
Book = Callable[..., dict[str, Row]]


def told(at: datetime, days: int = 0, *, known: datetime | None = None, balance: int = 100) -> Row:
    return {
        "loan_id": "L1",
        "event_at": at,
        "available_at": known or at,
        "days_past_due": days,
        "balance": balance,
    }


FIRST = told(datetime(2022, 2, 10))
PAYS = [told(datetime(2022, 2, 10) + 30 * n * DAY) for n in range(20)]


@pytest.fixture
def book(tmp_path: Path, publish: Any) -> Book:
    """Give a loan's months by their names, each with its outcome."""

    def months(
        *rows: Row, as_of: datetime = AS_OF, loan: Row | None = None, off: Row | None = None
    ) -> dict[str, Row]:
        paths = published(publish, tmp_path / "published", rows, loan, off)
        table = frame.outcomes(Settings(home=tmp_path / "home", threads=1), paths, LINE, as_of)
        return {row["loan_month"].partition("@")[2]: row for row in table.to_pylist()}

    return months


def published(publish: Any, folder: Path, rows: Any, loan: Row | None = None, off: Row | None = None) -> Any:
    clocks = {"event_at": LENT, "available_at": LENT}
    keys = {"application_id": "A1", "customer_id": "C1", "product": "auto"}
    return publish(
        folder,
        {
            "applications": [clocks | keys | {"vehicle_id": "V1"}],
            "loans": [clocks | keys | {"loan_id": "L1", "term_months": 36.0} | (loan or {})],
            "repayments": [row | {"repayment_id": f"P{n}"} for n, row in enumerate(rows)],
            "recoveries": [{"recovery_id": "R1", "loan_id": "L1"} | off] if off else [],
        },
    )


def test_a_loan_is_looked_at_from_the_first_month_after_its_first_instalment_was_told_of(book: Book) -> None:
    got = book(*PAYS)

    assert next(iter(got)) == "2022-03"
    row = got["2022-03"]
    assert (row["decided_at"], row["window_end"], row["ripe_at"]) == (SEEN, WINDOW_END, RIPE)
    assert (row["loan_id"], row["customer_id"], row["vehicle_id"]) == ("L1", "C1", "V1")
    assert row["outcome"] == "good"


@pytest.mark.parametrize(("known", "first"), [(SEEN, "2022-03"), (SEEN + TICK, "2022-04")])
def test_what_became_known_a_moment_too_late_is_seen_a_month_later(
    book: Book, known: datetime, first: str
) -> None:
    assert next(iter(book(FIRST | {"available_at": known}, *PAYS[3:]))) == first


def test_a_loan_that_nobody_knew_of_yet_is_on_no_book(book: Book) -> None:
    assert next(iter(book(*PAYS, loan={"available_at": datetime(2022, 6, 15)}))) == "2022-07"


@pytest.mark.parametrize(("days", "expected"), [(59, "good"), (60, "bad"), (61, "bad")])
def test_a_loan_is_bad_from_the_named_lateness_on(book: Book, days: int, expected: str) -> None:
    assert book(FIRST, told(datetime(2022, 5, 12), days), *PAYS[4:])["2022-03"]["outcome"] == expected


@pytest.mark.parametrize(
    ("at", "days", "expected"),
    [
        (WINDOW_END, 60, "bad"),
        (WINDOW_END + TICK, 60, "good"),
        (WINDOW_END + 5 * DAY, 64, "good"),
        (WINDOW_END + 5 * DAY, 65, "bad"),
    ],
)
def test_a_lateness_counts_that_began_by_the_end_of_the_window(
    book: Book, at: datetime, days: int, expected: str
) -> None:
    assert book(*PAYS[:6], told(at, days), *PAYS[10:])["2022-03"]["outcome"] == expected


def test_a_lateness_on_its_way_to_the_lender_when_the_loan_was_looked_at_is_still_to_come(book: Book) -> None:
    late = told(SEEN - DAY, 61, known=SEEN + DAY)

    got = book(FIRST, late, *PAYS[2:])

    assert got["2022-03"]["outcome"] == "bad"
    assert "2022-04" not in got or got["2022-04"]["outcome"] == "good"


def test_a_loan_that_is_as_late_already_is_no_early_warning(book: Book) -> None:
    got = book(FIRST, told(datetime(2022, 3, 20), 60), told(datetime(2022, 4, 20), 90))

    assert list(got) == ["2022-03"]


def test_a_cured_loan_is_looked_at_again_and_may_go_bad_again(book: Book) -> None:
    relapse = told(datetime(2023, 1, 12), 60)
    got = book(FIRST, told(datetime(2022, 3, 20), 70), *PAYS[2:11], relapse, *PAYS[13:])

    assert "2022-04" not in got
    assert got["2022-05"]["outcome"] == "good"
    assert got["2022-09"]["outcome"] == "bad"


def test_a_loan_that_is_repaid_is_good_and_leaves_the_book(book: Book) -> None:
    got = book(*PAYS[:4], told(datetime(2022, 6, 12), balance=0))

    assert list(got) == ["2022-03", "2022-04", "2022-05", "2022-06"]
    assert {row["outcome"] for row in got.values()} == {"good"}


def test_a_loan_that_is_known_to_be_written_off_leaves_the_book(book: Book) -> None:
    off = {"kind": "charge_off", "event_at": datetime(2022, 6, 15), "available_at": datetime(2022, 6, 20)}

    assert max(book(*PAYS, off=off)) == "2022-06"
    assert max(book(*PAYS, off=off | {"kind": "payment"})) > "2022-06"


def test_a_left_truncated_loan_enters_with_its_first_row(book: Book) -> None:
    got = book(*PAYS[8:], loan={"observed_from": datetime(2022, 10, 1)})

    assert next(iter(got)) == "2022-11"


def test_a_ledger_that_stops_leaves_its_last_months_unfollowed_bad_or_not(book: Book) -> None:
    got, bad = book(*PAYS[:9]), book(*PAYS[:8], told(datetime(2022, 10, 12), 70))

    # the ledger ends in October: what opened after May isn't followed through
    assert got["2022-05"]["outcome"] == "good"
    assert bad["2022-05"]["outcome"] == "bad"
    assert got["2022-07"]["outcome"] == bad["2022-07"]["outcome"] == "unfollowed"


def test_a_loan_that_went_bad_and_was_written_off_is_bad_though_its_ledger_ends(book: Book) -> None:
    off = {"kind": "charge_off", "event_at": datetime(2022, 6, 15), "available_at": datetime(2022, 6, 20)}

    got = book(*PAYS[:2], told(datetime(2022, 5, 12), 60), told(datetime(2022, 6, 12), 90), off=off)

    assert {month: row["outcome"] for month, row in got.items()} == {
        "2022-03": "bad", "2022-04": "bad", "2022-05": "bad",
    }  # fmt: skip


def test_a_silent_loan_is_looked_at_for_three_months(book: Book) -> None:
    got = book(FIRST, *PAYS[7:])

    assert list(got)[:4] == ["2022-03", "2022-04", "2022-05", "2022-10"]


@pytest.mark.parametrize(("as_of", "expected"), [(RIPE - TICK, "unripe"), (RIPE, "bad")])
def test_no_outcome_counts_before_its_window_has_ripened(book: Book, as_of: datetime, expected: str) -> None:
    assert (
        book(FIRST, told(datetime(2022, 5, 12), 70), *PAYS[4:], as_of=as_of)["2022-03"]["outcome"] == expected
    )


@pytest.mark.parametrize("seed", range(3))
def test_no_later_row_changes_who_is_on_the_book(tmp_path: Path, publish: Any, seed: int) -> None:
    chance = random.Random(seed)
    rows = [
        told(
            LENT + 30 * n * DAY,
            chance.choice([0, 0, 5, 35, 65]),
            known=LENT + (30 * n + chance.randrange(40)) * DAY,
        )
        for n in range(1, 20)
    ]
    settings = Settings(home=tmp_path / "home", threads=1)
    until = LENT + chance.randrange(100, 500) * DAY
    others = [row for row in rows if row["available_at"] < until]
    others += [told(until + n * DAY, 90, balance=0) for n in (1, 40)]

    def seen(name: str, rows: list[Row]) -> list[str]:
        paths = published(publish, tmp_path / name, rows)
        found = frame.applications(settings, paths, LINE, since=LENT, until=until)
        return [str(month) for month in found["loan_month"].to_pylist()]

    assert seen("whole", rows) == seen("other", others) != []


def test_each_loan_is_looked_at_in_its_turn(tmp_path: Path, publish: Any) -> None:
    keys = {"application_id": "A1", "customer_id": "C1", "product": "auto"}
    clocks = {"event_at": LENT, "available_at": LENT}
    loans = [clocks | keys | {"term_months": 36.0, "loan_id": f"L{n}"} for n in range(60)]
    rows = [
        row | {"loan_id": loan["loan_id"], "repayment_id": f"{loan['loan_id']}-{n}"}
        for loan in loans
        for n, row in enumerate(PAYS)
    ]
    paths = publish(
        tmp_path / "published", {"applications": [clocks | keys], "loans": loans, "repayments": rows}
    )
    settings = Settings(home=tmp_path / "home", threads=1)
    line = Line(**{**vars(LINE), "label": Recurring(60, 6, 1, every_months=3)})
    span = {"since": SEEN, "until": datetime(2022, 6, 1)}

    drawn = frame.alike(settings, paths, line, **span).to_pylist()
    every = frame.applications(settings, paths, line, **span)
    learned = frame.outcomes(settings, paths, line, AS_OF).to_pylist()

    assert every.num_rows == 180
    assert sorted(row["loan_id"] for row in drawn) == sorted(loan["loan_id"] for loan in loans)
    assert {sum(row["decided_at"].month == month for row in drawn) > 8 for month in (3, 4, 5)} == {True}
    assert {row["loan_month"] for row in drawn} == {
        row["loan_month"] for row in learned if row["decided_at"] < span["until"]
    }


@pytest.mark.parametrize(
    ("until", "since"),
    [(datetime(2023, 5, 20), datetime(2023, 5, 1)), (datetime(2023, 5, 1), datetime(2023, 4, 1))],
)
def test_the_book_is_scored_as_it_stood_on_the_last_months_first(until: datetime, since: datetime) -> None:
    assert population.since(LINE, until) == since
