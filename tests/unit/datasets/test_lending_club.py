from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

LOAN: dict[str, object] = {
    "loan_amnt": 10000,
    "funded_amnt": 9000,
    "term": "36",
    "int_rate": 0.1099,
    "installment": 311.11,
    "emp_title": "us army",
    "emp_length": "10+ years",
    "home_ownership": "RENT",
    "annual_inc": 60000.0,
    "verification_status": "Verified",
    "issue_d": "2010-03-01",
    "loan_status": "Fully Paid",
    "desc": "To repay my cards",
    "purpose": "credit_card",
    "title": "Cards",
    "zip_code": "100xx",
    "addr_state": "NY",
    "dti": 12.0,
    "delinq_2yrs": "1",
    "earliest_cr_line": "2000-03-01",
    "inq_last_6mths": "2",
    "open_acc": "7",
    "pub_rec": "0",
    "revol_bal": 1500,
    "revol_util": 0.35,
    "delinq_amnt": "0",
    "total_rec_prncp": 9000.0,
    "recoveries": 0.0,
    "collection_recovery_fee": 0.0,
    "last_pymnt_d": "2012-01-01",
}
CHARGED_OFF = {
    "loan_status": "Charged Off",
    "total_rec_prncp": 2000.5,
    "recoveries": 120.55,
    "collection_recovery_fee": 1.2,
}
FAILED_POLICY = "Does not meet the credit policy. Status:"


@pytest.fixture
def club(written: Callable[..., Any]) -> Callable[..., Any]:
    def one(*loans: dict[str, object]) -> Any:
        return written("lending_club", {"lending_club_1.parquet": loans})

    return one


def test_a_loan_fully_paid_ends_with_nothing_owed_in_the_month_it_was_last_paid(
    club: Callable[..., Any],
) -> None:
    found = club(LOAN)

    assert found.rows("SELECT event_at, available_at, balance, days_past_due FROM repayments") == [
        (datetime(2012, 1, 1), datetime(2012, 1, 31), Decimal(0), 0)
    ]
    assert found.rows("FROM recoveries") == []


def test_a_loan_charged_off_was_150_days_late_six_months_after_it_was_last_paid(
    club: Callable[..., Any],
) -> None:
    found = club(LOAN | CHARGED_OFF)

    assert found.rows("SELECT event_at, balance, days_past_due FROM repayments") == [
        (datetime(2012, 7, 1), Decimal("6999.50"), 150)
    ]
    assert found.rows("SELECT kind, amount, cost FROM recoveries ORDER BY kind") == [
        ("charge_off", Decimal("6999.50"), None),
        ("payment", Decimal("120.55"), Decimal("1.20")),
    ]


def test_a_loan_never_paid_is_late_from_its_issue(club: Callable[..., Any]) -> None:
    found = club(LOAN, LOAN | CHARGED_OFF | {"last_pymnt_d": None})

    assert found.value("SELECT event_at FROM repayments WHERE days_past_due > 0") == datetime(2010, 9, 1)


def test_what_was_collected_afterwards_is_known_at_the_reading_alone(club: Callable[..., Any]) -> None:
    found = club(LOAN | CHARGED_OFF)

    assert found.value("SELECT available_at FROM recoveries WHERE kind = 'payment'") == found.reading.as_of


def test_what_the_policy_refused_is_declined_though_it_was_lent(club: Callable[..., Any]) -> None:
    found = club(LOAN, LOAN | CHARGED_OFF | {"loan_status": FAILED_POLICY + "Charged Off"})

    assert found.rows(
        """
        SELECT decision, days_past_due
        FROM applications JOIN loans USING (application_id) JOIN repayments USING (loan_id) ORDER BY decision
        """
    ) == [("approved", 0), ("declined", 150)]


def test_a_status_of_another_word_breaks_its_row(club: Callable[..., Any]) -> None:
    found = club(LOAN, LOAN | {"loan_status": "Current"})

    assert found.column("SELECT _broken FROM repayments WHERE _broken NOT NULL") == ["days_past_due=Current"]


def test_an_application_tells_work_housing_debts_and_words(club: Callable[..., Any]) -> None:
    found = club(
        LOAN,
        LOAN | {"emp_length": "< 1 year", "emp_title": "", "desc": " ", "title": ""},
        LOAN | {"emp_length": "n/a", "verification_status": "Not Verified"},
    )

    assert found.rows(
        """
        SELECT employment_months, housing, declared_debt_payments, income_verified, free_text
        FROM applications ORDER BY _row
        """
    ) == [
        (120, "rent", Decimal(600), True, "Cards\nTo repay my cards\nus army"),
        (0, "rent", Decimal(600), True, None),
        (None, "rent", Decimal(600), False, "Cards\nTo repay my cards\nus army"),
    ]


def test_a_report_counts_months_from_the_oldest_line_to_the_application(club: Callable[..., Any]) -> None:
    found = club(LOAN)

    assert found.row(
        "SELECT oldest_account_months, inquiries_6m, open_accounts, utilisation, score FROM bureau_reports"
    ) == (120, 2, 7, 0.35, None)


@pytest.mark.real
def test_every_real_loan_is_mapped_once(real: Callable[[str], Any]) -> None:
    club = real("lending_club")

    for table, key in (
        ("customers", "customer_id"),
        ("applications", "application_id"),
        ("bureau_reports", "report_id"),
        ("loans", "loan_id"),
        ("repayments", "repayment_id"),
    ):
        assert club.row(f"SELECT count(*), count(DISTINCT {key}) FROM {table}") == (42535, 42535)
    assert club.value("SELECT count(*) = count(DISTINCT recovery_id) FROM recoveries")


@pytest.mark.real
def test_loans_within_policy_and_against_it_are_bad_as_known(real: Callable[[str], Any]) -> None:
    found = real("lending_club").rows(
        """
        SELECT decision, count(*), avg((days_past_due >= 90)::INTEGER)
        FROM applications JOIN loans USING (application_id) JOIN repayments USING (loan_id)
        GROUP BY decision ORDER BY decision
        """
    )

    assert [(decision, loans) for decision, loans, _ in found] == [("approved", 39786), ("declined", 2749)]
    assert [bad for *_, bad in found] == [pytest.approx(0.143, abs=5e-4), pytest.approx(0.277, abs=5e-4)]
