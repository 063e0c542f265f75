from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from loanbook.watching import stability

NAN = float("nan")
values = st.lists(st.one_of(st.just(NAN), st.floats(-5, 5)), min_size=1, max_size=60)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(sample=values)
def test_a_sample_has_not_moved_against_itself(sample: list[float]) -> None:
    found = np.array(sample)
    frozen = stability.freeze(found)

    assert stability.psi(frozen, found) == 0
    assert stability.psi(frozen, np.tile(found, 3)[::-1]) == pytest.approx(0)
    assert sum(frozen.shares) == pytest.approx(1)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(sample=values, other=values)
def test_the_index_is_never_negative_nor_infinite(sample: list[float], other: list[float]) -> None:
    found = stability.psi(stability.freeze(np.array(sample)), np.array(other))

    assert 0 <= found < 20


def test_the_index_has_its_textbook_value() -> None:
    expected = (0.6 - 0.5) * np.log(0.6 / 0.5) + (0.4 - 0.5) * np.log(0.4 / 0.5)

    assert stability.index([0.5, 0.5], [0.6, 0.4]) == pytest.approx(expected)


def test_deciles_are_tenths() -> None:
    frozen = stability.freeze(np.arange(1000.0))

    assert len(frozen.edges) == 9
    assert frozen.shares == pytest.approx([0.1] * 10 + [0.0])


def test_what_is_missing_has_a_bin_of_its_own() -> None:
    frozen = stability.freeze(np.array([1.0, 2.0, NAN, NAN]))

    assert frozen.shares[-1] == 0.5
    assert stability.psi(frozen, np.array([1.0, 2.0, NAN, NAN])) == 0
    assert stability.psi(frozen, np.array([1.0, 2.0, 1.0, 2.0])) > 1


def test_a_feature_that_goes_missing_altogether_moves_far() -> None:
    assert stability.psi(stability.freeze(np.arange(100.0)), np.full(100, NAN)) > 5


def test_a_feature_that_nobody_had_can_be_frozen_and_its_coming_is_seen() -> None:
    frozen = stability.freeze(np.full(10, NAN))

    assert frozen.edges == ()
    assert stability.psi(frozen, np.arange(10.0)) > 5


def test_a_category_has_one_bin_for_each_code() -> None:
    frozen = stability.freeze(np.array([0.0, 0.0, 1.0, 2.0, NAN]), codes=3)

    assert frozen.shares == pytest.approx([0.4, 0.2, 0.2, 0.2])


def test_a_category_that_nobody_had_is_seen_when_it_comes() -> None:
    """Its bin stands empty: it must not fall in with its neighbour's."""
    frozen = stability.freeze(np.array([0.0, 0.0, 2.0, 2.0]), codes=3)

    assert frozen.shares == (0.5, 0.0, 0.5, 0.0)
    assert stability.psi(frozen, np.array([0.0, 1.0, 2.0, 2.0])) > 1


def test_a_value_beyond_every_edge_falls_into_the_outermost_bin() -> None:
    frozen = stability.freeze(np.arange(100.0))

    assert stability.psi(frozen, np.array([-1e9, 1e9])) < 20


def test_bins_survive_their_json() -> None:
    bins = {"a": stability.freeze(np.arange(100.0)), "b": stability.freeze(np.array([NAN]))}

    assert stability.frozen_from_json(stability.frozen_to_json(bins)) == bins  # type: ignore[arg-type]


def test_what_chance_moves_is_passed_one_time_in_twenty() -> None:
    chance = np.random.default_rng(3)
    found = []
    for _ in range(500):
        fit, report = chance.normal(size=900), chance.normal(size=600)
        found.append(stability.psi(stability.freeze(fit), report) > stability.by_chance(10, 900, 600))

    assert 0.02 <= np.mean(found) <= 0.10


def test_one_bin_alone_can_not_move_by_chance() -> None:
    assert stability.by_chance(1, 900, 600) == 0
