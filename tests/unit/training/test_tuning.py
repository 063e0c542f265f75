"""The search for a recipe: bounded, seeded, resumable, on the stopping sample alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loanbook.errors import TrainingError
from loanbook.training import fitting, tuning
from loanbook.training.fitting import Form, Recipe, Sample
from loanbook.training.tuning import Trial

TRIALS = 12


def sample(size: int, seed: int) -> Sample:
    chance = np.random.default_rng(seed)
    values = chance.normal(size=(size, 5))
    odds = -1.2 - values @ np.array([0.9, 0.7, 0.5, 0.0, 0.0]) + 0.8 * values[:, 0] * values[:, 1]
    return Sample(values, chance.random(size) < 1 / (1 + np.exp(-odds)))


FORM = Form(tuple("abcde"), (), {}, seed=7, threads=1)
LEARN, STOP = sample(900, 1), sample(500, 2)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("studies") / "study.journal"


@pytest.fixture(scope="module")
def found(journal: Path) -> tuple[Trial, ...]:
    return tuning.search(journal, FORM, LEARN, STOP, trials=TRIALS)


def test_our_own_recipes_come_first(found: tuple[Trial, ...]) -> None:
    own = fitting.recipes_for(int(STOP.bad.sum()))
    assert [one.recipe for one in found[: len(own)]] == list(own)
    assert len(found) == TRIALS


def test_each_trial_is_a_fit_that_can_be_made_again(found: tuple[Trial, ...]) -> None:
    for one in (found[0], min(found, key=lambda each: each.loss)):
        again = fitting.fit(FORM, LEARN, STOP, one.recipe)
        assert (again.rounds, again.stop_loss) == (one.rounds, pytest.approx(one.loss, abs=1e-12))


def test_a_trial_that_is_given_up_was_behind(found: tuple[Trial, ...]) -> None:
    given_up = [one for one in found if one.given_up]
    assert given_up
    assert all(one.rounds >= tuning.FIRST and one.rounds % tuning.STEP == 0 for one in given_up)
    assert all(one.loss > min(each.loss for each in found) for one in given_up)


def test_every_recipe_stays_in_its_bounds(found: tuple[Trial, ...]) -> None:
    for one in found:
        assert 0.01 <= one.recipe.learning_rate <= 0.1
        assert 1 <= one.recipe.max_depth <= 5
        assert one.recipe.num_leaves == 2**one.recipe.max_depth
        assert one.recipe.rounds == Recipe().rounds


class Killed(BaseException):
    """As SIGKILL: nothing is caught, nothing is cleared away."""


@pytest.mark.parametrize("at", [1, 2, 3, 7, 11])
def test_killed_anywhere_it_goes_on_to_the_same_trials(
    found: tuple[Trial, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    fits, whole = [0], fitting.fit

    def dies(*given: Any) -> Any:
        fits[0] += 1
        if fits[0] == at:
            raise Killed
        return whole(*given)

    path = tmp_path / "killed.journal"
    with monkeypatch.context() as broken:
        broken.setattr(fitting, "fit", dies)
        with pytest.raises(Killed):
            tuning.search(path, FORM, LEARN, STOP, trials=TRIALS)
    assert tuning.search(path, FORM, LEARN, STOP, trials=TRIALS) == found


def test_a_search_that_ended_fits_nothing_again_and_more_trials_go_on(
    found: tuple[Trial, ...], journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(fitting, "fit", None)
        assert tuning.search(journal, FORM, LEARN, STOP, trials=TRIALS) == found
    more = tuning.search(journal, FORM, LEARN, STOP, trials=TRIALS + 1)
    assert (more[:TRIALS], len(more)) == (found, TRIALS + 1)


def test_another_seed_tries_other_recipes(found: tuple[Trial, ...], tmp_path: Path) -> None:
    other = tuning.search(tmp_path / "other", replace(FORM, seed=8), LEARN, STOP, trials=5)
    assert other[3].recipe != found[3].recipe


@pytest.mark.parametrize("trials", [-1, 1, 3, tuning.MOST + 1])
def test_a_number_of_trials_that_is_none_is_refused(tmp_path: Path, trials: int) -> None:
    with pytest.raises(TrainingError, match=f"{trials} trials can't be made.*Give 4 to 500"):
        tuning.search(tmp_path / "x", FORM, LEARN, STOP, trials=trials)
    assert not (tmp_path / "x").exists()


def test_by_few_bads_nothing_is_chosen(tmp_path: Path) -> None:
    few = np.zeros(500, dtype=bool)
    few[: fitting.FEW - 1] = True
    with pytest.raises(TrainingError, match="has 24 bads: by so few nothing is chosen"):
        tuning.search(tmp_path / "x", FORM, LEARN, Sample(STOP.matrix, few), trials=10)
