from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loanbook.errors import TrainingError
from loanbook.training import venn


def draw(rows: int, seed: int) -> tuple[Any, Any]:
    chance = np.random.default_rng(seed)
    score = chance.uniform(0.02, 0.6, rows)
    return score, chance.random(rows) < score**2


def test_the_bounds_are_two_isotonic_fits_with_the_applicant_as_good_and_as_bad() -> None:
    from sklearn.isotonic import IsotonicRegression

    score, bad = draw(250, 1)
    asked = np.linspace(0.01, 0.65, 23)
    low, high = venn.bounds(score, bad, asked)

    for place, one in enumerate(asked.tolist()):
        for outcome, found in ((0.0, low), (1.0, high)):
            fitted = IsotonicRegression(out_of_bounds="clip").fit(
                np.append(score, one), np.append(bad.astype(float), outcome)
            )
            assert found[place] == pytest.approx(fitted.predict([one])[0]), one


def test_the_upper_bound_is_never_under_the_lower_and_both_rise_with_the_score() -> None:
    low, high = venn.bounds(*draw(400, 2), np.linspace(0, 1, 101))

    assert (low <= high).all()
    assert (np.diff(low) >= 0).all()
    assert (np.diff(high) >= 0).all()


def test_a_pd_that_is_wrong_is_put_right_and_more_rows_are_surer() -> None:
    few_low, few_high = venn.bounds(*draw(200, 3), np.array([0.3, 0.5]))
    low, high = venn.bounds(*draw(20_000, 3), np.array([0.3, 0.5]))

    assert (low + high) / 2 == pytest.approx([0.09, 0.25], abs=0.03)
    assert (high - low < few_high - few_low).all()


@pytest.mark.parametrize("outcome", [True, False])
def test_one_outcome_only_is_refused(outcome: bool) -> None:
    with pytest.raises(TrainingError, match="bads and goods"):
        venn.bounds(np.linspace(0.1, 0.9, 9), np.full(9, outcome), np.array([0.5]))
