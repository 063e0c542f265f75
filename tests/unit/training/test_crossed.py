"""Samples of customers who recur: nobody on two sides, nothing unripe, survivors as rare as they are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from loanbook.errors import TrainingError
from loanbook.training import crossed, splits
from loanbook.training.splits import SAMPLES

START = np.datetime64("2020-01-01", "us")
DAY = np.timedelta64(1, "D")


def book(people: int, months: int, seed: int) -> tuple[Any, Any, Any]:
    """Draw a book: customers come month by month, and one in twelve who are there goes bad and leaves."""
    chance = np.random.default_rng(seed)
    rows = []
    for one in range(people):
        month = int(chance.integers(0, months))
        while month < months:
            bad = chance.random() < 1 / 12
            rows.append((month, f"C{one}", bad))
            if bad or chance.random() < 0.02:
                break
            month += 1
    rows.sort()
    month, who, bad = zip(*rows, strict=True)
    return START + np.array(month) * 30 * DAY, np.array(who, dtype=object), np.array(bad)


@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(
    people=st.integers(300, 600), ripens=st.integers(0, 200), seed=st.integers(0, 99), newcomers=st.booleans()
)
def test_nobody_stands_on_two_sides_and_all_that_is_learned_from_was_ripe(
    people: int, ripens: int, seed: int, newcomers: bool
) -> None:
    entered, who, _ = book(people, 30, seed)
    ripe = entered + ripens * DAY

    found = crossed.by_customer(entered, ripe, who, newcomers=newcomers)

    sides = [set(who[found.rows(name)]) for name in SAMPLES]
    assert sum(map(len, sides)) == len(set.union(*sides))
    learned = (found.sample >= 0) & ~found.rows("report")
    assert (ripe[learned] <= found.report_from).all()
    assert (entered[found.rows("report")] >= found.report_from).all()
    kept = sum(int(found.rows(name).sum()) for name in SAMPLES)
    assert kept + found.embargoed + found.grouped_out == len(who)


def test_the_bad_rate_of_fit_is_that_of_its_months_where_keeping_the_later_rows_would_raise_it() -> None:
    entered, who, bad = book(6000, 30, 1)
    ripe = entered + 90 * DAY

    found = crossed.by_customer(entered, ripe, who)
    later = splits.by_time(entered, ripe, who)

    then = (entered < found.report_from) & (ripe <= found.report_from)
    error = np.sqrt(bad[then].mean() * (1 - bad[then].mean()) / found.rows("fit").sum())
    assert abs(bad[found.rows("fit")].mean() - bad[then].mean()) < 3 * error
    assert bad[later.rows("fit")].mean() > 1.5 * bad[then].mean()


def test_newcomers_are_reported_on_whole_and_nobody_else_is() -> None:
    entered, who, _ = book(800, 30, 2)
    day = datetime(2021, 6, 1)

    found = crossed.by_customer(entered, entered, who, report_from=day, newcomers=True)

    first = {one: entered[who == one].min() for one in set(who)}
    late = np.array([first[one] >= np.datetime64(day) for one in who])
    assert (found.rows("report") == late).all()


def test_a_customers_side_hangs_on_nobody_else_and_on_no_outcome() -> None:
    entered, who, _ = book(800, 30, 3)
    some = np.array([int(one[1:]) % 2 == 0 for one in who])
    day = datetime(2021, 6, 1)

    whole = crossed.by_customer(entered, entered, who, report_from=day)
    part = crossed.by_customer(entered[some], entered[some], who[some], report_from=day)

    assert (whole.sample[some] == part.sample).all()


def test_an_empty_sample_is_refused() -> None:
    entered, who, _ = book(300, 30, 4)

    with pytest.raises(TrainingError, match=r"report sample is empty.*report_from"):
        crossed.by_customer(entered, entered, who, report_from=datetime(2030, 1, 1))
    with pytest.raises(TrainingError, match="no outcome is ripe"):
        crossed.by_customer(entered[:0], entered[:0], who[:0])
