from __future__ import annotations

import numpy as np
import pytest

from loanbook.errors import TrainingError
from loanbook.valuation import hedonic, measures

LEVELS = (0.1, 0.5, 0.9)


def test_measures_of_five_amounts_are_what_a_hand_counts() -> None:
    amount = np.array([100.0, 200.0, 400.0, 1000.0, 500.0])
    middle = np.array([110.0, 200.0, 300.0, 1100.0, 505.0])
    found = measures.measures(amount, np.column_stack([middle * 0.9, middle, middle * 1.1]), LEVELS)
    assert found["median_ape"] == pytest.approx(0.1)
    assert found["mean_ape"] == pytest.approx((0.1 + 0 + 0.25 + 0.1 + 0.01) / 5)
    assert found["bias"] == pytest.approx(0.01)
    assert found["mae"] == pytest.approx((10 + 0 + 100 + 100 + 5) / 5)
    assert (found["coverage"], found["below"], found["above"]) == (0.8, 0.0, 0.2)
    assert found["width"] == pytest.approx(0.2)


def test_a_medians_interval_holds_the_median_of_the_many_as_often_as_it_says() -> None:
    chance = np.random.default_rng(5)
    ends = [measures.median_interval(chance.exponential(1.0, 301)) for _ in range(600)]
    held = np.mean([low <= np.log(2) <= high for low, high in ends])
    assert held == pytest.approx(0.95, abs=0.03)


def test_a_part_too_small_for_a_figure_is_counted_and_named() -> None:
    amount = np.full(130, 100.0)
    told = np.column_stack([amount * 0.9, amount, amount * 1.1])
    parts = np.array(["many"] * 120 + ["few"] * 10)
    few, many = measures.by_part(parts, amount, told, LEVELS)
    assert (few["part"], few["rows"], few["median_ape"]) == ("few", 10, None)
    assert few["unmeasured"] == "10 rows, 100 are needed"
    assert many["median_ape"] == 0.0
    assert many["unmeasured"] is None


def test_a_band_ends_before_its_end_and_what_is_missing_is_named() -> None:
    named = measures.banded(np.array([0.5, 1.0, 99.0, np.nan]), ((1, "young"), (8, "grown")), "old")
    assert named.tolist() == ["young", "grown", "old", "missing"]


def test_nothing_is_measured_on_no_amount() -> None:
    with pytest.raises(TrainingError, match="no amount"):
        measures.measures(np.empty(0), np.empty((0, 3)), LEVELS)


def test_the_plain_curve_finds_the_levels_and_slopes_that_it_was_drawn_from() -> None:
    chance = np.random.default_rng(8)
    kinds = np.array(["a", "b"], dtype=object)[chance.integers(0, 2, 4000)]
    age, driven = chance.uniform(0, 10, 4000), chance.uniform(0, 150_000, 4000)
    logs = np.where(kinds == "a", 9.0, 10.0) - 0.12 * age - 0.03 * driven / 10_000
    curve = hedonic.learn(kinds, age, driven, logs)
    assert curve.slopes == pytest.approx((-0.12, 0.0, -0.03), abs=1e-9)
    asked = curve.amounts(np.array(["a", "c"], dtype=object), np.zeros(2), np.zeros(2))
    assert np.log(asked) == pytest.approx([9.0, 9.5])
