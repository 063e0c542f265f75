from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from loanbook.errors import TrainingError
from loanbook.training import bootstrap, calibration, evaluation

MEASURES = ("auc", "gini", "ks", "lift_10", "pr_auc", "brier", "ece", "calibration_slope")


def draw(rows: int, seed: int, decimals: int = 12) -> tuple[Any, Any]:
    chance = np.random.default_rng(seed)
    pd = np.round(1 / (1 + np.exp(1.5 - chance.normal(size=rows))), decimals)
    return pd, chance.random(rows) < pd


def measured(pd: Any, bad: Any) -> dict[str, float]:
    found: dict[str, Any] = dict(evaluation.measures(pd, bad))
    return {name: found[name] for name in MEASURES}


def one(pd: Any, bad: Any, counts: Any) -> dict[str, float]:
    """Measure one draw the way that all are, and give it by name."""
    order = np.argsort(-pd, kind="stable")
    sample = bootstrap._Sorted(pd[order], bad[order])
    return {name: float(value[0]) for name, value in sample.measures(counts[order][None, :]).items()}


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(60, 400))
def test_a_draw_is_measured_as_if_its_rows_were_written_out(seed: int, rows: int) -> None:
    pd, bad = draw(rows, seed)
    counts = np.zeros(rows)
    chance = np.random.default_rng(seed)
    for mask in (bad, ~bad):
        places = np.flatnonzero(mask)
        np.add.at(counts, chance.choice(places, len(places)), 1)
    written = np.repeat(np.arange(rows), counts.astype(int))

    assert one(pd, bad, counts) == pytest.approx(measured(pd[written], bad[written]), abs=1e-6)


def test_ties_are_taken_together() -> None:
    pd, bad = draw(500, 3, decimals=1)
    ties = ("auc", "gini", "ks", "pr_auc", "brier", "calibration_slope")

    found, wanted = one(pd, bad, np.ones(500)), measured(pd, bad)

    assert {name: found[name] for name in ties} == pytest.approx({name: wanted[name] for name in ties})


def test_an_interval_is_what_a_plain_loop_gives() -> None:
    pd, bad = draw(600, 4)
    chance = np.random.default_rng(5)
    drawn = []
    for _ in range(400):
        rows = np.concatenate([chance.choice(np.flatnonzero(mask), mask.sum()) for mask in (bad, ~bad)])
        drawn.append(measured(pd[rows], bad[rows]))
    found = bootstrap.intervals(pd, bad, seed=7)

    for name in MEASURES:
        low, high = np.percentile([each[name] for each in drawn], [2.5, 97.5])
        width = high - low
        assert found[name] == pytest.approx([low, high], abs=0.2 * width), name


def test_an_aucs_interval_is_about_delongs() -> None:
    pd, bad = draw(3000, 6)
    _, low, high = evaluation.auc(pd, bad)

    assert bootstrap.intervals(pd, bad, seed=7)["auc"] == pytest.approx([low, high], abs=0.1 * (high - low))


def test_the_truth_lies_within_about_as_often_as_is_said() -> None:
    pd, bad = draw(400_000, 4)
    truth = {**measured(pd, bad), "calibration_slope": 1.0}

    found = [bootstrap.intervals(*draw(400, seed), seed=7, times=200) for seed in range(10, 160)]

    for name in ("auc", "gini", "calibration_slope"):
        inside = np.mean([each[name][0] <= truth[name] <= each[name][1] for each in found])
        assert 0.88 <= inside <= 0.99, name


def test_every_draw_has_as_many_bads_as_the_sample() -> None:
    _, bad = draw(300, 8)

    for counts in bootstrap._draws(bad, 7, 50):
        assert (counts @ bad == bad.sum()).all()
        assert (counts.sum(axis=1) == 300).all()


def test_the_same_seed_gives_the_same_intervals_and_another_gives_others() -> None:
    pd, bad = draw(400, 9)

    assert bootstrap.intervals(pd, bad, seed=7) == bootstrap.intervals(pd, bad, seed=7)
    assert bootstrap.intervals(pd, bad, seed=7) != bootstrap.intervals(pd, bad, seed=8)


def test_small_chunks_give_as_many_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    pd, bad = draw(400, 9)
    wide = bootstrap.intervals(pd, bad, seed=7)
    monkeypatch.setattr(bootstrap, "CHUNK", 400 * 7)

    narrow = bootstrap.intervals(pd, bad, seed=7)

    assert sum(len(counts) for counts in bootstrap._draws(bad, 7, 100)) == 100
    assert narrow["auc"] == pytest.approx(wide["auc"], abs=0.02)


def test_where_all_pds_are_the_same_there_is_no_slope() -> None:
    _, bad = draw(200, 1)
    found = bootstrap.intervals(np.full(200, 0.2), bad, seed=7)

    assert "calibration_slope" not in found
    assert found["auc"] == [0.5, 0.5]


@pytest.mark.parametrize("bads", [0, 1, 19, 20])
def test_fewer_than_two_of_either_outcome_are_refused(bads: int) -> None:
    with pytest.raises(TrainingError, match="two bads and two goods"):
        bootstrap.intervals(np.linspace(0.1, 0.9, 20), np.arange(20) < bads, seed=7)


def test_a_few_newton_steps_reach_the_slope() -> None:
    pd, bad = draw(300, 11)
    order = np.argsort(-pd, kind="stable")
    sample = bootstrap._Sorted(pd[order], bad[order])
    counts = next(iter(bootstrap._draws(sample.bad, 7, 40)))

    for drawn, slope in zip(counts, sample.measures(counts)["calibration_slope"], strict=True):
        rows = np.repeat(np.arange(300), drawn.astype(int))
        again = calibration.logistic(sample.log_odds[rows], sample.bad[rows].astype(float)).slope
        assert slope == pytest.approx(again, abs=1e-6)
