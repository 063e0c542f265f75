from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from loanbook.training import fitting, response
from loanbook.training.fitting import Form, Recipe, Sample
from loanbook.training.response import Held

FEATURES = ("bureau_score", "debt_to_income", "kind")
SIGNS = {"bureau_score": -1, "debt_to_income": 1}


def people(rows: int = 400) -> Any:
    chance = np.random.default_rng(1)
    values = chance.normal([600.0, 0.4, 1.0], [80.0, 0.2, 1.0], (rows, 3))
    values[chance.random((rows, 3)) < 0.1] = np.nan
    return values


def smooth(rows: Any) -> Any:
    """A PD that falls with the score and rises with the debt, also where one is missing."""
    score, debt = np.nan_to_num(rows[:, 0], nan=580.0), np.nan_to_num(rows[:, 1], nan=0.5)
    return 1 / (1 + np.exp((score - 500) / 80 - 2 * debt))


def walk(pd: Any, thresholds: dict[str, Any] | None = None, seed: int = 7) -> dict[str, Held]:
    return response.signs(pd, people(), FEATURES, SIGNS, thresholds or {}, seed)


def test_a_pd_that_keeps_its_signs_is_found_to() -> None:
    found = walk(smooth)

    assert {name: one["holds"] for name, one in found.items()} == {
        "bureau_score": True,
        "debt_to_income": True,
    }
    assert all(one["against"] == 0 and one["values"] > 50 and one["rows"] == 25 for one in found.values())


def test_a_sign_that_is_turned_everywhere_is_found_and_measured() -> None:
    found = walk(lambda rows: 1 - smooth(rows))

    assert not found["bureau_score"]["holds"]
    assert found["bureau_score"]["against"] > 0.001


def test_a_dip_too_narrow_for_any_grid_is_found_by_the_models_own_thresholds() -> None:
    def dipped(rows: Any) -> Any:
        inside = (rows[:, 1] > 0.4321) & (rows[:, 1] <= 0.43211)
        return smooth(rows) - 0.2 * inside

    assert walk(dipped)["debt_to_income"]["holds"]
    assert not walk(dipped, {"debt_to_income": np.array([0.4321, 0.43211])})["debt_to_income"]["holds"]


def test_a_sign_that_breaks_only_where_another_feature_is_missing_is_found() -> None:
    def broken(rows: Any) -> Any:
        return np.where(np.isnan(rows[:, 2]), 1 - smooth(rows), smooth(rows))

    assert not walk(broken)["debt_to_income"]["holds"]


@pytest.fixture(scope="module")
def trees() -> str:
    return learned(2, SIGNS)


def learned(draw: int, monotone: dict[str, int]) -> str:
    values = people(3000)
    bad = np.random.default_rng(draw).random(3000) < smooth(values)
    fitted = fitting.fit(
        Form(FEATURES, (), monotone, seed=7, threads=1),
        Sample(values[:2000], bad[:2000]),
        Sample(values[2000:], bad[2000:]),
        Recipe(rounds=60, patience=None, learning_rate=0.1, num_leaves=8, max_depth=4),
    )
    return fitted.model


def test_constrained_trees_keep_their_signs_and_free_ones_do_not(trees: str) -> None:
    free = learned(3, {})

    kept = walk(lambda rows: fitting.scores(trees, rows, threads=1), fitting.thresholds(trees))
    broken = walk(lambda rows: fitting.scores(free, rows, threads=1), fitting.thresholds(free))

    assert all(one["holds"] for one in kept.values())
    assert not any(one["holds"] for one in broken.values())


def test_between_two_thresholds_a_score_never_changes(trees: str) -> None:
    cuts = fitting.thresholds(trees)["bureau_score"]
    row = people(1)
    chance = np.random.default_rng(4)

    for low, high in pairwise(cuts):
        between = np.tile(row, (5, 1))
        between[:, 0] = [np.nextafter(low, np.inf), *chance.uniform(low, high, 3), high]
        assert len(set(fitting.scores(trees, between, threads=1).tolist())) == 1


def test_a_move_up_and_a_move_down_are_told_with_their_intervals() -> None:
    values = people()
    found = response.sensitivity(smooth, values, FEATURES, {"bureau_score": 80.0, "kind": 1.0})

    wanted = smooth(values + np.array([80.0, 0, 0])) - smooth(values)
    assert found["bureau_score"]["up"] == pytest.approx(wanted.mean())
    low, high = found["bureau_score"]["up_interval"]
    assert high - low == pytest.approx(2 * 1.959964 * wanted.std(ddof=1) / 20)
    assert found["bureau_score"]["down"] > 0 > found["bureau_score"]["up"]
    assert found["kind"]["up"] == found["kind"]["down"] == 0


def test_a_stress_moves_what_it_says_and_names_what_it_can_not_move() -> None:
    values = people()
    found = {one["move"]: one for one in response.stressed(smooth, values, FEATURES, 0.25)}

    income, score, vehicle = (
        found[name] for name in ("income −20 %", "bureau score −50", "vehicle value −20 %")
    )
    moved = smooth(values + np.array([-50.0, 0, 0]))
    approved = smooth(values) < 0.25
    assert score["expected"] == pytest.approx(moved.mean())
    assert score["approved_expected"] == pytest.approx(moved[approved].mean())
    assert score["approval_after"] == pytest.approx((moved < 0.25).mean())
    assert score["approval_after"] < score["approval_before"]
    assert income["moved"] == ["debt_to_income"]
    assert income["change"] > 0
    assert vehicle["unmeasured"] == "the model has none of the features that it moves"
    assert "expected" not in vehicle


def test_what_would_move_and_can_not_is_named() -> None:
    names = ("declared_income", "residual_salary", "kind")
    found = response.stressed(smooth, people(), names, 0.25)[0]

    assert found["left_as_it_is"] == ["residual_salary"]


def test_where_nobody_is_approved_there_is_no_rate_of_the_approved() -> None:
    found = response.stressed(smooth, people(), FEATURES, 0.0)[1]

    assert found["approved_expected"] is found["approved_change"] is None
    assert found["expected"] > 0


def test_missing_stays_missing_and_nothing_that_was_given_is_changed() -> None:
    values = people()
    before = values.copy()
    new = response.moved(values, FEATURES, {"debt_to_income": 1.25}, {"bureau_score": -50.0})

    assert np.array_equal(np.isnan(new), np.isnan(values))
    assert np.array_equal(values, before, equal_nan=True)
    assert np.allclose(new[:, 1], values[:, 1] * 1.25, equal_nan=True)
