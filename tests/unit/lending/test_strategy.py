from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from loanbook.lending import strategy
from loanbook.lending.strategy import CutOffs, Referral

# few values, since trees give few
judged = st.lists(
    st.tuples(st.sampled_from([0.01, 0.02, 0.05, 0.1, 0.3, 0.9]), st.booleans()), min_size=1, max_size=80
)


def arrays(rows: list[tuple[float, bool]]) -> tuple[Any, Any]:
    return np.array([pd for pd, _ in rows]), np.array([bad for _, bad in rows])


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(rows=judged, most=st.sampled_from([0.0, 0.05, 0.1, 0.34, 0.9]))
def test_the_approved_keep_the_bad_rate_and_no_higher_cut_off_would(
    rows: list[tuple[float, bool]], most: float
) -> None:
    pd, bad = arrays(rows)
    rates = {cut: bad[pd < cut].mean() for cut in {*pd, 1.0} if (pd < cut).sum() >= max(1, len(pd) // 20)}
    best = max((cut for cut, rate in rates.items() if rate <= most), default=0.0)

    assert strategy.find(pd, bad, max_bad_rate=most, refer_band=0.02).approve_below == best


def test_applicants_of_one_pd_are_decided_alike() -> None:
    """Of the fourteen at 0.2 the first nine are good: they can't be approved without the other five."""
    pd = np.array([0.1] + [0.2] * 14)
    bad = np.array([True] + [False] * 9 + [True] * 5)

    assert strategy.find(pd, bad, max_bad_rate=0.1, refer_band=0.0) == CutOffs(0.0, 0.0)


def test_where_not_even_the_safest_keep_the_bad_rate_nobody_is_approved_or_referred() -> None:
    pd = np.linspace(0.1, 0.9, 100)

    found = strategy.find(pd, np.arange(100) < 10, max_bad_rate=0.05, refer_band=0.5)

    assert set(found.decide(pd)) == {"decline"}


def test_fewer_than_a_twentieth_are_too_few_to_show_a_bad_rate() -> None:
    pd, bad = np.linspace(0.1, 0.9, 100), np.arange(100) >= 4

    assert strategy.find(pd, bad, max_bad_rate=0.1, refer_band=0.0) == CutOffs(0.0, 0.0)
    assert strategy.find(pd, bad, max_bad_rate=0.2, refer_band=0.0).approve_below == pd[5]


def test_everybody_is_approved_where_all_keep_the_bad_rate() -> None:
    pd = np.linspace(0.01, 0.9, 50)

    found = strategy.find(pd, np.zeros(50, bool), max_bad_rate=0.01, refer_band=0.5)

    assert found == CutOffs(1.0, 1.0)
    assert set(found.decide(pd)) == {"approve"}


def test_a_cut_off_belongs_to_the_stricter_side() -> None:
    decided = CutOffs(0.1, 0.2).decide(np.array([0.0, 0.0999, 0.1, 0.1999, 0.2, 1.0]))

    assert decided.tolist() == ["approve", "approve", "refer", "refer", "decline", "decline"]


def test_a_pd_that_is_no_number_is_never_approved() -> None:
    assert CutOffs(0.1, 0.2).decide(np.array([np.nan])).tolist() == ["decline"]


def test_without_a_band_nobody_is_referred() -> None:
    found = strategy.find(np.array([0.1, 0.2]), np.array([False, True]), max_bad_rate=0.1, refer_band=0.0)

    assert found == CutOffs(0.2, 0.2)


def test_cut_offs_survive_their_json() -> None:
    assert CutOffs.from_json(CutOffs(0.125, 0.25).to_json()) == CutOffs(0.125, 0.25)


def test_a_referral_sends_a_share_to_a_person_and_declines_nobody() -> None:
    pd = np.linspace(0, 1, 1000)

    found = Referral(0.02).cut(pd, np.zeros(1000, bool))
    decided = found.decide(pd)

    assert found.decline_from is None
    assert (decided == "refer").sum() == 20
    assert set(decided) == {"approve", "refer"}
    assert set(found.decide(np.array([1.0, 5.0]))) == {"refer"}
    assert CutOffs.from_json(found.to_json()) == found


def test_equal_scores_are_referred_together_or_not_at_all() -> None:
    pd = np.array([0.9] * 3 + [0.5] * 4 + [0.1] * 93)

    assert (Referral(0.05).cut(pd, pd > 1).decide(pd) == "refer").sum() == 3
    assert (Referral(0.07).cut(pd, pd > 1).decide(pd) == "refer").sum() == 7
    assert (Referral(0.02).cut(pd, pd > 1).decide(pd) == "refer").sum() == 0
    assert (Referral(0.001).cut(pd, pd > 1).decide(pd) == "refer").sum() == 0
