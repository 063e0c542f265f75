"""Which limit is chosen, by what it is worth, and which are not told of."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

from loanbook.errors import ScoringError
from loanbook.lending.limits import Choosing
from loanbook.response import book

CHOICE = Choosing(
    menu=(4_000.0, 16_000.0), rate=0.12, cost_of_funds=0.02, lgd=0.5, conversion=0.5, most_pd=0.2
)


def test_a_value_by_hand() -> None:
    found = CHOICE.values(np.array([[1000.0, 2000.0]]), np.array([[0.0, 0.1]]), np.array([4000.0, 10_000.0]))
    # the margin of a tenth; of the second, a tenth loses half of 2,000 and of half of 8,000
    assert found[0] == pytest.approx([100.0, 200.0 - 0.1 * 0.5 * 6000.0])


def test_the_best_that_is_allowed_is_picked_and_none_where_nothing_pays() -> None:
    values = np.array([[1.0, 2.0], [1.0, 2.0], [-1.0, -2.0], [1.0, 2.0], [0.0, 0.0]])
    pd = np.array([[0.1, 0.2], [0.1, 0.21], [0.0, 0.0], [0.3, 0.4], [0.0, 0.0]])
    assert CHOICE.picked(values, pd).tolist() == [1, 0, -1, -1, -1]


def _frozen(lender: Any, ready: Any, opened: Any, choice: Choosing, most: int | None = None) -> Any:
    known = ready.table.select(["customer_id", "salary_90d", "bureau_score", "bank_name"]).slice(0, 400)
    asked = known.select(["customer_id"]).append_column("decided_at", ready.table["decided_at"].slice(0, 400))
    grant = SimpleNamespace(
        model="m",
        version=1,
        bundle="b" * 64,
        policy="p" * 64,
        conditions=SimpleNamespace(max_applications=most),
    )
    return book.freeze(lender.settings, "lender", asked, known, opened, choice, grant)


def test_a_book_tells_every_limits_worth_and_picks_the_best_or_none(
    lender: Any, ready: Any, opened: Any
) -> None:
    made = _frozen(lender, ready, opened, CHOICE)
    rows = parquet.read_table(made.path).to_pandas()
    assert len(rows) == 2 * made.rows == 800
    again = CHOICE.values(*(rows[name].to_numpy() for name in ("balance", "pd", "limit_amount")))
    assert rows["value"].to_numpy() == pytest.approx(again)
    picked = rows[rows["picked"]]
    assert (picked["value"] > 0).all()
    assert (picked["pd"] <= 0.2).all()
    assert picked["customer_id"].is_unique or made.rows > rows["customer_id"].nunique()
    assert made.picked["no limit"] == 400 - len(picked)
    assert sum(made.picked.values()) == 400
    assert set(rows["bundle"]) == {"b" * 64}
    assert set(rows["rate"]) == {0.12}
    nobody = _frozen(lender, ready, opened, replace(CHOICE, most_pd=0.0))
    assert nobody.picked["no limit"] == 400
    with pytest.raises(ScoringError, match="the approval allows 399"):
        _frozen(lender, ready, opened, CHOICE, 399)


@pytest.mark.parametrize(
    ("beyond", "said"),
    [
        ({"menu": (2_000.0, 4_000.0)}, "a limit of 2000"),
        ({"menu": (4_000.0, 64_000.0)}, "a limit of 64000"),
        ({"rate": 0.2}, "a rate of 0.2"),
        ({"rate": 0.05}, "a rate of 0.05"),
    ],
)
def test_a_limit_or_rate_that_the_lot_never_tried_is_refused(
    lender: Any, ready: Any, opened: Any, beyond: Any, said: str
) -> None:
    with pytest.raises(ScoringError, match=f"the lot never tried {said}"):
        _frozen(lender, ready, opened, replace(CHOICE, **beyond))
