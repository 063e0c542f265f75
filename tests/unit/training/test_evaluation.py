from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given, settings

from loanbook.errors import TrainingError
from loanbook.training import evaluation

quick = settings(max_examples=100, deadline=None, derandomize=True, database=None)
# few values, so that ties are many
judged = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9, 1.0]), st.booleans()), min_size=2)


def arrays(rows: list[tuple[float, bool]]) -> tuple[Any, Any]:
    pd, bad = np.array([one for one, _ in rows]), np.array([one for _, one in rows])
    assume(bad.any() and not bad.all())
    return pd, bad


def draw(rows: int, seed: int, strength: float = 1.0) -> tuple[Any, Any]:
    chance = np.random.default_rng(seed)
    odds = strength * chance.normal(size=rows) - 1.5
    pd = 1 / (1 + np.exp(-odds))
    return pd, chance.random(rows) < pd


@quick
@given(rows=judged)
def test_auc_and_brier_equal_another_librarys_ties_and_all(rows: list[tuple[float, bool]]) -> None:
    from sklearn.metrics import brier_score_loss, roc_auc_score

    pd, bad = arrays(rows)

    assert evaluation.auc(pd, bad)[0] == pytest.approx(roc_auc_score(bad, pd))
    assert float(np.mean((pd - bad) ** 2)) == pytest.approx(brier_score_loss(bad, pd))


@quick
@given(rows=judged)
def test_ks_equals_another_librarys(rows: list[tuple[float, bool]]) -> None:
    from sklearn.metrics import roc_curve

    pd, bad = arrays(rows)

    fpr, tpr, _ = roc_curve(bad, pd, drop_intermediate=False)
    assert evaluation.ks(pd, bad) == pytest.approx(np.abs(tpr - fpr).max())


def test_all_measures_of_one_sample_agree_with_other_libraries() -> None:
    from sklearn.metrics import brier_score_loss, roc_auc_score

    pd, bad = draw(4000, 1)

    found = evaluation.measures(pd, bad)

    assert found["auc"] == pytest.approx(roc_auc_score(bad, pd))
    assert found["brier"] == pytest.approx(brier_score_loss(bad, pd))
    assert found["gini"] == pytest.approx(2 * found["auc"] - 1)
    assert found["calibration_slope"] == pytest.approx(1, abs=0.15)
    assert found["calibration_intercept"] == pytest.approx(0, abs=0.2)
    assert found["ece"] < 0.03
    assert (found["rows"], found["bads"]) == (4000, bad.sum())
    low, high = found["auc_interval"]
    assert low < found["auc"] < high


def test_delongs_interval_is_as_wide_as_a_bootstraps() -> None:
    pd, bad = draw(800, 2)
    chance = np.random.default_rng(3)
    drawn = (chance.integers(0, 800, 800) for _ in range(1500))

    areas = [evaluation.auc(pd[rows], bad[rows])[0] for rows in drawn]

    _, low, high = evaluation.auc(pd, bad)
    assert high - low == pytest.approx(2 * evaluation.Z95 * np.std(areas), rel=0.08)


def test_delongs_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    truth = evaluation.auc(*draw(400_000, 4))[0]

    intervals = [evaluation.auc(*draw(300, seed))[1:] for seed in range(10, 310)]

    assert 0.91 <= np.mean([low <= truth <= high for low, high in intervals]) <= 0.985


def test_one_bad_alone_has_an_interval_that_says_little() -> None:
    _, low, high = evaluation.auc(np.array([0.1, 0.2, 0.3, 0.25]), np.array([False, False, False, True]))

    assert high - low > 0.5
    assert 0 <= low <= high <= 1


@pytest.mark.parametrize(
    ("pd", "bad", "said"),
    [
        ([0.1, np.nan], [True, False], "not a number"),
        ([0.1, np.inf], [True, False], "not a number"),
        ([0.1, 1.5], [True, False], "not a number"),
        ([0.1, -0.5], [True, False], "not a number"),
        ([0.1, 0.2], [True, True], "one class"),
        ([0.1, 0.2], [False, False], "one class"),
        ([0.1, 0.2], [True], "2 PDs for 1"),
        ([], [], "one class"),
    ],
)
def test_what_cannot_be_measured_is_refused(pd: list[float], bad: list[bool], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        evaluation.measures(np.array(pd, float), np.array(bad, bool))


def test_lift_and_bands_count_what_they_say() -> None:
    pd = np.linspace(0.01, 1, 100)
    bad = np.arange(100) >= 80

    assert evaluation.lift(pd, bad, 0.10) == pytest.approx(5.0)
    bands = evaluation.bands(pd, bad)
    assert [band["rows"] for band in bands] == [10] * 10
    assert [band["bad_rate"] for band in bands] == [0.0] * 8 + [1.0] * 2
    assert evaluation.ece(bad.astype(float), bad) == 0


def test_a_pd_that_is_twice_the_truth_has_that_calibration_error() -> None:
    bad = np.arange(1000) % 10 == 0

    assert evaluation.ece(np.full(1000, 0.2), bad) == pytest.approx(0.1)


def test_the_roc_runs_from_corner_to_corner_and_never_falls() -> None:
    curve = evaluation.roc(*draw(500, 5), points=50)

    assert (curve["fpr"][0], curve["tpr"][0], curve["fpr"][-1], curve["tpr"][-1]) == (0, 0, 1, 1)
    assert (np.diff(curve["tpr"]) >= 0).all()
    assert len(curve["fpr"]) <= 50


def test_a_month_that_is_not_wholly_ripe_gives_its_rows_and_no_figure() -> None:
    month = np.array(["2024-01-05", "2024-01-31", "2024-02-01", "2024-02-29", "2024-03-01"], "datetime64[us]")
    pd, bad = np.array([0.1, 0.2, 0.3, 0.4, 0.5]), np.array([False, True, False, True, True])
    ripe = np.array([True, True, True, False, True])

    january, february, march = evaluation.vintages(month, pd, bad, ripe)

    assert january == {
        "month": "2024-01", "rows": 2, "mature": True, "bads": 1, "mean_pd": pytest.approx(0.15), "auc": 1.0,
    }  # fmt: skip
    assert february == {
        "month": "2024-02", "rows": 2, "mature": False, "bads": None, "mean_pd": None, "auc": None,
    }  # fmt: skip
    assert (march["mature"], march["bads"], march["auc"]) == (True, 1, None)
