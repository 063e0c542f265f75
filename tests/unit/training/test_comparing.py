from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loanbook.errors import TrainingError
from loanbook.training import comparing, evaluation


def draw(rows: int, seed: int) -> tuple[Any, Any, Any]:
    """Draw two scores that share most of what they know, and outcomes."""
    chance = np.random.default_rng(seed)
    shared = chance.normal(size=rows)
    bad = chance.random(rows) < 1 / (1 + np.exp(1.5 - shared))
    first, second = (shared + part * chance.normal(size=rows) for part in (0.5, 0.8))
    return first, second, bad


def test_both_areas_and_their_difference_are_the_libraries_own() -> None:
    from sklearn.metrics import roc_auc_score

    first, second, bad = draw(900, 1)
    found = comparing.auc_difference(first, second, bad)

    assert found["first"] == pytest.approx(roc_auc_score(bad, first))
    assert found["second"] == pytest.approx(roc_auc_score(bad, second))
    assert found["difference"] == pytest.approx(found["first"] - found["second"])


def test_the_paired_interval_is_as_wide_as_a_paired_bootstraps() -> None:
    first, second, bad = draw(800, 2)
    chance = np.random.default_rng(3)
    drawn = (chance.integers(0, 800, 800) for _ in range(1500))

    differences = [
        evaluation.auc(first[rows], bad[rows])[0] - evaluation.auc(second[rows], bad[rows])[0]
        for rows in drawn
    ]

    low, high = comparing.auc_difference(first, second, bad)["difference_interval"]
    assert high - low == pytest.approx(2 * evaluation.Z95 * np.std(differences), rel=0.08)


def test_it_is_narrower_than_if_the_two_had_been_judged_on_other_people() -> None:
    first, second, bad = draw(800, 2)
    alone = [np.subtract(*evaluation.auc(score, bad)[:0:-1]) for score in (first, second)]
    low, high = comparing.auc_difference(first, second, bad)["difference_interval"]

    assert high - low < 0.7 * np.hypot(*alone)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    first, second, bad = draw(400_000, 4)
    truth = comparing.auc_difference(first, second, bad)["difference"]

    found = [comparing.auc_difference(*draw(300, seed))["difference_interval"] for seed in range(10, 310)]

    assert 0.91 <= np.mean([low <= truth <= high for low, high in found]) <= 0.985


def test_a_model_against_itself_differs_by_nothing() -> None:
    first, _, bad = draw(300, 5)
    found = comparing.auc_difference(first, 2 * first + 1, bad)

    assert (found["difference"], found["difference_interval"], found["p_value"]) == (0, [0, 0], None)


def test_swapping_the_models_turns_the_sign() -> None:
    first, second, bad = draw(300, 6)
    one, other = comparing.auc_difference(first, second, bad), comparing.auc_difference(second, first, bad)

    assert one["difference"] == -other["difference"]
    assert one["p_value"] == pytest.approx(other["p_value"])


@pytest.mark.parametrize(
    ("first", "second", "bad", "said"),
    [
        ([0.1, 0.2], [0.1], [True, False], "2 and 1 scores"),
        ([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [True, False, False], "two bads"),
        ([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [True, True, False], "two goods"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    first: list[float], second: list[float], bad: list[bool], said: str
) -> None:
    with pytest.raises(TrainingError, match=said):
        comparing.auc_difference(np.array(first), np.array(second), np.array(bad))
