from __future__ import annotations

import numpy as np
import pytest

from loanbook.errors import TrainingError
from loanbook.training import lots
from loanbook.uplift import measures
from loanbook.uplift.measures import Arms, Order

TREATED = np.array([True, True, False, False])
ANSWERED = np.array([1.0, 0.0, 0.0, 1.0])


def _arms(treated: np.ndarray = TREATED, answered: np.ndarray = ANSWERED) -> Arms:
    return Arms(treated, answered, np.ones(len(treated)), np.arange(len(treated)))


def test_a_curve_is_that_of_the_example_worked_by_hand() -> None:
    # offered with an answer first, then a control without, an offered without, a control with one
    score = np.array([0.9, 0.2, 0.6, 0.1])
    share, gain = measures.curve(_arms(), Order.of(score))
    assert share[0].tolist() == [0, 0.25, 0.5, 0.75, 1.0]
    assert gain[0].tolist() == [0, 0.5, 0.5, 0.5, 0.0]
    # the area under 0, .5, .5, .5, 0 in steps of a quarter; half of the last point under the straight line
    assert measures.qini(_arms(), Order.of(score)).tolist() == [0.375]


def test_equal_scores_are_one_step_and_rank_nothing() -> None:
    share, gain = measures.curve(_arms(), Order.of(np.zeros(4)))
    assert share[0].tolist() == [0, 1]
    assert gain[0].tolist() == [0, 0]
    assert measures.qini(_arms(), Order.of(np.zeros(4))).tolist() == [0]


def test_the_reverse_of_a_ranking_has_the_area_with_its_sign_turned() -> None:
    score = np.array([0.9, 0.2, 0.6, 0.1])
    one, other = (measures.qini(_arms(), Order.of(way * score))[0] for way in (1, -1))
    assert one == pytest.approx(-other)


def test_every_control_stands_for_all_terms_by_their_share() -> None:
    treated = np.array([True, False, True, False])
    arms, row = measures.expand(
        treated, np.array([True, True, False, False]), np.array(["a", "b", "c", "b"]), np.array([0.75, 0.25])
    )
    assert row.tolist() == [0, 2, 1, 1, 3, 3]
    assert arms.weight.tolist() == [1, 1, 0.75, 0.25, 0.75, 0.25]
    assert arms.treated.tolist() == [True, True, False, False, False, False]
    assert arms.unit.tolist() == [0, 2, 1, 1, 1, 1]
    assert measures.effect(arms).tolist() == [0.5 - 0.5]


def test_terms_that_only_the_offered_have_add_no_gain_where_offers_do_nothing() -> None:
    """Without the weighing the offered with the best terms would be held against controls of another law."""
    luck, size = np.random.default_rng(3), 40_000
    treated, terms = luck.random(size) < 0.75, luck.integers(0, 4, size)
    answered = luck.random(size) < 0.2
    arms, row = measures.expand(treated, answered, np.arange(size), np.full(4, 0.25))
    score = terms[row].astype(float)
    score[treated.sum() :] = np.tile(np.arange(4.0), int((~treated).sum()))
    assert measures.qini(arms, Order.of(score))[0] == pytest.approx(0, abs=0.003)


def test_a_slope_is_one_where_differences_are_as_large_as_told() -> None:
    luck, size = np.random.default_rng(4), 200_000
    uplift, treated = luck.choice([0.02, 0.2], size), luck.random(size) < 0.5
    answered = luck.random(size) < 0.1 + uplift * treated
    arms = Arms(treated, answered.astype(float), np.ones(size), np.arange(size))
    mean, slope = (one[0] for one in measures.calibrated(arms, uplift))
    assert mean == pytest.approx(0.11, abs=0.002)
    assert slope == pytest.approx(1, abs=0.05)
    assert measures.calibrated(arms, uplift / 2)[1][0] == pytest.approx(2, abs=0.1)
    assert measures.effect(arms)[0] == pytest.approx(0.11, abs=0.005)


def test_whole_customers_are_drawn_and_the_same_seed_draws_the_same() -> None:
    arms = Arms(TREATED, ANSWERED, np.ones(4), np.array([0, 1, 0, 1]))
    one, other = (np.vstack(list(lots.draws(arms.unit, seed=2, times=50))) for _ in range(2))
    assert np.array_equal(one, other)
    assert np.array_equal(one[:, 0], one[:, 2])
    assert np.array_equal(one[:, 1], one[:, 3])
    assert (one[:, :2].sum(axis=1) == 2).all()


def test_an_interval_holds_the_figure_and_the_paired_difference_is_narrower() -> None:
    luck, size = np.random.default_rng(6), 3000
    uplift, treated = luck.uniform(0, 0.4, size), luck.random(size) < 0.7
    answered = (luck.random(size) < 0.1 + uplift * treated).astype(float)
    arms = Arms(treated, answered, np.ones(size), np.arange(size))
    found = measures.measures(arms, uplift, uplift + luck.normal(0, 0.01, size), seed=1)
    for name in ("qini", "average_effect", "calibration_slope", "calibration_gap"):
        low, high = found[f"{name}_interval"]
        assert low < found[name] < high
    widths = {name: np.ptp(found[f"{name}_interval"]) for name in ("qini", "over_response")}
    assert widths["over_response"] < widths["qini"] / 4


def test_an_arm_without_anybody_is_refused() -> None:
    with pytest.raises(TrainingError, match="arm of the lot is empty"):
        _arms(np.ones(4, dtype=bool))
