from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from loanbook.training import data_size, evaluation, fitting
from loanbook.training.fitting import Form, Recipe, Sample

RECIPE = Recipe(rounds=80, patience=20, learning_rate=0.1)


FORM = Form(tuple("abcdef"), (), {}, seed=7, threads=1)


def sample(size: int, seed: int) -> Sample:
    chance = np.random.default_rng(seed)
    values = chance.normal(size=(size, 6))
    odds = -1.2 - values @ np.array([0.9, 0.7, 0.5, 0.4, 0.3, 0.2])
    return Sample(values, chance.random(size) < 1 / (1 + np.exp(-odds)))


LEARN, STOP = sample(4000, 1), sample(2000, 2)


@pytest.fixture(scope="module")
def points() -> list[dict[str, Any]]:
    return data_size.curve(FORM, LEARN, STOP, RECIPE)


def test_more_rows_rank_better_where_there_is_more_to_learn(points: list[dict[str, Any]]) -> None:
    assert [point["rows"] for point in points] == [500, 1000, 2000, 4000]
    assert points[-1]["auc"] > points[0]["auc"] + 0.01
    assert all(point["auc_interval"][0] < point["auc"] < point["auc_interval"][1] for point in points)


def test_all_the_rows_are_the_fit_as_it_was(points: list[dict[str, Any]]) -> None:
    fitted = fitting.fit(FORM, LEARN, STOP, RECIPE)
    score = fitting.scores(fitted.model, STOP.matrix, threads=1)

    assert points[-1]["rounds"] == fitted.rounds
    assert points[-1]["auc"] == evaluation.auc(score, STOP.bad)[0]


def test_the_same_seed_draws_the_same_parts(points: list[dict[str, Any]]) -> None:
    assert data_size.curve(FORM, LEARN, STOP, RECIPE) == points
    assert data_size.curve(replace(FORM, seed=8), LEARN, STOP, RECIPE)[0] != points[0]


def test_a_part_without_a_bad_says_so_and_the_others_stand() -> None:
    bad = np.zeros(160, dtype=bool)
    first = np.random.default_rng(7).permutation(160)
    bad[first[100:]] = True
    found = data_size.curve(FORM, Sample(LEARN.matrix[:160], bad), STOP, RECIPE)

    assert "one outcome only" in found[0]["unmeasured"]
    assert "auc" not in found[0]
    assert found[-1]["bads"] == 60
    assert "auc" in found[-1]
