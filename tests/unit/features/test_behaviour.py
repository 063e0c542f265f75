"""A loan's behaviour at a month's first is what a person would count from the ledger as known then."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from loanbook.features import tables
from loanbook.settings import Settings

DAY = timedelta(days=1)
START = datetime(2022, 1, 10)
Row = dict[str, Any]


def lender(chance: random.Random) -> tuple[list[Row], list[Row]]:
    """Draw loans with their ledgers: late, short, missed, silent, repaid, told of out of order."""
    loans, rows = [], []
    for n in range(12):
        lent = START + chance.randrange(200) * DAY
        loans.append(
            {
                "loan_id": f"L{n}",
                "customer_id": f"C{n % 5}",
                "application_id": f"A{n}",
                "event_at": lent,
                "available_at": lent + chance.choice([0, 0, 50]) * DAY,
                "principal": Decimal(1000),
                "instalment": Decimal(100),
                "term_months": 12.0,
                "rate": 0.12,
            }
        )
        for k in range(1, chance.randrange(2, 14)):
            event = lent + (30 * k + chance.randrange(20) + chance.choice([0, 0, 0, 150])) * DAY
            rows.append(
                {
                    "repayment_id": f"P{n}-{k:02}",
                    "loan_id": f"L{n}",
                    "event_at": event,
                    "available_at": event + chance.randrange(40) * DAY,
                    "instalment_no": k,
                    "due_amount": Decimal(100),
                    "paid_amount": Decimal(chance.choice([0, 0, 60, 100, 100, 100, 200])),
                    "balance": Decimal(0 if chance.random() < 0.02 else 1000 - 70 * k),
                    "days_past_due": chance.choice([0, 0, 0, 4, 31, 62]),
                }
            )
    return loans, rows


def months(first: datetime, last: datetime) -> list[datetime]:
    found, at = [], datetime(first.year, first.month, 1)
    while at <= last:
        found.append(at)
        at = datetime(at.year + at.month // 12, at.month % 12 + 1, 1)
    return found


def after(at: datetime, count: int) -> datetime:
    """Give the first of the month, `count` after the first one that isn't before a moment."""
    place = at.year * 12 + at.month - 1 + (at != datetime(at.year, at.month, 1)) + count
    return datetime(place // 12, place % 12 + 1, 1)


def counted(loan: Row, rows: list[Row], at: datetime) -> Row | None:
    """Count by hand what was known of a loan at a moment; null where it is no longer shown."""
    own = [row for row in rows if row["loan_id"] == loan["loan_id"]]
    known = [(max(row["available_at"], loan["available_at"]), row) for row in own]
    known = [one for one in known if one[0] <= at]
    known.sort(key=lambda one: (one[0], one[1]["event_at"], one[1]["instalment_no"], one[1]["repayment_id"]))
    if not known or at >= after(known[-1][0], 1 if known[-1][1]["balance"] <= 0 else 3):
        return None
    told = [row for _, row in known]
    late, paid = [row["days_past_due"] for row in told], [float(row["paid_amount"]) for row in told]
    met = [place for place, one in enumerate(paid) if one > 0]
    missed = [place for place, one in enumerate(paid) if one == 0]
    last = len(told) - 1

    def share(some: list[float]) -> float | None:
        return sum(some) / (100 * len(some)) if some else None

    three, before = share(paid[-3:]), share(paid[-6:-3])
    age = (at - loan["event_at"]).days / 30.4375
    gone = min((told[-1]["event_at"] - loan["event_at"]).days / 30.4375, 12.0)
    plan = 1000 * (1.01**12 - 1.01**gone) / (1.01**12 - 1)
    return {
        "loan_age_months": age,
        "loan_months_left": 12 - age,
        "loan_rate": 0.12,
        "loan_instalment": 100.0,
        "loan_instalments_told": len(told),
        "loan_balance": float(told[-1]["balance"]),
        "loan_balance_share": float(told[-1]["balance"]) / 1000,
        "loan_balance_to_plan": float(told[-1]["balance"]) / plan if plan else None,
        "loan_dpd": late[-1],
        "loan_worst_dpd_3m": max(late[-3:]),
        "loan_worst_dpd_6m": max(late[-6:]),
        "loan_worst_dpd_12m": max(late[-12:]),
        "loan_worst_dpd": max(late),
        "loan_mean_dpd_6m": sum(late[-6:]) / len(late[-6:]),
        "loan_late_share_6m": sum(one > 0 for one in late[-6:]) / len(late[-6:]),
        "loan_late_share": sum(one > 0 for one in late) / len(late),
        "loan_dpd_change_3m": late[-1] - late[-4] if len(late) > 3 else None,
        "loan_cures": sum(one >= 30 > two for one, two in pairwise(late)),
        "loan_misses_in_a_row": last - (met[-1] if met else -1),
        "loan_misses_12m": sum(one == 0 for one in paid[-12:]),
        "loan_instalments_since_miss": last - missed[-1] if missed else None,
        "loan_last_paid_share": paid[-1] / 100,
        "loan_paid_share_3m": three,
        "loan_paid_share_6m": share(paid[-6:]),
        "loan_paid_share": share(paid),
        "loan_paid_change_3m": None if before is None or three is None else three - before,
        "loan_arrears": len(told) - sum(paid) / 100,
        "loan_partial_share_6m": sum(0 < one < 95 for one in paid[-6:]) / len(paid[-6:]),
        "loan_over_share_6m": sum(one > 105 for one in paid[-6:]) / len(paid[-6:]),
        "loan_days_since_payment": (
            at - max([row["event_at"] for row in told if row["paid_amount"]], default=loan["event_at"])
        ).days,
        "loan_days_since_told": (at - told[-1]["event_at"]).days,
    }


@pytest.mark.parametrize("seed", range(4))
def test_every_months_behaviour_is_what_was_counted_by_hand(tmp_path: Path, publish: Any, seed: int) -> None:
    loans, rows = lender(random.Random(seed))
    paths = publish(tmp_path / "published", {"loans": loans, "repayments": rows})

    made = tables.compute(Settings(home=tmp_path / "home", threads=1), "small", "p" * 12, paths)

    said = {
        (row.pop("loan_id"), row.pop("available_at")): row
        for row in parquet.read_table(made.folder / "behaviour.parquet").to_pylist()
    }
    meant = {
        (loan["loan_id"], at): found
        for loan in loans
        for at in months(START, START + 1500 * DAY)
        if (found := counted(loan, rows, at))
    }
    assert said.keys() == meant.keys()
    for key, found in meant.items():
        assert said[key] == pytest.approx(found, nan_ok=True), key
    assert sum(row["loan_misses_in_a_row"] > 1 for row in said.values()) > 0


def test_a_loan_that_is_repaid_is_shown_once_more_and_a_silent_one_for_three_months(
    tmp_path: Path, publish: Any
) -> None:
    clocks = {"event_at": START, "available_at": START}
    loans = [clocks | {"loan_id": name, "customer_id": "C"} for name in ("repaid", "silent")]
    rows = [
        clocks | {"repayment_id": name, "loan_id": name, "balance": Decimal(left), "days_past_due": 0}
        for name, left in (("repaid", 0), ("silent", 500))
    ]
    paths = publish(tmp_path / "published", {"loans": loans, "repayments": rows})

    made = tables.compute(Settings(home=tmp_path / "home", threads=1), "small", "p" * 12, paths)

    shown = parquet.read_table(made.folder / "behaviour.parquet").to_pylist()
    assert [(row["loan_id"], row["available_at"].month) for row in shown] == [
        ("repaid", 2), ("silent", 2), ("silent", 3), ("silent", 4),
    ]  # fmt: skip
