from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loanbook.training import fairness


def judge(**groups: tuple[int, int]) -> Any:
    """Judge groups of so many, of whom so many are approved; `unknown` stands for null."""
    names: list[str | None] = []
    approved: list[bool] = []
    for name, (rows, yes) in groups.items():
        names += [None if name == "unknown" else name] * rows
        approved += [n < yes for n in range(rows)]
    flags = np.array(approved)
    return fairness.by_group(np.array(names, dtype=object), flags, ~flags, np.where(flags, 0.1, 0.3))


def test_the_ratio_is_the_smallest_rate_over_the_largest() -> None:
    found = judge(f=(200, 100), m=(400, 300))

    assert found["selection_ratio"] == pytest.approx(0.5 / 0.75)
    assert found["groups"]["f"] == {
        "rows": 200, "approved": 0.5, "bad_rate": 0.5, "mean_pd": pytest.approx(0.2),
    }  # fmt: skip
    assert found["judged_together"] == []


def test_small_groups_are_judged_together() -> None:
    found = judge(a=(400, 400), b=(60, 0), c=(60, 30))

    assert found["judged_together"] == ["b", "c"]
    assert found["selection_ratio"] == pytest.approx(30 / 120)


def test_groups_that_are_too_small_even_together_give_no_ratio() -> None:
    assert judge(a=(400, 400), b=(40, 0), c=(59, 0))["selection_ratio"] is None


def test_a_group_of_a_hundred_has_a_rate_of_its_own() -> None:
    assert judge(a=(400, 400), b=(100, 0))["selection_ratio"] == 0
    assert judge(a=(400, 400), b=(99, 0))["selection_ratio"] is None


def test_one_group_alone_gives_no_ratio() -> None:
    assert judge(a=(400, 100))["selection_ratio"] is None


def test_nobody_approved_gives_no_ratio() -> None:
    assert judge(a=(400, 0), b=(400, 0))["selection_ratio"] is None


def test_who_says_nothing_is_told_apart_and_not_judged() -> None:
    found = judge(a=(400, 200), b=(400, 200), unknown=(400, 0))

    assert found["selection_ratio"] == 1
    assert found["groups"]["unknown"]["approved"] == 0
