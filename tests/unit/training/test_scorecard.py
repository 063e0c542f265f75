from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from loanbook.errors import TrainingError
from loanbook.training import binning
from loanbook.training.binning import Learned
from loanbook.training.calibration import Platt
from loanbook.training.scorecard import Characteristic, Scorecard

FEATURES = ("score", "debt", "noise", "kind")
CATEGORIES = {"kind": ("family", "own", "rent")}
MONOTONE = {"score": -1, "debt": 1}


def people(rows: int = 6000, seed: int = 1) -> tuple[Any, Any, Any]:
    """Draw applicants of whom some values are missing; the last third is for coefficients alone."""
    chance = np.random.default_rng(seed)
    values = chance.normal(size=(rows, 4))
    values[:, 3] = chance.integers(0, 3, rows)
    odds = -1.5 - values[:, 0] + 0.8 * values[:, 1] + 0.9 * (values[:, 3] == 2)
    bad = chance.random(rows) < 1 / (1 + np.exp(-odds))
    values[chance.random((rows, 4)) < 0.1] = np.nan
    return values, bad, np.arange(rows) < rows * 2 // 3


def learn(values: Any, bad: Any, fit: Any) -> Learned:
    return binning.learn(values, bad, fit=fit, features=FEATURES, categories=CATEGORIES, monotone=MONOTONE)


@pytest.fixture(scope="module")
def learned() -> Learned:
    return learn(*people())


@pytest.fixture(scope="module")
def card(learned: Learned) -> Scorecard:
    return Scorecard(learned.intercept, learned.characteristics, Platt(0.1, 0.9))


def of(learned: Learned, name: str) -> Characteristic:
    return next(one for one in learned.characteristics if one.feature == name)


def test_what_predicts_has_bins_and_what_is_noise_is_left_out(learned: Learned) -> None:
    assert [one.feature for one in learned.characteristics] == ["score", "debt", "kind"]
    assert all(len(one.woe) >= 3 for one in learned.characteristics)


def test_a_weight_is_the_log_of_goods_over_bads_of_its_bin_on_the_fit_rows_alone(learned: Learned) -> None:
    values, bad, fit = people()
    one = of(learned, "score")
    inside = fit & (values[:, 0] < one.edges[0])
    goods, bads = (inside & ~bad).sum() / (fit & ~bad).sum(), (inside & bad).sum() / (fit & bad).sum()
    known = fit & ~np.isnan(values[:, 0])
    of_known = np.log(((known & ~bad).sum() / (known & bad).sum()) / ((fit & ~bad).sum() / (fit & bad).sum()))

    assert one.woe[0] == pytest.approx(np.log(goods / bads), abs=abs(of_known) + 1e-5)


def test_bins_and_weights_know_nothing_of_the_rows_beyond_fit(learned: Learned) -> None:
    values, bad, fit = people()
    values[~fit] += 3
    other = learn(values, bad, fit)

    for one in other.characteristics:
        assert (one.edges, one.groups, one.woe) == (
            of(learned, one.feature).edges,
            of(learned, one.feature).groups,
            of(learned, one.feature).woe,
        )
    assert other != learned


def test_a_declared_sign_holds_from_bin_to_bin(learned: Learned) -> None:
    grid = np.linspace(-4, 4, 801)
    for name, sign in MONOTONE.items():
        one = of(learned, name)
        risk = one.coefficient * one.weights(grid)
        assert (np.diff(risk) * sign >= 0).all(), name
        assert np.ptp(risk) > 0.5


def test_every_coefficient_says_what_its_weights_say(learned: Learned) -> None:
    assert all(one.coefficient < 0 for one in learned.characteristics)


def test_the_card_ranks_those_it_never_saw(card: Scorecard) -> None:
    from sklearn.metrics import roc_auc_score

    values, bad, _ = people(4000, seed=9)

    assert roc_auc_score(bad, card.pd(values, FEATURES)) > 0.75


def test_six_hundred_points_are_odds_of_fifty_to_one_and_twenty_more_double_them(card: Scorecard) -> None:
    values, _, _ = people(500, seed=3)
    pd, points = card.pd(values, FEATURES), card.points(values, FEATURES)

    odds = (1 - pd) / pd
    assert np.allclose(points, 600 + 20 * np.log2(odds / 50))


def test_points_of_the_table_add_up_to_the_points_of_a_person(card: Scorecard) -> None:
    values, _, _ = people(200, seed=4)
    table: Any = card.to_json(CATEGORIES)
    total = np.full(len(values), table["base_points"])
    for one, entry in zip(card.characteristics, table["characteristics"], strict=True):
        weights = one.weights(values[:, FEATURES.index(one.feature)])
        worth = dict(zip(entry["woe"], entry["points"], strict=True))
        total += [worth[weight] for weight in weights.tolist()]

    assert np.allclose(total, card.points(values, FEATURES), atol=0.05)


def test_a_card_survives_plain_json(card: Scorecard) -> None:
    text = json.dumps(card.to_json(CATEGORIES), allow_nan=False)

    assert Scorecard.from_json(json.loads(text)) == card


def test_a_card_of_another_scaling_is_refused(card: Scorecard) -> None:
    table: Any = card.to_json(CATEGORIES)
    table["scaling"]["points"] = 500.0

    with pytest.raises(TrainingError, match="scaled by"):
        Scorecard.from_json(table)


def test_the_same_rows_give_the_same_card_and_others_another(learned: Learned) -> None:
    assert learn(*people()) == learned
    assert learn(*people(seed=2)) != learned


def test_a_category_that_nobody_knew_weighs_like_a_missing_one(learned: Learned) -> None:
    found = of(learned, "kind").weights(np.array([7.0, np.nan]))

    assert found.tolist() == [of(learned, "kind").woe[-1]] * 2


def test_a_few_missing_hardly_weigh_and_many_do() -> None:
    values, bad, fit = people()
    values[:, 0] = np.nan_to_num(values[:, 0], nan=0.0)
    few, many = values.copy(), values.copy()
    few[np.flatnonzero(bad & fit)[:2], 0] = np.nan
    many[np.flatnonzero(bad & fit)[:300], 0] = np.nan

    assert abs(of(learn(few, bad, fit), "score").woe[-1]) < 0.5
    assert of(learn(many, bad, fit), "score").woe[-1] < -2


def test_where_nothing_predicts_the_card_is_its_intercept() -> None:
    values, bad, fit = people(30_000)
    chance = np.random.default_rng(5)
    learned = learn(values, bad[chance.permutation(len(bad))], fit)
    rate = bad.mean()

    assert learned.characteristics == ()
    assert learned.intercept == pytest.approx(np.log(rate / (1 - rate)), abs=1e-5)
    assert Scorecard(learned.intercept, (), Platt(0.0, 1.0)).pd(values, FEATURES) == pytest.approx(rate)


def test_a_stopping_sample_that_says_otherwise_draws_coefficients_to_nothing() -> None:
    values, bad, fit = people()
    chance = np.random.default_rng(6)
    shuffled = bad.copy()
    shuffled[~fit] = bad[~fit][chance.permutation((~fit).sum())]

    chosen = binning._ridge(np.nan_to_num(values[:, :1]), shuffled, fit)

    assert chosen == max(binning.RIDGES)


def test_with_too_few_bads_to_stop_by_nothing_is_chosen() -> None:
    values, bad, fit = people()
    few = bad.copy()
    few[~fit] = False
    few[np.flatnonzero(~fit)[: binning.FEW - 1]] = True

    assert binning._ridge(np.nan_to_num(values), few, fit) == binning.UNCHOSEN


@pytest.mark.parametrize("outcome", [True, False])
def test_one_outcome_only_is_refused(outcome: bool) -> None:
    values, bad, fit = people(600)

    with pytest.raises(TrainingError, match="one outcome only"):
        learn(values, np.full(len(bad), outcome), fit)
