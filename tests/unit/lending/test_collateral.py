from __future__ import annotations

import numpy as np
import pytest

from loanbook.errors import ScoringError
from loanbook.lending import collateral
from loanbook.lending.collateral import Terms


def test_a_loss_is_what_the_sale_leaves_unpaid_at_each_quantile_of_the_value() -> None:
    values, owed = np.array([[6000.0, 8000.0, 10_000.0]]), np.array([8000.0])
    found = collateral.lgd(values, owed, Terms(share=0.75, fixed=500.0))
    assert found.tolist() == [[0.5, 0.3125, 0.125]]
    expected = collateral.expected(values, owed, Terms(share=0.75, fixed=500.0))
    assert expected.tolist() == pytest.approx([0.3 * 0.5 + 0.4 * 0.3125 + 0.3 * 0.125])


def test_a_loss_may_lie_beyond_nothing_and_beyond_all() -> None:
    values, owed = np.array([[500.0, 500.0, 500.0], [12_000.0] * 3]), np.array([10_000.0, 10_000.0])
    poor, rich = collateral.expected(values, owed, Terms(share=1.0, fixed=1500.0))
    assert poor == pytest.approx(1.1)
    assert rich == pytest.approx(-0.05)


def test_what_a_sale_brings_beyond_the_debt_is_the_borrowers() -> None:
    values, owed = np.array([[5000.0, 20_000.0, 40_000.0]]), np.array([10_000.0])
    found = collateral.lgd(values, owed, Terms(share=1.0, most=1.1))
    assert found[0].tolist() == pytest.approx([0.5, -0.1, -0.1])


def test_the_share_that_sales_leave_is_learned_money_over_money() -> None:
    values = np.array([[8000.0, 10_000.0, 12_000.0], [800.0, 1000.0, 1200.0]])
    assert collateral.learn(values, np.array([6600.0, 0.0])).share == pytest.approx(0.6)


def test_an_appraisal_is_rolled_forward_by_what_the_valuer_tells_of_then() -> None:
    rolled = collateral.rolled(
        np.array([11_000.0]), np.array([10_000.0]), np.array([[7000.0, 8000.0, 9000.0]])
    )
    assert rolled[0].tolist() == pytest.approx([7700.0, 8800.0, 9900.0])


def test_expected_losses_are_held_to_realised_ones_by_mean_error_and_rank() -> None:
    said, realised = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.0, 0.3, 0.2, 0.9])
    found = collateral.against(said, realised)
    assert (found["loans"], found["expected"]) == (4, pytest.approx(0.25))
    assert found["realised"] == pytest.approx(0.35)
    assert found["mean_error"] == pytest.approx(0.2)
    assert found["rank"] == pytest.approx(0.8)
    assert collateral.against(np.full(4, 0.2), realised)["rank"] is None


@pytest.mark.parametrize("owed", [0.0, -1.0, float("nan")])
def test_of_a_loan_that_owes_nothing_no_loss_is_told(owed: float) -> None:
    with pytest.raises(ScoringError, match="nothing is owed"):
        collateral.lgd(np.ones((1, 3)), np.array([owed]), Terms(1.0))


def test_without_an_earlier_sale_nothing_is_learned() -> None:
    with pytest.raises(ScoringError, match="no earlier sale"):
        collateral.learn(np.empty((0, 3)), np.empty(0))
