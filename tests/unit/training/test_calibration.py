from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loanbook.errors import TrainingError
from loanbook.training import calibration
from loanbook.training.calibration import Platt


def draw(rows: int, intercept: float, slope: float, seed: int = 1) -> tuple[Any, Any]:
    chance = np.random.default_rng(seed)
    score = chance.normal(-1, 1, rows)
    return score, chance.random(rows) < Platt(intercept, slope).pd(score)


@pytest.mark.parametrize(("intercept", "slope"), [(0.0, 1.0), (-1.0, 0.5), (0.7, 1.8)])
def test_a_known_intercept_and_slope_are_found_again(intercept: float, slope: float) -> None:
    score, bad = draw(200_000, intercept, slope)

    found = calibration.fit(score, bad)

    assert found.intercept == pytest.approx(intercept, abs=0.05)
    assert found.slope == pytest.approx(slope, abs=0.05)


def test_the_fit_equals_another_librarys() -> None:
    from sklearn.linear_model import LogisticRegression

    score, bad = draw(3000, -0.5, 0.8)

    ours = calibration.logistic(score, bad.astype(float))
    theirs = LogisticRegression(C=np.inf, tol=1e-10).fit(score[:, None], bad)

    assert ours.slope == pytest.approx(theirs.coef_[0, 0], abs=1e-5)
    assert ours.intercept == pytest.approx(theirs.intercept_[0], abs=1e-5)


def test_a_small_sample_bends_the_slope_no_more_than_a_free_fit_does() -> None:
    score, bad = draw(150, -1.0, 0.4)
    smoothed = np.where(bad, (bad.sum() + 1) / (bad.sum() + 2), 1 / ((~bad).sum() + 2))

    free, found = calibration.logistic(score, smoothed), calibration.fit(score, bad)

    assert abs(found.slope - 1) <= abs(free.slope - 1)


def test_what_a_small_sample_says_of_the_level_is_believed_in_part() -> None:
    """Over many samples of some ninety bads, the level lies nearer the truth than a free fit's."""
    ours, free = [], []
    for seed in range(60):
        score, bad = draw(400, 0.0, 1.0, seed)
        found, fitted = calibration.fit(score, bad), calibration.logistic(score, bad.astype(float))
        ours.append(found.intercept - found.slope)
        free.append(fitted.intercept - fitted.slope)

    assert np.std(ours) < 0.8 * np.std(free)
    assert np.sqrt(np.mean(np.add(ours, 1) ** 2)) < 0.8 * np.sqrt(np.mean(np.add(free, 1) ** 2))


@pytest.mark.parametrize("shift", [-0.8, 0.8])
def test_a_level_that_is_clearly_off_is_followed(shift: float) -> None:
    score, bad = draw(1_500, shift, 1.0)

    assert calibration.fit(score, bad).pd(score).sum() == pytest.approx(bad.sum(), rel=0.05)


def test_calibrated_pds_sum_to_the_bads_almost() -> None:
    score, bad = draw(5000, -1.0, 0.8)

    assert calibration.fit(score, bad).pd(score).sum() == pytest.approx(bad.sum(), rel=0.01)


def test_a_score_that_ranks_upside_down_is_refused() -> None:
    score, bad = draw(2000, 0.0, 1.0)

    with pytest.raises(TrainingError, match="upside down"):
        calibration.fit(-score, bad)


@pytest.mark.parametrize("outcome", [True, False])
def test_one_class_is_refused(outcome: bool) -> None:
    with pytest.raises(TrainingError, match="bads and goods"):
        calibration.fit(np.arange(9.0), np.full(9, outcome))


def test_perfectly_separated_classes_are_refused_as_a_leak() -> None:
    score = np.arange(-500.0, 500.0) + 0.5

    with pytest.raises(TrainingError, match="leak"):
        calibration.logistic(score, (score > 0).astype(float))


def test_a_pd_rises_with_the_score_and_stays_within_bounds() -> None:
    pd = Platt(-2.0, 1.3).pd(np.array([-800.0, -2.0, 0.0, 2.0, 800.0]))

    assert (np.diff(pd) >= 0).all()
    assert (pd >= 0).all()
    assert (pd <= 1).all()
