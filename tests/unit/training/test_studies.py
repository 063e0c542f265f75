"""A search belongs to one order, one training set and one code, and what it chose is what is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from loanbook.settings import Settings
from loanbook.training import bundle, fitting, studies
from loanbook.training.candidate import Order
from loanbook.training.candidates import Made
from loanbook.training.studies import Study


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def search(home: Path, order: Order, context: dict[str, Any]) -> Callable[..., Study]:
    def one(trials: int, ordered: Order = order) -> Study:
        return studies.search(Settings(home=home, threads=1), "tiny", ordered, context, trials=trials)

    return one


@pytest.fixture(scope="module")
def study(search: Callable[..., Study]) -> Study:
    return search(5)


def test_what_was_searched_before_is_found_and_less_of_it_may_be_asked(
    search: Callable[..., Study], study: Study
) -> None:
    assert search(5) == study
    assert search(4).trials == study.trials[:4]


def test_another_seed_or_training_set_is_another_search(
    search: Callable[..., Study], study: Study, order: Order, home: Path
) -> None:
    other = search(4, replace(order, seed=8))
    assert other.key != study.key
    assert {path.stem for path in (home / "lake" / "tiny" / "studies").glob("*.journal")} == {
        other.key,
        study.key,
    }


def test_the_recipe_that_was_found_is_the_one_that_is_trained(
    study: Study, order: Order, make: Callable[..., Made], made: Made
) -> None:
    tuned = make(ordered=replace(order, recipes=(study.recipe,)))
    card = bundle.read(tuned.bundle, expected=tuned.record["bundle"]).card
    assert card["recipe"] == asdict(study.recipe)
    (tried,) = tuned.record["tried"].values()
    assert tried["stop_loss"] == pytest.approx(study.trials[study.chosen].loss)
    assert len(made.record["tried"]) == 3
    assert made.key != tuned.key


def test_what_was_given_up_is_never_chosen_and_the_recipe_is_found_again_from_what_is_recorded(
    study: Study,
) -> None:
    assert not study.trials[study.chosen].given_up
    assert studies.recipe_of(study.facts) == study.recipe
    assert list(study.facts["tried"]) == [f"{number:03}" for number in range(1, len(study.trials) + 1)]


def test_a_find_is_taken_only_where_it_is_ahead_by_more_than_a_standard_error(
    search: Callable[..., Study], study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def last(fitted: Any, *_: Any) -> int:
        asked.append(len(fitted))
        return len(fitted) - 1

    monkeypatch.setattr(fitting, "simplest", last)
    best = min((one for one in study.trials if not one.given_up), key=lambda one: one.loss)
    taken = search(5)
    assert asked in ([3], [4])
    assert taken.recipe == (best.recipe if asked == [4] else study.trials[2].recipe)
