"""Who was given which dose by lot, and what a year of statements says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loanbook import lines
from loanbook.errors import TrainingError
from loanbook.response import doses
from loanbook.settings import Settings
from loanbook.training import frame, labels

from ..reviewing import publish

LINE = lines.find("limit_response")
SET, AS_OF = datetime(2022, 1, 31, 10), datetime(2023, 6, 1)
Judged = Callable[..., dict[str, Any]]


def monthly(*balances: float | None, late: dict[int, int | None] | None = None) -> list[dict[str, Any]]:
    """Tell so many months in turn; `late` gives days past due by month, from 1."""
    told = late or {}
    days = [SET + timedelta(days=30.4 * number) for number in range(1, len(balances) + 1)]
    return [
        {"event_at": day, "balance": balance, "days_past_due": told.get(number, 0)}
        for number, (day, balance) in enumerate(zip(days, balances, strict=True), start=1)
    ]


@pytest.fixture
def judged(tmp_path: Path) -> Judged:
    """Give the one row that comes of a limit and its statements."""

    def ask(statements: list[dict[str, Any]], *, as_of: datetime = AS_OF, **said: Any) -> dict[str, Any]:
        settings = Settings(home=tmp_path / "home", threads=1)
        row = {"limit_id": "M1", "event_at": SET, "available_at": SET, "customer_id": "C1"}
        row |= {"limit_amount": 8000.0, "rate": 0.12, "randomised": True} | said
        rows = [
            {"statement_id": f"S{n}", "limit_id": "M1", "available_at": one["event_at"]} | one
            for n, one in enumerate(statements)
        ]
        columns = {name: [one[name] for one in rows] for name in rows[0]}
        published = {
            "limits": publish(settings, tmp_path, "limits", {name: [value] for name, value in row.items()}),
            "statements": publish(settings, tmp_path, "statements", columns),
        }
        (found,) = frame.outcomes(settings, published, LINE, as_of).to_pylist()
        return dict(found)

    return ask


def test_a_balance_is_the_mean_of_twelve_months(judged: Judged) -> None:
    found = judged(monthly(*range(100, 1300, 100)))
    assert found["outcome"] == "kept"
    assert found["balance"] == pytest.approx(650)
    assert (found["dose"], found["price"], found["bad"]) == (8000.0, 0.12, False)
    assert found["decided_at"] == SET
    assert found["ripe_at"] == datetime(2023, 2, 28, 10)


def test_sixty_days_late_within_the_year_is_a_default(judged: Judged) -> None:
    assert judged(monthly(*[500.0] * 12, late={12: 60}))["outcome"] == "defaulted"
    assert judged(monthly(*[500.0] * 12, late={12: 59}))["outcome"] == "kept"
    assert judged(monthly(*[500.0] * 13, late={13: 90}))["outcome"] == "kept"


def test_who_repays_and_closes_owes_nothing_from_then_on(judged: Judged) -> None:
    found = judged(monthly(1200.0, 1200.0, 0.0))
    assert found["outcome"] == "kept"
    assert found["balance"] == pytest.approx(200)


def test_what_was_written_off_is_owed_to_the_end(judged: Judged) -> None:
    found = judged(monthly(1000.0, 1000.0, 1600.0, late={3: 61}))
    assert found["outcome"] == "defaulted"
    assert found["balance"] == pytest.approx((1000 * 2 + 1600 * 10) / 12)


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (monthly(*[500.0] * 11), {}),
        (monthly(*[500.0] * 12)[1:], {}),
        (monthly(500.0, 500.0, 0.0)[1:], {}),
        (monthly(*[500.0] * 11, None), {}),
        (monthly(*[500.0] * 12, late={4: None}), {}),
        (monthly(*[500.0] * 12) + monthly(700.0), {}),
        (monthly(*[500.0] * 12), {"limit_amount": None}),
        (monthly(*[500.0] * 12), {"rate": None}),
        (monthly(*[500.0] * 12), {"limit_amount": 0.0}),
    ],
)
def test_what_nobody_wrote_down_is_counted_aside(judged: Judged, statements: Any, said: Any) -> None:
    assert judged(statements, **said)["outcome"] == "unfollowed"


def test_a_limit_without_any_statement_is_unfollowed(judged: Judged) -> None:
    assert judged([one | {"limit_id": "M2"} for one in monthly(1.0)])["outcome"] == "unfollowed"


@pytest.mark.parametrize("drawn", [False, None])
def test_what_was_set_by_judgement_is_counted_aside(judged: Judged, drawn: bool | None) -> None:
    assert judged(monthly(*[500.0] * 12), randomised=drawn)["outcome"] == "chosen"


def test_nothing_counts_before_it_is_ripe_and_known(judged: Judged) -> None:
    rows = monthly(*[500.0] * 12)
    assert judged(rows, as_of=datetime(2023, 2, 28, 9))["outcome"] == "unripe"
    assert judged(rows, as_of=datetime(2023, 2, 28, 10))["outcome"] == "kept"
    late = [one | {"available_at": datetime(2023, 5, 1)} for one in rows]
    assert judged(late, as_of=datetime(2023, 4, 1))["outcome"] == "unfollowed"


def test_a_dataset_may_state_another_window(judged: Judged, tmp_path: Path) -> None:
    line = lines.adapted(LINE, {"window_months": 6, "days_past_due": 30})
    label = doses.response_of(line)
    assert (label.window_months, label.days_past_due) == (6, 30)
    assert "INTERVAL 6 MONTHS" in doses.doses_sql(line, as_of=AS_OF)


def test_a_lender_without_statements_has_no_outcome(lender: Any) -> None:
    bare = {"limits": lender.published["limits"]}
    with pytest.raises(TrainingError, match="the dataset has no statements"):
        frame.outcomes(lender.settings, bare, LINE, AS_OF)


def test_another_line_is_no_response() -> None:
    with pytest.raises(TrainingError, match="predicts no response"):
        doses.response_of(lines.find("uptake"))
    with pytest.raises(TrainingError, match="no outcome of loans"):
        labels.outcomes_sql(LINE, as_of=AS_OF)


def test_every_limit_is_counted_and_only_the_lot_is_kept(lender: Any) -> None:
    from .conftest import AS_OF as LATER

    found = frame.outcomes(lender.settings, lender.published, lender.line, LATER)
    counts = frame.counts(found)
    assert set(counts) == set(doses.OUTCOMES)
    assert sum(counts.values()) == found.num_rows
    assert counts["chosen"] == int((~lender.drawn.limits["randomised"]).sum())
    kept = frame.wanted(found)["outcome"].to_pylist()
    assert not {*kept} & {*doses.ASIDE}
    assert np.isfinite(frame.ripe(found)["balance"].to_numpy()).all()
    assert replace(LINE, product="auto").label == LINE.label


def test_balances_are_added_to_the_cent_whoever_adds_them_in_which_order(lender: Any) -> None:
    from .conftest import AS_OF as LATER

    found = frame.ripe(frame.outcomes(lender.settings, lender.published, lender.line, LATER))
    balance = found["balance"].to_numpy()
    assert len(balance) > 1000
    assert np.array_equal(balance, np.round(balance * 1200) / 100 / 12)
