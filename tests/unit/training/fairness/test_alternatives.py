from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from loanbook.errors import TrainingError
from loanbook.training.fairness import alternatives
from loanbook.training.fairness.alternatives import Model

from .conftest import BOUNDS, Drawn

Draw = Callable[..., Any]


@pytest.fixture(scope="module")
def one(drawn: Draw) -> Drawn:
    made: Drawn = drawn(told=True)
    return made


@pytest.fixture(scope="module")
def model(one: Drawn, learned: Callable[[Drawn], Model]) -> Model:
    return learned(one)


@pytest.fixture(scope="module")
def found(one: Drawn, model: Model) -> dict[str, Any]:
    return alternatives.search(model, {"ethnicity": one.names}, ["province"], BOUNDS)


def test_leaving_the_proxy_out_is_found_to_be_fairer_within_the_loss(found: dict[str, Any]) -> None:
    told = found["tried"]["without province"]

    assert told["within_the_loss"]
    assert told["falls_less"]
    assert found["chosen"] is not None
    assert "province" in found["chosen"]
    better = found["tried"][found["chosen"]]["worst_ratio"]
    assert found["gain"] == better - found["threshold"]["worst_ratio"] > 0.05


def test_the_report_sample_bears_out_what_was_chosen(found: dict[str, Any]) -> None:
    report = found["report"]

    assert report["within_the_loss"]
    assert report["change_interval"][0] > 0
    low, high = report["auc_loss_interval"]
    assert low <= report["auc_loss"] <= high


def test_a_feature_that_only_ranks_is_no_fairer_to_leave_out(one: Drawn, model: Model) -> None:
    found = alternatives.search(model, {"ethnicity": one.names}, ["chance"], BOUNDS)
    assert not found["tried"]["without chance"]["falls_less"]


def test_no_alternative_within_the_loss_is_a_finding(one: Drawn, model: Model) -> None:
    strict = replace(BOUNDS, max_auc_loss=-0.5)
    found = alternatives.search(model, {"ethnicity": one.names}, ["province"], strict)

    assert found["chosen"] is None
    assert (found["gain"], found["report"]) == (0.0, None)
    assert found["tried"]["without province"]["falls_less"], "fairer, and it costs more than is allowed"


def test_no_outcome_or_person_of_the_report_sample_moves_the_choice(
    one: Drawn, model: Model, found: dict[str, Any]
) -> None:
    report = one.known.rows["report"]
    names = one.names.copy()
    names[report] = names[report][::-1]
    turned = replace(model, bad=np.where(report, ~one.bad, one.bad))
    again = alternatives.search(turned, {"ethnicity": names}, ["province"], BOUNDS)

    assert {name: part for name, part in again.items() if name != "report"} == {
        name: part for name, part in found.items() if name != "report"
    }
    assert again["report"] != found["report"]


def test_a_second_model_that_tells_nobody_apart_is_no_alternative(found: dict[str, Any]) -> None:
    assert "no ratio of approval rates by ethnicity" in found["tried"]["the scorecard"]["unmeasured"]


def test_a_second_model_that_is_fairer_is_an_alternative(one: Drawn, model: Model) -> None:
    blind = alternatives._learned(model, ("province",), model.recipe)
    found = alternatives.search(replace(model, second=blind), {"ethnicity": one.names}, ["province"], BOUNDS)
    left_out = found["tried"]["without province"]
    assert found["tried"]["the scorecard"] == left_out
    assert left_out["falls_less"]


def test_a_gain_for_one_attribute_is_not_bought_with_another(one: Drawn, model: Model) -> None:
    other = np.where(one.known.values[:, 1] >= 4, "there", "elsewhere").astype(object)
    swapped = np.where(one.known.values[:, 0] > 0, "rich", "poor").astype(object)
    found = alternatives.search(
        model, {"ethnicity": one.names, "other": other, "means": swapped}, ["province"], BOUNDS
    )

    assert found["attribute"] == "means", "the furthest apart is what is bettered"
    for told in found["tried"].values():
        if told["unmeasured"] is None and told["falls_less"]:
            assert told["worst_ratio"] >= found["threshold"]["worst_ratio"]


def test_groups_too_small_for_a_ratio_are_left_out_by_name(one: Drawn, model: Model) -> None:
    small = np.full(len(one.names), "most", dtype=object)
    small[np.flatnonzero(one.known.rows["threshold"])[:50]] = "few"
    found = alternatives.search(model, {"ethnicity": one.names, "small": small}, ["province"], BOUNDS)

    assert found["left_out"] == ["small"]
    assert found["attributes"] == ["ethnicity"]
    with pytest.raises(TrainingError, match="no ratio of approval rates by small"):
        alternatives.search(model, {"small": small}, ["province"], BOUNDS)


def test_where_nobody_is_approved_nothing_can_be_searched(one: Drawn, model: Model) -> None:
    with pytest.raises(TrainingError, match="no ratio of approval rates by ethnicity"):
        alternatives.search(model, {"ethnicity": one.names}, ["province"], replace(BOUNDS, max_bad_rate=1e-9))


def test_an_alternative_that_can_not_be_learned_says_why(one: Drawn, model: Model) -> None:
    single = replace(model, recipe=replace(model.recipe, min_data_in_leaf=40))
    bad = one.bad.copy()
    bad[one.known.rows["stop"]] = False
    found = alternatives.search(replace(single, bad=bad), {"ethnicity": one.names}, ["province"], BOUNDS)

    assert "one outcome only" in found["tried"]["without province"]["unmeasured"]
    assert found["chosen"] is None


def test_searching_twice_gives_the_same_table_in_plain_json(
    one: Drawn, model: Model, found: dict[str, Any]
) -> None:
    again = alternatives.search(model, {"ethnicity": one.names}, ["province"], BOUNDS)

    assert again == found
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_changes_interval_holds_no_change_between_a_model_and_itself(one: Drawn, model: Model) -> None:
    base = alternatives._decided(model, model.pd, BOUNDS)
    ends = alternatives._change(model, base, base, one.names, one.known.rows["threshold"])
    assert ends == (0.0, [0.0, 0.0])
