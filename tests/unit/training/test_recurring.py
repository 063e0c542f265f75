"""Where a customer has many rows they are one witness: intervals widen by what the rows have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loanbook.training import bootstrap, comparing, evaluation, segments


def book(people: int, times: int, seed: int = 1) -> tuple[Any, Any, Any]:
    """Draw customers whose rows all say the same, one after the other."""
    chance = np.random.default_rng(seed)
    bad = chance.random(people) < 0.2
    pd = np.clip(0.2 + 0.1 * bad + 0.1 * chance.normal(size=people), 0.01, 0.9)
    return np.repeat(pd, times), np.repeat(bad, times), np.repeat(np.arange(people), times)


def width(ends: Any) -> float:
    return float(ends[1] - ends[0])


def test_rows_of_one_customer_that_say_the_same_narrow_no_interval() -> None:
    once, often = book(800, 1), book(800, 9)

    one, many = (evaluation.measures(pd, bad, who) for pd, bad, who in (once, often))
    blind = evaluation.measures(*often[:2])

    assert one["auc"] == pytest.approx(many["auc"]) == pytest.approx(blind["auc"])
    assert width(many["auc_interval"]) == pytest.approx(width(one["auc_interval"]), rel=1e-6)
    assert width(blind["auc_interval"]) == pytest.approx(width(one["auc_interval"]) / 3, rel=0.02)
    assert (many["rows"], many["customers"]) == (7200, 800)
    assert "customers" not in blind


def test_customers_of_one_row_each_give_delongs_interval() -> None:
    pd, bad, who = book(800, 1)

    assert evaluation.auc(pd, bad, who) == pytest.approx(evaluation.auc(pd, bad), rel=2e-3)
    first, second = (comparing.auc_difference(pd, pd**2 + 0.01 * who % 7, bad, one) for one in (who, None))
    assert first["difference_interval"] == pytest.approx(second["difference_interval"], rel=1e-2)


def test_the_interval_by_customers_covers_what_it_says() -> None:
    truth = evaluation.auc(*book(200_000, 1)[:2])[0]
    held = [
        low <= truth <= high for _, low, high in (evaluation.auc(*book(300, 4, seed)) for seed in range(300))
    ]

    assert 0.92 <= np.mean(held) <= 0.98


def test_whole_customers_are_drawn_again_and_again() -> None:
    pd, bad, who = book(400, 5)

    by_customer = bootstrap.intervals(pd, bad, seed=1, whose=who)
    by_row = bootstrap.intervals(pd, bad, seed=1)
    once = bootstrap.intervals(*book(400, 1)[:2], seed=1)

    for name in ("auc", "ks", "brier", "calibration_slope"):
        assert width(by_customer[name]) == pytest.approx(width(once[name]), rel=0.2), name
        assert width(by_customer[name]) > 1.7 * width(by_row[name]), name


def test_a_draw_takes_all_rows_of_a_customer_or_none() -> None:
    bad = np.array([True, False, False, False, False, True])
    who = np.array([1, 1, 2, 2, 3, 4])

    for counts in bootstrap._draws(bad, seed=2, times=50, whose=who):
        assert (counts[:, 0] == counts[:, 1]).all()
        assert (counts[:, 2] == counts[:, 3]).all()
        assert (counts[:, [0, 5]].sum(axis=1) == 2).all()
        assert (counts[:, [2, 4]].sum(axis=1) == 2).all()


def test_a_bad_rates_interval_is_that_of_so_many_rows_as_the_customers_are_worth() -> None:
    pd, bad, who = book(500, 8)
    pd1, bad1, _ = book(500, 1)

    (part,) = segments.by_part(np.full(4000, "all"), pd, bad, whose=who)
    (alone,) = segments.by_part(np.full(500, "all"), pd1, bad1)
    bands = segments.by_band(pd, bad, whose=who)

    assert part["bad_rate_interval"] == pytest.approx(alone["bad_rate_interval"], abs=1e-3)
    assert width(part["auc_interval"]) == pytest.approx(width(alone["auc_interval"]), rel=0.02)
    assert all(low <= band["bad_rate"] <= high for band in bands for low, high in [band["bad_rate_interval"]])
    assert segments.rate_interval(np.zeros(5, bool), np.arange(5)) == segments.wilson(0, 5)
