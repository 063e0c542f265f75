from __future__ import annotations

import numpy as np
import pytest

from loanbook.leaks import telling
from loanbook.leaks.telling import Told

SIZE = 8_000


@pytest.fixture
def chance() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture
def bad(chance: np.random.Generator) -> np.ndarray:
    return chance.random(SIZE) < 0.1


@pytest.fixture
def half(chance: np.random.Generator) -> np.ndarray:
    return chance.random(SIZE) < 0.5


def _judge(values: np.ndarray, bad: np.ndarray, half: np.ndarray) -> Told:
    return telling.judge(telling.number_groups(values.astype(float)), bad, half, 1e-4)


def test_a_column_that_is_the_outcome_leaks(bad: np.ndarray, half: np.ndarray) -> None:
    told = _judge(bad, bad, half)

    assert told.auc == 1.0
    assert told.lower > telling.FLOOR
    assert told.leaks
    assert told.sure_of_bad
    assert told.sure_of_good


def test_an_honest_score_as_good_as_they_come_does_not_leak(
    chance: np.random.Generator, bad: np.ndarray, half: np.ndarray
) -> None:
    told = _judge(1.1 * bad + chance.normal(size=SIZE), bad, half)

    assert 0.75 < told.auc < 0.80
    assert not told.leaks


def test_a_number_far_from_the_middle_on_both_sides_of_it_leaks_though_its_rank_tells_nothing(
    chance: np.random.Generator, bad: np.ndarray, half: np.ndarray
) -> None:
    sign = np.where(chance.random(SIZE) < 0.5, 1.0, -1.0)
    told = _judge(sign * (bad * 5 + chance.random(SIZE)), bad, half)

    assert told.leaks


def test_a_value_given_to_few_but_bad_rows_alone_leaks_though_the_auc_is_low(
    chance: np.random.Generator, bad: np.ndarray, half: np.ndarray
) -> None:
    settled = bad & (chance.random(SIZE) < 0.15)
    told = _judge(np.where(settled, 7.0, np.nan), bad, half)

    assert told.auc < 0.6
    assert told.sure_of_bad
    assert told.certain[0] == told.certain[1] == settled.sum()


def test_names_that_hardly_two_rows_share_tell_nothing(
    chance: np.random.Generator, bad: np.ndarray, half: np.ndarray
) -> None:
    places = chance.integers(0, SIZE // 2, SIZE)
    told = telling.judge(telling.word_groups(places), bad, half, 1e-4)

    assert abs(told.auc - 0.5) < 0.03
    assert not told.leaks


def test_no_column_of_noise_is_refused_among_a_thousand(
    chance: np.random.Generator, bad: np.ndarray, half: np.ndarray
) -> None:
    told = [_judge(chance.normal(size=SIZE), bad, half) for _ in range(1_000)]

    assert not [one for one in told if one.leaks or one.odd]


def test_columns_just_below_the_floor_are_refused_in_no_more_runs_than_the_error_allows() -> None:
    """Two hundred runs of ten columns each, every one as telling as the floor: at most 1 in 100 runs errs."""
    erring = 0
    for run in range(200):
        chance = np.random.default_rng(run)
        bad, half = chance.random(1_500) < 0.15, chance.random(1_500) < 0.5
        share = 1.4657 * bad  # an AUC of 0.85 exactly
        refused = [
            telling.judge(
                telling.number_groups(share + chance.normal(size=1_500)), bad, half, telling.ALPHA / 10
            ).lower
            >= telling.FLOOR
            for _ in range(10)
        ]
        erring += any(refused)
    assert erring <= 4


def test_missing_values_are_a_group_and_a_frequent_value_stands_alone() -> None:
    values = np.concatenate([np.full(500, np.nan), np.zeros(600), np.arange(1, 901)])
    codes = telling.number_groups(values)

    assert set(codes[:500]) == {0}
    assert len(set(codes[500:1100])) == 1
    assert set(codes[500:1100]).isdisjoint(codes[1100:])
    assert len(set(codes)) <= telling.GROUPS + 2
    assert np.all(np.diff(codes[1100:]) >= 0)


def test_few_known_values_are_kept_together_so_that_they_can_be_judged() -> None:
    codes = telling.number_groups(np.concatenate([np.full(9_000, np.nan), np.arange(150.0)]))

    assert len(set(codes[9_000:])) <= 2


def test_an_order_by_outcome_is_found_within_strata_and_only_there(
    chance: np.random.Generator, bad: np.ndarray
) -> None:
    strata = chance.integers(0, 40, SIZE)
    by_outcome = np.lexsort((chance.random(SIZE), bad, strata)).argsort()
    by_chance = np.lexsort((chance.random(SIZE), strata)).argsort()

    assert telling.order(by_outcome, strata, bad, 1e-4) == (1.0, pytest.approx(0.96, abs=0.03))
    away, lower = telling.order(by_chance, strata, bad, 1e-4)
    assert away < 0.55
    assert lower < telling.ORDER_FLOOR


def test_an_order_that_only_follows_the_months_tells_nothing_though_the_bad_rate_drifts(
    chance: np.random.Generator,
) -> None:
    month = np.repeat(np.arange(40), 200)
    bad = chance.random(SIZE) < month / 60
    area, lower = telling.order(np.arange(SIZE), month, bad, 1e-4)

    assert abs(area - 0.5) < 0.05
    assert lower < telling.ORDER_FLOOR


def test_odds_are_compared_with_bounds_that_few_rows_widen() -> None:
    many, low, high = telling.odds_ratio((300, 30), (500, 5_000), 1e-3)
    few, low_few, high_few = telling.odds_ratio((3, 0), (500, 5_000), 1e-3)

    assert low > 20
    assert many == pytest.approx(98, rel=0.05)
    assert low_few < 2 < few < high_few
    assert high < high_few


def test_too_few_of_either_kind_are_not_judged_by(bad: np.ndarray, half: np.ndarray) -> None:
    everybody = np.ones(SIZE, dtype=bool)
    assert telling.enough(bad, half, everybody)
    assert not telling.enough(bad & (np.cumsum(bad) <= 30), half, everybody)
    assert not telling.enough(bad, half, bad)


def test_values_that_lie_evenly_are_put_down_to_chance_and_others_are_not(
    chance: np.random.Generator, bad: np.ndarray
) -> None:
    told = np.where(bad[:300], "late", "fine")
    blurred = np.where(chance.random(300) < 0.2, "fine", told)
    numbers = (chance.normal(size=300) + 2 * bad[:300]).tolist()

    assert telling.by_chance(chance.choice(["late", "fine"], 300).tolist(), bad[:300]) > 0.01
    assert telling.by_chance(chance.normal(size=300).tolist(), bad[:300]) > 0.01
    assert telling.by_chance(blurred.tolist(), bad[:300]) < 1e-6
    assert telling.by_chance(numbers, bad[:300]) < 1e-4


@pytest.mark.parametrize("values", [[], ["late"], ["late"] * 40, [f"row {n}" for n in range(40)]])
def test_where_there_is_nothing_to_compare_everything_is_chance(values: list[str]) -> None:
    assert telling.by_chance(values, np.arange(len(values)) % 2 == 0) == 1.0
