from __future__ import annotations

import numpy as np
import pytest

from loanbook.lending import economics
from loanbook.lending.economics import Contracts, Ledgers, People, Terms

TERMS = Terms(lgd=0.5, cost_of_funds=0.04, recovery_months=12)


def one(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


def test_money_years_are_what_a_schedule_written_out_gives() -> None:
    principal, rate, months = 1200.0, 0.24, 12
    monthly = rate / 12
    payment = principal * monthly / (1 - (1 + monthly) ** -months)
    owed, years = principal, 0.0
    for _ in range(months):
        years += owed / 12
        owed = owed * (1 + monthly) - payment

    assert owed == pytest.approx(0, abs=1e-6)
    assert economics.money_years(Contracts(one(principal), one(rate), one(months)))[0] == pytest.approx(years)


def test_a_loan_without_interest_is_owed_in_equal_parts_and_a_short_one_for_its_days() -> None:
    free = economics.money_years(Contracts(one(1200), one(0), one(12)))[0]
    short = economics.money_years(Contracts(one(1000), one(0.6), one(0.5)))[0]

    assert free == pytest.approx(sum(100 * left for left in range(1, 13)) / 12, rel=1e-5)
    assert short == pytest.approx(1000 * 0.5 / 12)


def test_a_good_loan_is_expected_to_earn_its_margin_and_a_bad_one_to_lose_its_rest() -> None:
    contracts = Contracts(one(1000, 1000), one(0.10, 0.10), one(12, 12))
    earned = economics.expected(contracts, one(0, 1), TERMS)

    assert earned[0] == pytest.approx(0.06 * economics.money_years(contracts)[0])
    assert earned[1] == -500


def test_profit_is_what_came_and_is_owed_less_what_was_lent_and_what_that_cost() -> None:
    # repaid; still owing, good; still owing, bad; written off long ago with something back
    ledgers = Ledgers(
        outlay=one(1000, 1000, 1000, 1000),
        paid=one(1100, 600, 200, 100),
        recovered=one(0, 0, 0, 250),
        written_off=one(0, 0, 0, 950),
        off_days=one(np.inf, np.inf, np.inf, 800),
        owed=one(0, 480, 880, 0),
        years=one(500, 700, 900, 400),
    )
    earned = economics.realised(ledgers, np.array([False, False, True, True]), TERMS)

    assert earned.tolist() == pytest.approx([80, 52, -396, -666])


def test_what_was_written_off_of_late_may_still_bring_what_the_policy_says() -> None:
    def earned(recovered: float, off_days: float) -> float:
        ledgers = Ledgers(*map(one, (1000, 100, recovered, 900, off_days, 0, 0)))
        return float(economics.realised(ledgers, np.array([True]), TERMS)[0])

    assert earned(0, 30) == earned(200, 30) == 100 + 450 - 1000
    assert earned(600, 30) == earned(600, 900) == 100 + 600 - 1000, "more came than was looked for"
    assert earned(200, 900) == 100 + 200 - 1000


PEOPLE = People(
    pd=one(0.02, 0.05, 0.10, 0.30),
    bad=np.array([False, False, True, True]),
    lent=one(100, 200, 300, 400),
    expected=one(10, 8, 2, -50),
    realised=one(9, 12, -100, -200),
    door=one(0.02, 0.05, 0.10, 0.30, 0.5, 0.6, 0.7, 0.8),
)


def test_a_cut_off_approves_below_itself_and_earns_what_the_approved_earn() -> None:
    found = economics.point(PEOPLE, 0.10)

    assert (found["approved"], found["approval_rate"], found["approval_rate_at_the_door"]) == (2, 0.5, 0.25)
    assert (found["bads"], found["bad_rate"], found["lent"]) == (0, 0.0, 300)
    assert (found["expected_profit"], found["realised_profit"]) == (18, 21)
    assert found["realised_per_application"] == pytest.approx(21 / 4)
    low, high = found["realised_per_application_interval"]
    assert low < 21 / 4 < high


def test_whoever_is_approved_last_costs_more_than_all_before_earned() -> None:
    points = economics.grid(PEOPLE, [0.05, 0.10, 0.30, 1.0], chosen=0.10)

    assert [point["realised_profit"] for point in points] == [9, 21, -79, -279]
    assert [point["chosen"] for point in points] == [False, True, False, False]
    assert [point["approved"] for point in points] == [1, 2, 3, 4]


def test_a_cut_off_that_approves_nobody_has_no_bad_rate_and_earns_nothing() -> None:
    found = economics.point(PEOPLE, 0.0)

    assert (found["approved"], found["bad_rate"], found["bad_rate_interval"]) == (0, None, None)
    assert found["realised_profit"] == 0


def test_a_profit_that_is_not_known_is_null_and_the_rest_stands() -> None:
    people = People(PEOPLE.pd, PEOPLE.bad, PEOPLE.lent, PEOPLE.expected, None, PEOPLE.door)
    found = economics.point(people, 0.10)

    assert (found["realised_profit"], found["realised_per_application_interval"]) == (None, None)
    assert found["expected_profit"] == 18


def test_the_chosen_cut_off_is_in_the_grid_once_among_twentieths() -> None:
    pd = np.arange(1, 101) / 200
    ends = economics.cut_offs(pd, 0.123, 0.2)

    assert ends == sorted(set(ends))
    assert {0.123, 0.2, 1.0} <= set(ends)
    assert [int(np.sum(pd < end)) for end in ends if end not in (0.123, 0.2, 1.0)] == list(range(5, 100, 5))
