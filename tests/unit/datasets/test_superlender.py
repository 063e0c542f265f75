from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

Row = dict[str, object]
CURRENT: Row = {
    "customerid": "ann",
    "systemloanid": "300",
    "loannumber": 3,
    "approveddate": "2017-07-10 10:00:05.000000",
    "creationdate": "2017-07-10 09:00:00.000000",
    "loanamount": "20000.0000",
    "totaldue": "24500.0000",
    "termdays": 30,
    "referredby": "",
    "good_bad_flag": "Good",
}
PREVIOUS: Row = {
    "customerid": "ann",
    "systemloanid": "200",
    "loannumber": 2,
    "approveddate": "2017-05-10 10:00:05.000000",
    "creationdate": "2017-05-10 09:00:00.000000",
    "loanamount": "10000.0000",
    "totaldue": "13000.0000",
    "termdays": 30,
    "closeddate": "2017-06-15 12:00:00.000000",
    "referredby": "",
    "firstduedate": "2017-06-09 00:00:00.000000",
    "firstrepaiddate": "2017-06-15 11:45:00.000000",
}
PERSON: Row = {
    "customerid": "ann",
    "birthdate": "1987-04-01 00:00:00.000000",
    "bank_account_type": "Savings",
    "longitude_gps": 3.4,
    "latitude_gps": 6.5,
    "bank_name_clients": "GT Bank",
    "bank_branch_clients": "",
    "employment_status_clients": "Permanent",
    "level_of_education_clients": "Graduate",
}


@pytest.fixture
def lender(written: Callable[..., Any]) -> Callable[..., Any]:
    def one(
        current: Sequence[Row] = (CURRENT,),
        previous: Sequence[Row] = (PREVIOUS,),
        people: Sequence[Row] = (PERSON,),
    ) -> Any:
        files = {"trainperf.csv": current, "trainprevloans.csv": previous, "traindemographics.csv": people}
        return written("superlender", files)

    return one


def test_a_loan_closed_an_hour_before_by_the_wall_clock_is_known_to_the_next_application(
    lender: Callable[..., Any],
) -> None:
    # closed at 09:50 in Lagos, applied again at 08:55 UTC, which is 09:55 in Lagos
    again = CURRENT | {"creationdate": "2017-06-15 08:55:00", "approveddate": "2017-06-15 09:55:05"}
    found = lender([again], [PREVIOUS | {"closeddate": "2017-06-15 09:50:00"}])

    assert found.row(
        """
        SELECT r.available_at, a.available_at
        FROM repayments r, applications a WHERE r.loan_id = '200' AND application_id = '300'
        """
    ) == (datetime(2017, 6, 15, 8, 50), datetime(2017, 6, 15, 8, 55))


def test_a_previous_loan_is_late_by_the_days_from_due_to_closed(lender: Callable[..., Any]) -> None:
    found = lender()

    assert found.row(
        """
        SELECT days_past_due, due_amount, paid_amount, balance, instalment_no
        FROM repayments WHERE loan_id = '200'
        """
    ) == (6, Decimal(13000), Decimal(13000), Decimal(0), 1)


def test_a_loan_repaid_early_is_not_late(lender: Callable[..., Any]) -> None:
    found = lender(previous=[PREVIOUS | {"closeddate": "2017-06-01 12:00:00"}])

    assert found.value("SELECT days_past_due FROM repayments WHERE loan_id = '200'") == 0


def test_a_loan_of_two_instalments_tells_the_first_and_the_last(lender: Callable[..., Any]) -> None:
    long = PREVIOUS | {"termdays": 60, "firstrepaiddate": "2017-06-10 08:00:00"}
    found = lender(previous=[long | {"closeddate": "2017-07-09 23:00:00"}])

    assert found.rows(
        """
        SELECT instalment_no, days_past_due, due_amount, balance
        FROM repayments WHERE loan_id = '200' ORDER BY 1
        """
    ) == [(1, 1, Decimal(6500), None), (2, 0, Decimal(6500), Decimal(0))]


def test_a_repayment_without_a_time_is_known_when_its_day_is_over(lender: Callable[..., Any]) -> None:
    dated = PREVIOUS | {"termdays": 60, "firstrepaiddate": "2017-06-08 00:00:00"}
    found = lender(previous=[dated])

    assert found.row("SELECT event_at, available_at FROM repayments WHERE repayment_id = '200-first'") == (
        datetime(2017, 6, 7, 23),
        datetime(2017, 6, 8, 23),
    )


@pytest.mark.parametrize(("flag", "late", "balance"), [("Good", 0, Decimal(0)), ("Bad", 30, None)])
def test_a_current_loans_flag_is_known_thirty_days_after_its_end(
    lender: Callable[..., Any], flag: str, late: int, balance: Decimal | None
) -> None:
    found = lender([CURRENT | {"good_bad_flag": flag}])

    assert found.row("SELECT available_at, days_past_due, balance FROM repayments WHERE loan_id = '300'") == (
        datetime(2017, 9, 8, 9, 0, 5),
        late,
        balance,
    )


def test_a_flag_of_another_word_breaks_its_row(lender: Callable[..., Any]) -> None:
    found = lender([CURRENT | {"good_bad_flag": "Ugly"}])

    assert found.column("SELECT _broken FROM repayments WHERE _broken NOT NULL") == ["days_past_due=Ugly"]


def test_an_application_carries_what_the_person_told(lender: Callable[..., Any]) -> None:
    found = lender()

    assert found.row(
        """
        SELECT term_months, repeat_customer, lat, lon, employment_status
        FROM applications WHERE application_id = '300'
        """
    ) == (1.0, True, 6.5, 3.4, "Permanent")
    assert found.row("SELECT birth_date, education, bank_name, event_at FROM customers") == (
        date(1987, 4, 1),
        "Graduate",
        "GT Bank",
        datetime(2017, 5, 10, 9),
    )


def test_a_person_delivered_twice_stands_twice_and_multiplies_no_loan(lender: Callable[..., Any]) -> None:
    found = lender(people=[PERSON, PERSON])

    assert found.value("SELECT count(*) FROM customers") == 2
    assert found.value("SELECT count(*) FROM applications") == 2


def test_a_borrower_without_demographics_is_a_customer_all_the_same(lender: Callable[..., Any]) -> None:
    found = lender(people=[PERSON | {"customerid": "stranger"}])

    assert found.rows("SELECT customer_id, bank_name FROM customers") == [("ann", None)]


def test_a_referral_links_both_and_a_stranger_who_refers_only_one(lender: Callable[..., Any]) -> None:
    bob = CURRENT | {"customerid": "bob", "systemloanid": "301", "referredby": "ann"}
    eve = CURRENT | {"customerid": "eve", "systemloanid": "302", "referredby": "gone"}
    found = lender([CURRENT, bob, eve])

    seen = found.rows("SELECT customer_id, shared_key FROM links ORDER BY link_id")
    assert [customer for customer, _ in seen] == ["ann", "bob", "eve"]
    ann, bob, eve = (key for _, key in seen)
    assert ann == bob != eve
    assert {key[:4] for key in (ann, eve)} == {"tok_"}


def test_who_refers_himself_is_seen_once(lender: Callable[..., Any]) -> None:
    found = lender([CURRENT | {"referredby": "ann"}])

    assert found.column("SELECT link_id FROM links") == ["ann-ann"]


@pytest.mark.real
def test_every_real_loan_is_mapped_once(real: Callable[[str], Any]) -> None:
    superlender = real("superlender")

    assert superlender.row("SELECT count(*), count(DISTINCT loan_id) FROM loans") == (4368 + 18183,) * 2
    assert (
        superlender.row("SELECT count(*), count(DISTINCT application_id) FROM applications") == (22551,) * 2
    )
    assert superlender.value("SELECT count(*) = count(DISTINCT repayment_id) FROM repayments")
    assert superlender.value("SELECT count(*) = count(DISTINCT link_id) FROM links")
    # eight borrowers are told twice; the quarantine keeps the first
    assert superlender.row("SELECT count(*), count(DISTINCT customer_id) FROM customers") == (4376, 4368)


@pytest.mark.real
def test_the_current_loans_are_bad_as_often_as_their_flags_say(real: Callable[[str], Any]) -> None:
    superlender = real("superlender")

    labelled, share = superlender.row(
        """
        SELECT count(*), avg((days_past_due >= 30)::INTEGER)
        FROM repayments JOIN applications ON loan_id = application_id
        WHERE applications._file = 'trainperf.csv'
        """
    )
    assert labelled == 4368
    assert share == pytest.approx(0.218, abs=0.0005)


@pytest.mark.real
def test_almost_every_previous_loan_is_known_at_the_current_application(real: Callable[[str], Any]) -> None:
    early, late = real("superlender").row(
        """
        WITH last AS (
            SELECT customer_id, max(repayments.available_at) AS known
            FROM repayments JOIN loans USING (loan_id)
            WHERE loans._file = 'trainprevloans.csv' GROUP BY customer_id
        )
        SELECT count(*) FILTER (known <= available_at), count(*) FILTER (known > available_at)
        FROM last JOIN applications USING (customer_id) WHERE applications._file = 'trainperf.csv'
        """
    )

    assert early + late == 4359
    assert late <= 5
