from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loanbook.training.fairness import groups


def judge(**asked: tuple[int, int]) -> Any:
    """Judge groups of so many, of whom so many are approved; `unknown` stands for null."""
    names: list[str | None] = []
    approved: list[bool] = []
    for name, (rows, yes) in asked.items():
        names += [None if name == "unknown" else name] * rows
        approved += [n < yes for n in range(rows)]
    flags = np.array(approved)
    return groups.by_group(np.array(names, dtype=object), flags, ~flags, np.where(flags, 0.1, 0.3))


def test_the_ratio_is_the_smallest_rate_over_the_largest() -> None:
    found = judge(f=(200, 100), m=(400, 300))

    assert found["selection_ratio"] == pytest.approx(0.5 / 0.75)
    told = found["groups"]["f"]
    assert (told["rows"], told["approved"], told["bad_rate"]) == (200, 0.5, 0.5)
    assert told["mean_pd"] == pytest.approx(0.2)
    assert found["judged_together"] == []


def test_small_groups_are_judged_together() -> None:
    found = judge(a=(400, 400), b=(60, 0), c=(60, 30))

    assert found["judged_together"] == ["b", "c"]
    assert found["selection_ratio"] == pytest.approx(30 / 120)
    assert found["groups"]["judged together"]["rows"] == 120
    assert (found["groups"]["b"]["rows"], found["too_few"]) == (60, [])


def test_groups_that_are_too_small_even_together_give_no_ratio() -> None:
    found = judge(a=(400, 400), b=(40, 0), c=(59, 0))

    assert found["selection_ratio"] is None
    assert found["too_few"] == ["b", "c"]
    assert "two are needed" in found["measures"]["selection_ratio"]["unmeasured"]
    assert found["groups"]["c"]["rows"] == 59, "too small to compare, and told all the same"


def test_a_group_of_a_hundred_has_a_rate_of_its_own() -> None:
    assert judge(a=(400, 400), b=(100, 0))["selection_ratio"] == 0
    assert judge(a=(400, 400), b=(99, 0))["selection_ratio"] is None


def test_one_group_alone_gives_no_ratio() -> None:
    assert judge(a=(400, 100))["selection_ratio"] is None


def test_nobody_approved_gives_no_ratio() -> None:
    found = judge(a=(400, 0), b=(400, 0))

    assert found["selection_ratio"] is None
    assert found["measures"]["selection_ratio"]["unmeasured"] == "nobody is approved"


def test_who_says_nothing_is_told_apart_and_not_judged() -> None:
    found = judge(a=(400, 200), b=(400, 200), unknown=(400, 0))

    assert found["selection_ratio"] == 1
    assert found["groups"]["unknown"]["approved"] == 0


def people(seed: int, *, harsher: float = 0.0, biased: float = 0.0) -> Any:
    """Draw two groups of 3,000: PDs that are true, approval under 0.2, one group judged more harshly."""
    chance = np.random.default_rng(seed)
    names = np.array(["a", "b"], dtype=object)[chance.integers(0, 2, 6000)]
    true = chance.beta(2, 8, 6000)
    bad = chance.random(6000) < true
    pd = np.clip(true + np.where(names == "b", biased, 0.0), 0.001, 0.999)
    return groups.by_group(names, pd + np.where(names == "b", harsher, 0.0) < 0.2, bad, pd)


def test_the_good_of_a_group_that_is_judged_more_harshly_have_less_of_a_chance() -> None:
    fair, harsh = (people(1, harsher=harsher)["measures"] for harsher in (0.0, 0.1))

    assert fair["opportunity_ratio"]["figure"] > 0.95
    assert harsh["opportunity_ratio"]["figure"] < 0.7
    assert (harsh["opportunity_ratio"]["lowest"], harsh["opportunity_ratio"]["highest"]) == ("b", "a")
    assert harsh["opportunity_difference"]["interval"][0] > 0.2
    assert harsh["false_approval_difference"]["highest"] == "a"


def test_a_group_whose_pd_is_wrong_is_named_with_its_gap() -> None:
    true, wrong = (
        people(2)["measures"]["calibration_gap"],
        people(2, biased=0.05)["measures"]["calibration_gap"],
    )

    assert true["interval"][0] == 0, "within chance of none"
    assert wrong["figure"] == pytest.approx(0.05, abs=0.02)
    assert wrong["interval"][0] > 0
    assert (wrong["lowest"], wrong["highest"]) == (None, "b")


def test_a_true_pd_has_a_slope_of_one_and_the_same_auc_in_each_group() -> None:
    found = people(3)

    for one in found["groups"].values():
        low, high = one["calibration_slope_interval"]
        assert low < 1 < high
        assert one["auc_interval"][0] < one["auc"] < one["auc_interval"][1]
    low, high = found["measures"]["auc_difference"]["interval"]
    assert low < 0 < high


def test_a_group_with_few_bads_has_no_slope_and_says_why() -> None:
    names = np.array(["a"] * 300 + ["b"] * 300, dtype=object)
    bad = np.arange(600) % 15 == 0
    bad[300 + 15 * 19 :] = False
    found = groups.by_group(names, np.ones(600, dtype=bool), bad, np.linspace(0.01, 0.2, 600))

    assert found["groups"]["b"]["bads"] == 19
    assert found["groups"]["b"]["auc"] is None
    assert "20 of each are needed" in found["groups"]["b"]["unmeasured"]
    assert found["groups"]["a"]["auc"] is not None
    assert "1 groups have enough bads" in found["measures"]["false_approval_difference"]["unmeasured"]


def test_no_good_at_all_gives_a_group_no_opportunity_and_no_error() -> None:
    names = np.array(["a"] * 200 + ["b"] * 200, dtype=object)
    bad = np.arange(400) < 200
    found = groups.by_group(names, np.arange(400) % 2 == 0, bad, np.where(bad, 0.4, 0.1))

    assert found["groups"]["a"]["approved_goods"] is None
    assert found["groups"]["b"]["approved_goods"] == 0.5
    assert found["measures"]["opportunity_ratio"]["figure"] is None
    assert found["measures"]["selection_ratio"]["figure"] == 1
