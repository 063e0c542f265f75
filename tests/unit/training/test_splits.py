from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from loanbook.errors import TrainingError
from loanbook.training import splits
from loanbook.training.splits import SAMPLES, Split

START = np.datetime64("2020-01-01", "us")
DAY = np.timedelta64(1, "D")


def days(offsets: Any) -> splits.Times:
    return np.asarray(START + np.asarray(offsets) * DAY)


def split(count: int = 1000, *, ripens: int = 100, people: int = 400, seed: int = 1, **more: Any) -> Split:
    """Split a book of one decision a day, whose customers come back."""
    entered = days(np.arange(count))
    return splits.by_time(entered, entered + ripens * DAY, customers(count, people, seed), **more)


def customers(count: int, people: int, seed: int = 1) -> Any:
    return np.random.default_rng(seed).integers(0, people, count).astype(str).astype(object)


quick = settings(max_examples=40, deadline=None, derandomize=True, database=None)


@quick
@given(
    count=st.integers(400, 900),
    ripens=st.integers(0, 120),
    people=st.integers(400, 900),
    seed=st.integers(0, 99),
)
def test_samples_follow_each_other_in_time_and_share_no_customer(
    count: int, ripens: int, people: int, seed: int
) -> None:
    found = split(count, ripens=ripens, people=people, seed=seed)
    entered, who = days(np.arange(count)), customers(count, people, seed)

    order = ("fit", "stop", "calibrate", "report")
    for earlier, later in pairwise(order):
        assert entered[found.rows(earlier)].max() < entered[found.rows(later)].min()
    assert entered[found.rows("threshold")].min() > entered[found.rows("stop")].max()
    assert entered[found.rows("threshold")].max() < entered[found.rows("report")].min()
    sides = [set(who[found.rows(name)]) for name in SAMPLES]
    assert sum(map(len, sides)) == len(set.union(*sides))
    assert sum(found.rows(name).sum() for name in SAMPLES) + found.embargoed + found.grouped_out == count


def test_nothing_is_learned_from_that_was_not_ripe_when_the_report_began() -> None:
    entered = days(np.arange(1000))
    found = split(ripens=100)
    learned = (found.sample >= 0) & ~found.rows("report")

    assert (entered[learned] + 100 * DAY <= found.report_from).all()
    assert found.embargoed == 99


def test_one_slow_outcome_embargoes_everybody_who_came_after_it() -> None:
    entered = days(np.arange(1000))
    ripe = entered + 1 * DAY
    ripe[500] = days(2000)

    found = splits.by_time(entered, ripe, np.arange(1000).astype(str).astype(object))

    learned = (found.sample >= 0) & ~found.rows("report")
    assert np.flatnonzero(learned).max() == 499


def test_an_outcome_that_ripens_on_the_day_the_report_begins_may_be_learned_from() -> None:
    found = split(ripens=0, report_from=datetime(2021, 6, 1))

    assert found.embargoed == 0


def test_the_report_begins_where_it_is_told_to() -> None:
    entered = days(np.arange(1000))

    found = split(report_from=datetime(2022, 1, 1))

    assert found.report_from == np.datetime64("2022-01-01")
    assert (entered[found.rows("report")] >= found.report_from).all()


def test_without_being_told_the_report_is_the_last_quarter_of_whole_days() -> None:
    entered = START + np.arange(1000) * np.timedelta64(7, "h")
    found = splits.by_time(entered, entered, np.arange(1000).astype(str).astype(object))

    assert found.report_from == found.report_from.astype("datetime64[D]")
    assert 250 <= found.rows("report").sum() <= 254


def test_a_customer_is_kept_in_the_latest_sample() -> None:
    who = np.arange(1000).astype(str).astype(object)
    who[[10, 990]] = "again"

    entered = days(np.arange(1000))
    found = splits.by_time(entered, entered, who)

    assert found.sample[10] == -1
    assert SAMPLES[found.sample[990]] == "report"
    assert found.grouped_out == 1


def test_customers_may_be_shared_where_a_line_says_so() -> None:
    assert split(people=50, shared_customers=True).grouped_out == 0


def test_calibration_and_threshold_share_a_period_and_divide_its_customers() -> None:
    found = split(4000, people=4000)
    calibrate, threshold = (np.flatnonzero(found.rows(name)) for name in ("calibrate", "threshold"))

    assert calibrate.min() < threshold.max()
    assert threshold.min() < calibrate.max()
    assert 0.5 < len(calibrate) / len(threshold) < 2


def test_a_customer_falls_on_the_same_side_in_every_run_whatever_the_order_of_rows() -> None:
    entered, who = days(np.arange(1000)), customers(1000, 400)
    turned = slice(None, None, -1)

    forth = splits.by_time(entered, entered, who)
    back = splits.by_time(entered[turned], entered[turned], who[turned])

    assert (forth.sample == back.sample[turned]).all()


def test_no_ripe_outcome_is_refused() -> None:
    with pytest.raises(TrainingError, match="no outcome is ripe"):
        split(0)


@pytest.mark.parametrize(
    ("more", "empty"),
    [
        ({"report_from": datetime(2030, 1, 1)}, "report"),
        ({"report_from": datetime(2020, 1, 1)}, "fit"),
        ({"ripens": 5000}, "fit"),
        ({"people": 1}, "fit"),
    ],
)
def test_an_empty_sample_is_refused_by_name(more: dict[str, Any], empty: str) -> None:
    with pytest.raises(TrainingError, match=rf"the {empty} sample is empty.*report_from"):
        split(**more)
