from __future__ import annotations

from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from loanbook.errors import TrainingError
from loanbook.training import fitting
from loanbook.training.fitting import Fitted, Form, Recipe, Sample

FEATURES = ("score", "debt", "noise", "kind")
MONOTONE = {"score": -1, "debt": 1}
RECIPE = Recipe(rounds=60, patience=30, learning_rate=0.1)


def sample(rows: int, seed: int) -> tuple[Any, Any]:
    """Draw applicants of whom some values are missing, and their outcomes."""
    chance = np.random.default_rng(seed)
    values = chance.normal(size=(rows, 4))
    values[:, 3] = chance.integers(0, 3, rows)
    odds = -1.5 - values[:, 0] + 0.8 * values[:, 1] + 0.6 * (values[:, 3] == 2)
    bad = chance.random(rows) < 1 / (1 + np.exp(-odds))
    values[chance.random((rows, 4)) < 0.1] = np.nan
    return values, bad


LEARN, STOP = Sample(*sample(1500, seed=1)), Sample(*sample(500, seed=2))
FORM = Form(FEATURES, ("kind",), MONOTONE, seed=7, threads=1)


def fit(form: Form = FORM, recipe: Recipe = RECIPE) -> Fitted:
    return fitting.fit(form, LEARN, STOP, recipe)


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit()


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(fitted: Fitted) -> None:
    assert fit() == fitted
    assert fit(replace(FORM, seed=8)).model != fitted.model


grids = st.tuples(
    *[st.one_of(st.just(np.nan), st.floats(-4, 4)) for _ in range(3)],
    st.sampled_from([0.0, 1.0, 2.0, 9.0, np.nan]),
)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(row=grids)
def test_more_debt_never_lowers_and_a_better_score_never_raises_the_risk(
    fitted: Fitted, row: tuple[float, ...]
) -> None:
    grid = np.linspace(-5, 5, 401)
    for name, sign in MONOTONE.items():
        rows = np.tile(np.array(row), (len(grid), 1))
        rows[:, FEATURES.index(name)] = grid
        steps = np.diff(fitting.scores(fitted.model, rows, threads=1))
        assert (steps * sign >= -1e-12).all(), name


def test_contributions_and_a_constant_add_up_to_the_score(fitted: Fitted) -> None:
    values, _ = sample(50, seed=3)

    parts = fitting.contributions(fitted.model, values, threads=1)
    rest = fitting.scores(fitted.model, values, threads=1) - parts.sum(axis=1)

    assert parts.shape == (50, 4)
    assert np.allclose(rest, rest[0])


def test_importance_is_shared_out_among_all_features(fitted: Fitted) -> None:
    shares = fitting.importance(fitted.model)

    assert tuple(shares) == FEATURES
    assert sum(shares.values()) == pytest.approx(1)
    assert min(shares["score"], shares["debt"]) > shares["noise"]


def test_a_row_scores_the_same_alone_and_in_a_book(fitted: Fitted) -> None:
    values, _ = sample(20, seed=3)

    together = fitting.scores(fitted.model, values, threads=2)

    assert [fitting.scores(fitted.model, row[None, :], threads=1)[0] for row in values] == together.tolist()


@pytest.mark.parametrize("name", ["fit", "stop"])
@pytest.mark.parametrize("outcome", [True, False])
def test_one_outcome_only_is_refused_by_sample(name: str, outcome: bool) -> None:
    samples = {"fit": LEARN, "stop": STOP}
    samples[name] = replace(samples[name], bad=np.full(len(samples[name].bad), outcome))

    with pytest.raises(TrainingError, match=f"the {name} sample has one outcome only"):
        fitting.fit(FORM, samples["fit"], samples["stop"], RECIPE)


def test_whoever_watches_is_told_each_round_and_may_end_it() -> None:
    told: list[tuple[int, float]] = []

    def watch(rounds: int, loss: float) -> None:
        told.append((rounds, loss))
        if rounds == 20:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fitting.fit(FORM, LEARN, STOP, RECIPE, watch)

    assert [rounds for rounds, _ in told] == list(range(1, 21))
    assert told[8][1] == pytest.approx(fit(recipe=replace(RECIPE, rounds=9, patience=None)).stop_loss)


def test_without_patience_the_rounds_are_as_many_as_the_recipe_says() -> None:
    assert fit(recipe=Recipe(rounds=9, patience=None)).rounds == 9


def test_with_too_few_bads_to_stop_by_the_rounds_are_fixed_and_nothing_is_chosen() -> None:
    (few,) = fitting.recipes_for(fitting.FEW - 1)

    assert few.patience is None
    assert len(fitting.recipes_for(fitting.FEW)) > 1
    assert all(recipe.patience for recipe in fitting.recipes_for(fitting.FEW))
    depths = [recipe.max_depth for recipe in fitting.recipes_for(fitting.FEW)]
    assert depths == sorted(depths)


def test_a_complex_recipe_is_chosen_where_it_is_ahead_by_more_than_a_standard_error() -> None:
    poor, good = fit(recipe=Recipe(rounds=1, patience=None)), fit()

    assert good.stop_loss < poor.stop_loss
    assert fitting.simplest([poor, good], STOP, threads=1) == 1
    assert fitting.simplest([good, poor], STOP, threads=1) == 0


def test_of_recipes_that_chance_could_part_the_simplest_is_chosen() -> None:
    kept = 0
    for seed in range(8, 20):
        pair = fit(replace(FORM, seed=seed)), fit(replace(FORM, seed=seed + 100))
        ahead, behind = sorted(pair, key=lambda one: one.stop_loss)
        assert ahead.stop_loss < behind.stop_loss
        assert fitting.simplest([ahead, behind], STOP, threads=1) == 0
        kept += fitting.simplest([behind, ahead], STOP, threads=1) == 0

    assert 6 <= kept < 12  # of two alike one is ahead by more than a standard error in a third of the cases


def test_the_loss_equals_another_librarys(fitted: Fitted) -> None:
    from sklearn.metrics import log_loss

    odds = fitting.scores(fitted.model, STOP.matrix, threads=1)

    assert fitted.stop_loss == pytest.approx(log_loss(STOP.bad, 1 / (1 + np.exp(-odds))))


def test_a_text_that_is_no_model_is_refused() -> None:
    with pytest.raises(TrainingError, match=r"can't be read.*model\.txt"):
        fitting.scores("tree\nversion=v4\n", np.zeros((1, 4)), threads=1)
