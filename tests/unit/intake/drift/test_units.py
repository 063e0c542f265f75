"""A change of unit is told from another population by what a factor explains."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest

from loanbook.intake.drift import units
from loanbook.intake.drift.columns import DECADE, Batch


def batch(seed, count=600, *, factor=1.0, share=1.0, middle=10.0, spread=0.7):
    """Draw incomes, of which some are in another unit."""
    chance = random.Random(seed)
    values = [
        chance.lognormvariate(middle, spread) * (factor if chance.random() < share else 1)
        for _ in range(count)
    ]
    bins = Counter(math.floor(math.log10(value) * DECADE) for value in values)
    return Batch(count, count, 0, count, numbers=count, bins=dict(bins))


PAST = tuple(batch(seed) for seed in range(6))


@pytest.mark.parametrize("factor", [10, 12, 100, 1000, 10_000, 1 / 12, 1 / 100, 1 / 1000])
@pytest.mark.parametrize("seed", range(100, 103))
def test_a_factor_in_all_rows_is_found_and_named(factor, seed):
    found = units.change(PAST, batch(seed, factor=factor), alone=False)
    assert found.sure
    assert found.share >= units.ALL
    assert found.factor == pytest.approx(factor)
    assert units.named(found.factor)


@pytest.mark.parametrize("factor", [12, 100, 1000, 1 / 12, 1 / 100])
@pytest.mark.parametrize("share", [0.15, 0.5, 0.8])
def test_a_factor_in_a_part_of_the_rows_is_found_with_its_share(factor, share):
    found = units.change(PAST, batch(100, factor=factor, share=share), alone=False)
    assert found.sure
    assert found.factor == pytest.approx(factor)
    assert found.share == pytest.approx(share, abs=0.11)


@pytest.mark.parametrize("factor", [1.609344, 1 / 1.609344])
def test_miles_and_kilometres_are_sure_only_where_nothing_else_moved(factor):
    now = batch(100, factor=factor, spread=0.4)
    past = tuple(batch(seed, spread=0.4) for seed in range(6))
    assert units.change(past, now, alone=True).sure
    assert not units.change(past, now, alone=False).sure


@pytest.mark.parametrize("seed", range(100, 140))
def test_an_honest_batch_has_no_factor(seed):
    assert units.change(PAST, batch(seed, count=20 + 15 * (seed - 100)), alone=True) is None


@pytest.mark.parametrize("shift", [0.75, 0.8, 1.25, 1.4])
def test_poorer_or_richer_customers_are_no_sure_change_of_unit(shift):
    found = units.change(PAST, batch(100, factor=shift), alone=True)
    assert found is None or not found.sure


@pytest.mark.parametrize("spread", [0.3, 1.0, 1.4, 2.0, 3.0])
def test_another_spread_is_no_sure_change_of_unit(spread):
    found = units.change(PAST, batch(100, spread=spread), alone=True)
    assert found is None or not found.sure


def test_a_few_bad_rows_are_no_change_of_unit():
    assert units.change(PAST, batch(100, count=3000, factor=100, share=0.003), alone=True) is None


def test_what_one_of_the_last_batches_looked_like_is_no_change():
    past = (*PAST, batch(50, factor=100))
    assert units.change(PAST, batch(100, factor=100), alone=True).sure
    assert units.change(past, batch(100, factor=100), alone=True) is None


def test_one_number_a_month_is_enough_where_it_hardly_moves():
    index = [Batch(1, 1, 0, 1, numbers=1, bins={40 + number % 2: 1}) for number in range(6)]
    hundredfold = Batch(1, 1, 0, 1, numbers=1, bins={81: 1})
    assert units.change(index, hundredfold, alone=True).sure
    assert units.change(index, index[1], alone=True) is None


def test_signs_that_turned_are_no_change_of_unit():
    now = batch(100, factor=100)
    turned = Batch(600, 600, 0, 600, numbers=600, negatives=300, bins=now.bins)
    assert units.change(PAST, turned, alone=True) is None


def test_the_middle_is_told_to_an_eighth():
    assert units.middle(batch(100).bins) == pytest.approx(math.exp(10), rel=0.13)
