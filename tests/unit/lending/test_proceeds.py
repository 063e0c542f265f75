from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from loanbook.lending import proceeds
from loanbook.lending.proceeds import Proceeds
from loanbook.settings import Settings

AS_OF = datetime(2024, 1, 1)
LENT = datetime(2022, 12, 1)
LOAN = {
    "loan_id": "L1", "application_id": "A1", "event_at": LENT, "available_at": LENT, "product": "consumer",
    "principal": "1000", "rate": 0.12, "term_months": 4.0, "instalment": "260",
}  # fmt: skip


def due(number: int, paid: str | None, balance: str | None, **more: Any) -> dict[str, Any]:
    at = datetime(2023, number, 1)
    return {
        "repayment_id": f"R{number}", "loan_id": "L1", "instalment_no": number, "event_at": at,
        "available_at": at, "paid_amount": paid, "balance": balance, **more,
    }  # fmt: skip


def came(kind: str, amount: str, at: datetime, cost: str | None = None) -> dict[str, Any]:
    return {
        "recovery_id": f"{kind}{at}", "loan_id": "L1", "event_at": at, "available_at": at, "kind": kind,
        "amount": amount, "cost": cost,
    }  # fmt: skip


PAID = [due(1, "260", "750"), due(2, "260", "500"), due(3, "260", "250"), due(4, "260", "0")]


@pytest.fixture
def read(tmp_path: Path, publish: Any) -> Any:
    from decimal import Decimal

    money = {"principal", "instalment", "paid_amount", "balance", "amount", "cost"}

    def exact(row: dict[str, Any]) -> dict[str, Any]:
        return {
            name: Decimal(value) if name in money and value is not None else value
            for name, value in row.items()
        }

    def one(
        repayments: list[dict[str, Any]], recoveries: list[dict[str, Any]] | None = None, **loan: Any
    ) -> Proceeds:
        rows = {"loans": [LOAN | loan], "repayments": repayments, "recoveries": recoveries or []}
        paths = publish(tmp_path / "published", {name: list(map(exact, one)) for name, one in rows.items()})
        return proceeds.read(Settings(home=tmp_path, threads=1), paths, pa.array(["A1"]), AS_OF)

    return one


def test_a_loan_that_was_repaid_is_told_to_the_cent(read: Any) -> None:
    found = read(PAID)

    assert (found.untold, found.filled, found.lent.tolist()) == ({}, 0, [1000.0])
    ledgers = found.ledgers
    assert (ledgers.outlay[0], ledgers.paid[0], ledgers.owed[0], ledgers.written_off[0]) == (1000, 1040, 0, 0)
    days = 31 * 1000 + 31 * 750 + 28 * 500 + 31 * 250
    assert ledgers.years[0] == pytest.approx(days / proceeds.YEAR)


def test_nothing_counts_that_was_not_known_yet(read: Any) -> None:
    later = datetime(2024, 2, 1)
    found = read([*PAID[:3], {**PAID[3], "available_at": later}])

    assert (found.ledgers.paid[0], found.ledgers.owed[0]) == (780, 250)


def test_a_write_off_is_owed_no_more_and_what_came_of_it_is_told_less_its_cost(read: Any) -> None:
    off = datetime(2023, 6, 1)
    missed = [due(1, "260", "750"), due(2, "0", "750")]
    back = [came("charge_off", "750", off), came("sale", "300", datetime(2023, 9, 1), "40")]
    ledgers = read(missed, back).ledgers

    assert (ledgers.written_off[0], ledgers.owed[0], ledgers.recovered[0]) == (750, 0, 260)
    assert ledgers.off_days[0] == (AS_OF - off).days


def test_a_payment_that_no_row_tells_is_taken_as_due_where_the_balance_fell(read: Any) -> None:
    found = read([PAID[0], *[due(n, "26", str(750 - 10 * n)) for n in range(3, 13)]])
    assert found.untold["ledgers"] == "1 of 12 payments aren't told"
    assert found.ledgers is None

    whole = read([due(n, "20", str(1000 - n), repayment_id=f"R{n}-{k}") for n in (1, 3) for k in range(15)])
    assert (whole.filled, whole.untold) == (1, {})
    assert whole.ledgers.paid[0] == 30 * 20 + 260


def test_a_ledger_that_begins_late_begins_with_what_is_owed_then(read: Any) -> None:
    found = read(PAID, observed_from=datetime(2023, 2, 1))

    assert (found.ledgers.outlay[0], found.ledgers.paid[0]) == (750, 780)
    assert found.ledgers.years[0] == pytest.approx((31 * 750 + 28 * 500 + 31 * 250) / proceeds.YEAR)
    assert found.lent.tolist() == [1000.0], "what was lent is what was lent"


@pytest.mark.parametrize(
    ("repayments", "loan", "part", "why"),
    [
        ([PAID[0], due(2, None, "500")], {}, "ledgers", "a payment isn't told"),
        ([due(1, "260", None)], {}, "ledgers", "it isn't told what is owed"),
        ([], {}, "ledgers", "a payment isn't told"),
        (PAID, {"rate": None}, "contracts", "no principal, rate or term"),
    ],
)
def test_what_a_dataset_does_not_tell_is_named_and_the_other_part_stands(
    read: Any, repayments: list[dict[str, Any]], loan: dict[str, Any], part: str, why: str
) -> None:
    found = read(repayments, **loan)

    assert why in found.untold[part]
    assert getattr(found, part) is None
    other = {"ledgers": "contracts", "contracts": "ledgers"}[part]
    assert getattr(found, other) is not None


def test_losses_are_of_the_product_and_of_what_is_collected_no_more(tmp_path: Path, publish: Any) -> None:
    from decimal import Decimal

    old, new = datetime(2022, 3, 1), datetime(2023, 12, 1)

    def row(loan: str, kind: str, amount: int, at: datetime, cost: int | None = None) -> dict[str, Any]:
        spent = None if cost is None else Decimal(cost)
        return came(kind, "0", at) | {
            "recovery_id": f"{loan}{kind}", "loan_id": loan, "amount": Decimal(amount), "cost": spent,
        }  # fmt: skip

    paths = publish(
        tmp_path / "published",
        {
            "loans": [
                {"loan_id": loan, "product": product}
                for loan, product in (("L1", "auto"), ("L2", "auto"), ("L3", "auto"), ("L4", "consumer"))
            ],
            "recoveries": [
                row("L1", "charge_off", 1000, old), row("L1", "sale", 500, old, 100),
                row("L2", "charge_off", 600, old),
                row("L3", "charge_off", 900, new),
                row("L4", "charge_off", 100, old), row("L4", "payment", 100, old),
            ],
        },
    )  # fmt: skip
    place = Settings(home=tmp_path, threads=1)

    assert proceeds.losses(place, paths, "auto", AS_OF, 15) == proceeds.Losses(2, 1 - 400 / 1600)
    assert proceeds.losses(place, paths, "consumer", AS_OF, 15) == proceeds.Losses(1, 0.0)
    assert proceeds.losses(place, paths, "lease", AS_OF, 15) == proceeds.Losses(0, None)
