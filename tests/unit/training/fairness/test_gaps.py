from __future__ import annotations

import numpy as np
import pytest

from loanbook.training.fairness import gaps


def test_a_differences_interval_is_the_published_one() -> None:
    """Newcombe 1998, table II, case (a), method 10: 56 of 70 and 48 of 80."""
    assert gaps.difference((48, 80), (56, 70)) == pytest.approx([0.0524, 0.3339], abs=5e-5)


def test_a_ratios_interval_is_scipys() -> None:
    from scipy.stats.contingency import relative_risk

    found = relative_risk(120, 200, 310, 400).confidence_interval(0.95)
    assert gaps.ratio((120, 200), (310, 400)) == pytest.approx([found.low, found.high])


def test_a_group_without_a_hit_has_an_interval_that_ends() -> None:
    low, high = gaps.ratio((0, 150), (300, 400))
    assert low == 0
    assert 0 < high < 0.05


def test_a_ratios_interval_holds_the_truth_about_nineteen_times_in_twenty() -> None:
    chance = np.random.default_rng(5)
    held = 0
    for _ in range(400):
        few, many = int(chance.binomial(250, 0.6)), int(chance.binomial(900, 0.8))
        low, high = gaps.ratio((few, 250), (many, 900))
        held += low <= 0.75 <= high
    assert 0.92 <= held / 400 <= 0.98


@pytest.mark.parametrize(
    ("ends", "size"),
    [([-0.02, 0.05], [0, 0.05]), ([0.01, 0.05], [0.01, 0.05]), ([-0.05, -0.01], [0.01, 0.05])],
)
def test_the_size_of_a_gap_is_none_only_where_its_interval_crosses_none(
    ends: list[float], size: list[float]
) -> None:
    assert gaps.absolute(ends) == pytest.approx(size)


def test_a_slopes_interval_is_that_of_a_logistic_regression() -> None:
    import statsmodels.api as sm

    chance = np.random.default_rng(6)
    pd = chance.beta(2, 8, 900)
    bad = chance.random(900) < pd
    odds = np.log(pd / (1 - pd))
    fitted = sm.Logit(bad.astype(float), sm.add_constant(odds)).fit(disp=0)

    slope, ends = gaps.slope(pd, bad)
    assert slope == pytest.approx(fitted.params[1], abs=1e-6)
    assert ends == pytest.approx(fitted.conf_int()[1].tolist(), abs=1e-5)
