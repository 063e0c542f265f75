from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from loanbook.training.fairness import proxies

Draw = Callable[..., Any]


@pytest.fixture(scope="module")
def found(drawn: Draw) -> dict[str, Any]:
    one = drawn(told=True)
    return proxies.scan(one.known, one.names, one.known.values[:, 0])


def test_a_planted_proxy_is_found_and_named(found: dict[str, Any]) -> None:
    told = found["groups"]["minority"]

    assert found["proxy_auc"] == told["auc"]
    assert told["auc_interval"][0] > 0.85
    assert told["carriers"][0]["feature"] == "province"
    assert proxies.carriers([found])[0] == "province"
    assert told["carriers"][0]["alone"] > 0.85
    assert told["carriers"][0]["lost_interval"][0] > 0.2


def test_without_what_carried_it_nothing_tells_the_group(drawn: Draw) -> None:
    one = drawn(told=True)
    only = replace(one, known=one.known.only(["province", "chance", "income"]))
    told = proxies.scan(only.known, one.names, one.known.values[:, 0])["groups"]["minority"]

    assert {each["feature"] for each in told["carriers"]} >= {"province"}
    if told["without"] is not None:
        assert told["without_interval"][0] < 0.5 < told["without_interval"][1]


@pytest.mark.parametrize("seed", range(5))
def test_the_scan_is_silent_where_nothing_is_planted(drawn: Draw, seed: int) -> None:
    one = drawn(told=False, seed=seed)
    told = proxies.scan(one.known, one.names, one.known.values[:, 0])["groups"]["minority"]

    assert 0.47 < told["auc"] < 0.53


def test_what_tells_nothing_names_no_carrier(drawn: Draw) -> None:
    named = [
        told["carriers"]
        for told in (
            proxies.scan(one.known, one.names, one.known.values[:, 0])["groups"]["minority"]
            for one in (drawn(told=False, seed=seed) for seed in range(5))
        )
        if told["auc_interval"][0] <= 0.5
    ]
    assert len(named) >= 3
    assert not any(named)


def test_a_score_that_ranks_the_group_is_told_beside_the_features(drawn: Draw) -> None:
    one = drawn(told=False)
    score = (one.names == "minority") + np.random.default_rng(3).normal(size=len(one.names))
    told = proxies.scan(one.known, one.names, score)["groups"]["minority"]

    assert told["score_auc_interval"][0] > 0.7
    assert told["auc"] < 0.53


def test_who_is_in_the_report_sample_moves_no_carrier(drawn: Draw, found: dict[str, Any]) -> None:
    one = drawn(told=True)
    report = one.known.rows["report"]
    names = one.names.copy()
    names[report] = np.random.default_rng(4).permutation(names[report])
    again = proxies._carriers(
        one.known, proxies._learned(one.known, names == "minority"), names == "minority"
    )

    for name in ("feature", "gain", "lost", "lost_interval"):
        assert [each[name] for each in again] == [
            each[name] for each in found["groups"]["minority"]["carriers"]
        ]
    assert abs(again[0]["alone"] - 0.5) < 0.05, "judged on the report sample, and there it tells nothing now"


def test_a_small_group_is_told_with_others_or_named_with_its_reason(drawn: Draw) -> None:
    one = drawn(told=True)
    report = np.flatnonzero(one.known.rows["report"])
    names = one.names.copy()
    names[report[:60]] = "few"
    found = proxies.scan(one.known, names, one.known.values[:, 0])

    assert found["judged_together"] == ["few"]
    assert set(found["groups"]) == {"majority", "minority"}, "sixty are too few even together"
    names[report[60:120]] = "fewer"
    told = proxies.scan(one.known, names, one.known.values[:, 0])["groups"]["judged together"]
    assert told["auc"] is None
    assert "the fit sample has 0 of the group" in told["unmeasured"]


def test_who_says_nothing_is_neither_group_nor_rest(drawn: Draw) -> None:
    one = drawn(told=True)
    names = one.names.copy()
    names[::7] = "unknown"
    told = proxies.scan(one.known, names, one.known.values[:, 0])["groups"]

    assert set(told) == {"majority", "minority"}
    report = one.known.rows["report"]
    assert told["majority"]["report"] + told["minority"]["report"] == int(np.sum(names[report] != "unknown"))


def test_scanning_twice_gives_the_same_figures_in_plain_json(drawn: Draw, found: dict[str, Any]) -> None:
    one = drawn(told=True)

    assert proxies.scan(one.known, one.names, one.known.values[:, 0]) == found
    assert json.loads(json.dumps(found, allow_nan=False)) == found
