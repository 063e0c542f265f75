"""Slopes against examples that were counted by hand, and scores that are right whatever is told."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from loanbook.response import measures
from loanbook.response.measures import Law, Seen


def seen_of(told_slope: float, size: int = 40_000) -> Seen:
    """Half have a slope of 1, half of 3; all are told the same one, or a part of what is true."""
    luck = np.random.default_rng(2)
    dose = luck.choice([1.0, np.e, np.e**2], size)
    steep = np.where(np.arange(size) % 2, 3.0, 1.0)
    law = Law.of(dose)
    step = np.log(dose) - 1
    seen = 10 + steep * step + luck.normal(size=size)
    told = 10 + told_slope * steep * step
    over = 10 + told_slope * steep[:, None] * (np.log(law.doses) - 1)
    return Seen.of(law, dose, seen, told, over, np.arange(size))


def test_a_law_counts_doses_and_centres_their_logarithms() -> None:
    law = Law.of(np.array([1.0, 1.0, np.e**3, 1.0]))
    assert law.doses.tolist() == [1.0, np.e**3]
    assert law.shares.tolist() == [0.75, 0.25]
    assert law.steps == pytest.approx([-0.75, 2.25])
    assert law.spread == pytest.approx(0.75 * 0.5625 + 0.25 * 5.0625)
    assert law.slopes(np.array([[5.0, 11.0]])) == pytest.approx([2.0])


@pytest.mark.parametrize("told", [1.0, 0.5, 0.0, -2.0])
def test_the_mean_score_is_the_true_slope_whatever_was_told(told: float) -> None:
    assert seen_of(told).score.mean() == pytest.approx(2.0, abs=0.05)


def test_figures_tell_what_is_true_of_a_telling() -> None:
    honest, half = (measures.measures("balance", seen_of(told, 4_000), seed=1) for told in (1.0, 0.5))
    assert honest["balance_slope"] == pytest.approx(2.0, abs=0.1)
    assert honest["balance_steepness"] == pytest.approx(1.0, abs=0.06)
    assert half["balance_steepness"] == pytest.approx(0.5, abs=0.03)
    assert half["balance_slope_calibration"] == pytest.approx(2.0, abs=0.2)
    assert honest["balance_calibration"] == pytest.approx(1.0, abs=0.05)
    assert honest["balance_gap"] == pytest.approx(0.0, abs=0.01)
    # half have 1 more than the mean: the area between is a quarter of it
    assert honest["balance_ranking"] == pytest.approx(0.25, abs=0.03)
    for name in ("slope", "steepness", "gap", "calibration", "slope_calibration", "ranking"):
        low, high = honest[f"balance_{name}_interval"]
        assert low <= honest[f"balance_{name}"] <= high


def test_a_ranking_by_nothing_gains_nothing() -> None:
    one = seen_of(1.0)
    order = np.random.default_rng(4).permutation(len(one.seen))
    weight = np.full((1, len(order)), 1 / len(order))
    assert measures.ranking(weight, one.score, order)[0] == pytest.approx(0.0, abs=0.03)


def test_an_area_by_hand() -> None:
    weight = np.full((1, 4), 0.25)
    found = measures.ranking(weight, np.array([1.0, 3.0, 0.0, 0.0]), np.array([1, 0, 2, 3]))
    # gains 0.75, 1, 1, 1 at each quarter: under the curve 0.8125 + ... less half of 1
    curve = [0.0, 0.75, 1.0, 1.0, 1.0]
    under = sum((a + b) / 2 * 0.25 for a, b in pairwise(curve))
    assert found[0] == pytest.approx(under - 0.5)


def test_a_straight_line_has_no_bends_and_a_proportion_no_diminishing() -> None:
    dose = np.tile([1.0, 2.0, 4.0], 200)
    unit, blank = np.arange(600), np.zeros(600)
    by_logarithm = measures.straight(Seen(5 + np.log(dose), blank, blank, blank, unit), dose, seed=1)
    assert [one["bend"] for one in by_logarithm["bends"]] == pytest.approx([0, 0, 0], abs=1e-12)
    assert by_logarithm["diminishing"] == pytest.approx(0.5)
    proportional = measures.straight(Seen(dose, blank, blank, blank, unit), dose, seed=1)
    assert proportional["diminishing"] == pytest.approx(0.0)
    assert max(abs(one["bend"]) for one in proportional["bends"]) > 0.05


def test_parts_are_counted_with_their_intervals() -> None:
    part, seen = np.tile([1.0, 1.0, 2.0, 2.0], 20), np.tile([1.0, 3.0, 5.0, 5.0], 20)
    told, blank = np.tile([2.0, 2.0, 4.0, 4.0], 20), np.zeros(80)
    one, two = measures.parts(Seen(seen, told, blank, blank, np.arange(80)), part, seed=1)
    assert (one["part"], one["rows"], one["told"], one["seen"]) == (1.0, 40, 2.0, 2.0)
    assert two["seen_interval"] == [5.0, 5.0]
