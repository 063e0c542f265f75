from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

MONTHS = 8
PAYMENT = 170.0
# 10,000 over 73 months at 6 % leaves some 9,880 after the first instalment, and 120 less each month
START = 9880.0
LOAN: dict[str, object] = {
    "assetNumber": "1001",
    "originationDate": "03/2017",
    "originalFirstPaymentDate": "04/2017",
    "originalLoanAmount": "10000",
    "originalLoanTerm": "73",
    "originalInterestRatePercentage": "0.06",
    "vehicleManufacturerName": "CHEV",
    "vehicleModelName": "CRUZE               ",
    "vehicleNewUsedCode": "2",
    "vehicleModelYear": "2014",
    "vehicleValueAmount": "9500",
    "obligorCreditScoreType": "Consumer Bureau",
    "obligorCreditScore": "700",
    "obligorIncomeVerificationLevelCode": "2",
    "paymentToIncomePercentage": "0.05",
    "obligorGeographicLocation": "TX",
    "reportingPeriodBeginningDate": "05-01-2017",
    "reportingPeriodBeginningLoanBalanceAmount": START,
    "reportingPeriodScheduledPaymentAmount": PAYMENT,
}
DEFAULTED = "SELECT max(days_past_due) FROM repayments"


def loan(
    payments: Sequence[float | None],
    *,
    opening: float = START,
    principal: float = 120.0,
    written_off_in: int | None = None,
    **given: object,
) -> dict[str, object]:
    """One row: its first reporting period, then a month for each payment (None: the ledger is empty)."""
    row = LOAN | {"reportingPeriodBeginningLoanBalanceAmount": opening}
    balance = opening
    for month, paid in enumerate(payments):
        collected = min(principal, balance) if paid else 0.0
        balance = 0.0 if month == written_off_in else balance - collected
        known = "NA" if paid is None else f"{balance:.2f}"
        if month == 0:
            row |= {
                "reportingPeriodActualEndBalanceAmount": known,
                "actualPrincipalCollectedAmount": collected,
                "totalActualAmountPaid": paid,
            }
        else:
            row |= {
                f"BAL{month}": known,
                f"PRC{month}": collected,
                f"PMT{month}": "NA" if paid is None else paid,
            }
            row |= {f"REC{month}": "NA", f"REP{month}": 0}
    return row | given


@pytest.fixture
def pool(written: Callable[..., Any]) -> Callable[..., Any]:
    def one(*loans: dict[str, object]) -> Any:
        return written("ally_auto", {"aart1_2017.csv": loans})

    return one


def days(pool: Callable[..., Any], *payments: float | None, **given: Any) -> list[int | None]:
    found = pool(loan(payments, **given)).column("SELECT days_past_due FROM repayments ORDER BY event_at")
    return list(found)


def test_three_payments_of_nothing_in_a_row_are_ninety_days(pool: Callable[..., Any]) -> None:
    assert days(pool, PAYMENT, 0, 0, 0, 0) == [0, 30, 60, 90, 120]


def test_a_payment_ends_the_row(pool: Callable[..., Any]) -> None:
    assert days(pool, PAYMENT, 0, 0, PAYMENT, 0) == [0, 30, 60, 0, 30]


def test_the_first_reporting_period_counts_into_the_row(pool: Callable[..., Any]) -> None:
    assert days(pool, 0, 0, 0, PAYMENT) == [30, 60, 90, 0]


def test_whoever_paid_ahead_misses_nothing(pool: Callable[..., Any]) -> None:
    assert days(pool, PAYMENT, 0, 0, 0, 0, opening=START - 1000) == [0, 0, 0, 0, 0]


def test_the_credit_of_paying_ahead_is_used_up(pool: Callable[..., Any]) -> None:
    assert days(pool, PAYMENT, 0, 0, 0, 0, 0, opening=START - 200) == [0, 0, 30, 60, 90, 120]


def test_a_repaid_loan_is_not_past_due(pool: Callable[..., Any]) -> None:
    assert days(pool, START, 0, 0, 0, 0, principal=START) == [0, 0, 0, 0, 0]


def test_nothing_is_said_of_a_month_the_ledger_leaves_empty(pool: Callable[..., Any]) -> None:
    assert days(pool, PAYMENT, 0, None, None) == [0, 30, None, None]


def test_payments_put_off_in_2020_neither_add_to_a_row_nor_end_it(pool: Callable[..., Any]) -> None:
    entry = {"reportingPeriodBeginningDate": "02-01-2020", "originationDate": "12/2019"}
    entry |= {"originalFirstPaymentDate": "01/2020"}
    # February and March, then April to July, then August and September
    assert days(pool, 0, 0, 0, 0, 0, 0, 0, 0, **entry) == [30, 60, 60, 60, 60, 60, 90, 120]


def test_a_balance_written_off_is_a_default_and_a_loss(pool: Callable[..., Any]) -> None:
    found = pool(loan([PAYMENT, 0, 50, 0], written_off_in=3))

    assert found.value(DEFAULTED) == 120
    assert found.rows("SELECT kind, amount, event_at FROM recoveries") == [
        ("charge_off", Decimal("9640.00"), datetime(2017, 8, 31))
    ]


def test_a_balance_paid_off_is_no_loss(pool: Callable[..., Any]) -> None:
    found = pool(loan([PAYMENT, START], principal=START / 2))

    assert found.value("SELECT last(balance ORDER BY event_at) FROM repayments") == 0
    assert found.rows("FROM recoveries") == []


def test_proceeds_below_zero_are_costs_and_money_is_exact(pool: Callable[..., Any]) -> None:
    found = pool(loan([0, 0, 0, 0], REP1="-300", REP2="6000.10", REC3="84.53"))

    assert found.rows("SELECT kind, amount, cost FROM recoveries ORDER BY event_at") == [
        ("repossession", Decimal("0.00"), Decimal("300.00")),
        ("sale", Decimal("6000.10"), None),
        ("payment", Decimal("84.53"), None),
    ]


def test_a_month_is_known_in_the_middle_of_the_next(pool: Callable[..., Any]) -> None:
    found = pool(loan([PAYMENT, PAYMENT]))

    assert found.rows("SELECT event_at, available_at, instalment_no FROM repayments ORDER BY event_at") == [
        (datetime(2017, 5, 31), datetime(2017, 6, 15), 2),
        (datetime(2017, 6, 30), datetime(2017, 7, 15), 3),
    ]


def test_a_loan_is_observed_from_its_pools_first_period(pool: Callable[..., Any]) -> None:
    found = pool(loan([PAYMENT, PAYMENT], originationDate="01/2016", originalFirstPaymentDate="02/2016"))

    assert found.row("SELECT event_at, observed_from FROM loans") == (
        datetime(2016, 1, 1),
        datetime(2017, 5, 1),
    )
    assert found.value("SELECT min(instalment_no) FROM repayments") == 16


def test_income_is_the_payment_over_its_share_and_unknown_without(pool: Callable[..., Any]) -> None:
    found = pool(
        loan([PAYMENT, PAYMENT]), loan([PAYMENT, PAYMENT], assetNumber="2", paymentToIncomePercentage="0")
    )

    known, unknown = found.column("SELECT declared_income FROM applications ORDER BY application_id")
    assert float(known) == pytest.approx(12 * 163.84 / 0.05, rel=1e-4)
    assert unknown is None


def test_pools_that_repeat_an_asset_number_and_spell_makers_otherwise_meet(
    written: Callable[..., Any],
) -> None:
    later = loan([PAYMENT, PAYMENT], vehicleManufacturerName="CHEVROLET", vehicleModelName="Cruze")
    found = written(
        "ally_auto",
        {
            "aart1_2017.csv": [loan([PAYMENT, PAYMENT])],
            "aart2_2019.csv": [later | {"BAL2": "NA", "PMT2": "NA"}],
        },
    )

    assert found.rows("SELECT DISTINCT make, model FROM vehicles") == [("CHEVROLET", "CRUZE")]
    assert found.column("SELECT loan_id FROM loans ORDER BY 1") == ["aart1_2017-1001", "aart2_2019-1001"]
    assert found.value("SELECT count(DISTINCT repayment_id) = count(*) FROM repayments")


def test_a_borrower_without_score_has_no_report(pool: Callable[..., Any]) -> None:
    found = pool(
        loan([PAYMENT, PAYMENT]),
        loan([PAYMENT, PAYMENT], assetNumber="2", obligorCreditScore="None", obligorCreditScoreType="None"),
    )

    assert found.column("SELECT score FROM bureau_reports") == [700]


def test_an_amount_that_cant_be_read_breaks_its_own_row_and_no_other(pool: Callable[..., Any]) -> None:
    found = pool(*(loan([PAYMENT, PAYMENT], assetNumber=str(number)) for number in range(4)))
    spoilt = pool(
        *(
            loan([PAYMENT, PAYMENT], assetNumber=str(number)) | ({} if number else {"BAL1": "n/k"})
            for number in range(4)
        )
    )

    assert found.value("SELECT count(_broken) FROM repayments") == 0
    assert set(spoilt.column("SELECT DISTINCT _broken FROM repayments WHERE _broken NOT NULL")) == {
        "BAL1 like A/A"
    }
    assert spoilt.column("SELECT DISTINCT loan_id FROM loans WHERE _broken NOT NULL") == ["aart1_2017-0"]


def test_the_two_files_of_the_index_make_one_series(written: Callable[..., Any]) -> None:
    values = [{"mhm_2017": 13167 + month} for month in range(31)]
    later = [{"mhm_2019": 13167 + month} for month in range(29, 33)]
    found = written(
        "ally_auto",
        {
            "aart1_2017.csv": [loan([PAYMENT, PAYMENT])],
            "manheim_mhm_sa17.csv": values,
            "manheim_mhm_sa19.csv": later,
        },
    )

    months = found.rows("SELECT month, used_vehicle_index FROM market ORDER BY month")
    assert len(months) == 33
    assert months[0] == ("2017-12", 100.0)
    assert months[-1] == ("2020-08", pytest.approx(100 * (13167 + 32) / 13167))


@pytest.mark.real
def test_every_real_loan_and_loan_month_is_mapped_once(real: Callable[[str], Any]) -> None:
    ally = real("ally_auto")

    assert ally.row("SELECT count(*), count(DISTINCT loan_id) FROM loans") == (6408, 6408)
    # 200,555 months of the wide ledger, and the first reporting period of each loan
    assert ally.value("SELECT count(*) FROM repayments WHERE NOT repayment_id LIKE '%-0'") == 200_555
    assert ally.row("SELECT count(*), count(DISTINCT repayment_id) FROM repayments") == (206_963, 206_963)
    for table, key in (("customers", "customer_id"), ("applications", "application_id")):
        assert ally.row(f"SELECT count(*), count(DISTINCT {key}) FROM {table}") == (6408, 6408)
    assert ally.row("SELECT count(*), count(DISTINCT vehicle_id) FROM vehicles") == (6408, 6408)
    assert ally.value("SELECT count(*) FROM market") == 72
    assert ally.value("SELECT month FROM market ORDER BY used_vehicle_index LIMIT 1") == "2020-04"


@pytest.mark.real
def test_eleven_percent_paid_nothing_three_times_and_never_repaid(real: Callable[[str], Any]) -> None:
    ally = real("ally_auto")
    found = set(
        ally.column(
            """
            WITH month AS (
                SELECT loan_id, event_at, paid_amount, balance,
                       count(*) FILTER (paid_amount IS DISTINCT FROM 0)
                           OVER (PARTITION BY loan_id ORDER BY event_at) AS stretch
                FROM repayments
            ),
            stopped AS (
                SELECT DISTINCT loan_id FROM month
                WHERE paid_amount = 0 GROUP BY loan_id, stretch HAVING count(*) >= 3
            ),
            repaid AS (
                SELECT DISTINCT loan_id FROM repayments WHERE balance <= 0
                EXCEPT SELECT loan_id FROM recoveries WHERE kind = 'charge_off'
            )
            FROM stopped EXCEPT FROM repaid
            """
        )
    )
    told: set[str] = set()
    for path in ally.data.glob("aart*.csv"):
        with path.open(newline="", encoding="utf-8") as stream:
            told |= {f"{path.stem}-{row['assetNumber']}" for row in csv.DictReader(stream) if row["D"] == "1"}

    assert len(told) == 703
    assert told <= found
    assert len(found) / 6408 == pytest.approx(0.110, abs=0.0015)


@pytest.mark.real
def test_ninety_days_past_due_holds_every_loss_and_few_others(real: Callable[[str], Any]) -> None:
    ally = real("ally_auto")
    bad, lost = ally.row(
        """
        WITH lost AS (SELECT loan_id FROM recoveries WHERE kind = 'charge_off')
        SELECT count(*), count(*) FILTER (loan_id IN (FROM lost))
        FROM (SELECT loan_id FROM repayments GROUP BY loan_id HAVING max(days_past_due) >= 90)
        """
    )

    assert (bad, lost) == (286, 196)
    assert lost == ally.value("SELECT count(*) FROM recoveries WHERE kind = 'charge_off'")
