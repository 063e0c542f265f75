from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from loanbook.errors import TrainingError
from loanbook.training import evaluation, rejects
from loanbook.training.rejects import Door


def drawn(rows: int, seed: int, *, hidden: float = 0.0) -> tuple[Door, Any]:
    """Draw a door whose lender looks at the score and, if asked, at something that no model sees."""
    chance = np.random.default_rng(seed)
    score, secret = chance.normal(-2, 1, rows), chance.normal(size=rows)
    bad = chance.random(rows) < 1 / (1 + np.exp(-(score + hidden * secret)))
    lending = 1.5 - 1.0 * (score + 2)
    lent = chance.random(rows) < 1 / (1 + np.exp(-(lending - 2 * hidden * secret)))
    return Door(score[lent], lending[lent], bad[lent], score[~lent], lending[~lent]), bad


def method(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in found["methods"] if one["method"] == name)


def test_where_the_score_is_all_that_was_looked_at_the_bounds_hold_the_truth() -> None:
    door, bad = drawn(12_000, 1)
    found = rejects.bounds(door, seed=7)

    low, high = found["bad_rate_interval"]
    assert low < bad.mean() < high
    assert high - low < 0.15
    truth = evaluation.auc(np.append(door.score, door.unlent_score), np.append(door.bad, _rest(door, bad)))[0]
    assert found["auc_interval"][0] < truth < found["auc_interval"][1]
    low, high = found["bad_rate_of_the_unlent_interval"]
    assert low < _rest(door, bad).mean() < high
    for name in ("fuzzy augmentation", "reweighting"):
        assert method(found, name)["bad_rate"] == pytest.approx(bad.mean(), abs=0.015), name


def _rest(door: Door, bad: Any) -> Any:
    """Find the outcomes of the unlent in the order of the door, as they were drawn."""
    chance = np.random.default_rng(1)
    score, _ = chance.normal(-2, 1, len(bad)), chance.normal(size=len(bad))
    return bad[np.isin(score, door.unlent_score)]


def test_what_the_lender_saw_and_the_model_does_not_makes_the_plain_methods_miss() -> None:
    door, bad = drawn(30_000, 2, hidden=1.5)
    found = rejects.bounds(door, seed=7)

    for name in ("parcelling × 1", "fuzzy augmentation", "reweighting"):
        assert method(found, name)["bad_rate_interval"][1] < bad.mean(), name
    low, high = found["worst_case"]["bad_rate_interval"]
    assert low < bad.mean() < high


def test_the_interval_runs_from_the_lowest_method_to_the_highest_within_the_worst_case() -> None:
    found = rejects.bounds(drawn(3_000, 3)[0], seed=7)

    ends = [one["bad_rate_interval"] for one in found["methods"]]
    assert found["bad_rate_interval"] == [min(low for low, _ in ends), max(high for _, high in ends)]
    for one in found["methods"]:
        for measure in rejects.MEASURES:
            assert one[f"{measure}_interval"][0] < one[measure] < one[f"{measure}_interval"][1]
    for name in ("bad_rate_interval", "auc_interval"):
        low, high = found["worst_case"][name]
        assert low < found[name][0] < found[name][1] < high


def test_parcelling_is_the_bad_rate_of_the_band_times_what_is_assumed() -> None:
    door, _ = drawn(4_000, 4)
    edges = np.quantile(door.score, np.arange(1, rejects.BANDS) / rejects.BANDS)
    lent, unlent = np.digitize(door.score, edges), np.digitize(door.unlent_score, edges)
    rate = np.array([door.bad[lent == band].mean() for band in range(rejects.BANDS)])

    for times in rejects.TIMES:
        people = rejects.weighed(door)[f"parcelling × {times:g}"]
        bads = door.bad.sum() + np.minimum(rate[unlent] * times, 1).sum()
        whole = len(door.bad) + len(unlent)
        assert people[2].sum() == pytest.approx(whole), "everybody counts once"
        assert people[2][people[1]].sum() == pytest.approx(bads)


def test_fuzzy_augmentation_halves_each_of_the_unlent_by_the_lents_own_odds() -> None:
    door, _ = drawn(4_000, 5)
    score, bad, weight = rejects.weighed(door)["fuzzy augmentation"]
    unlent = len(door.unlent_score)
    as_bad, as_good = weight[-2 * unlent : -unlent], weight[-unlent:]

    assert as_bad + as_good == pytest.approx(np.ones(unlent))
    assert bad[-2 * unlent : -unlent].all()
    assert not bad[-unlent:].any()
    assert (np.diff(as_bad[np.argsort(score[-unlent:])]) >= 0).all(), "a higher score is a worse risk"


def test_reweighting_counts_each_of_the_lent_by_one_over_how_likely_that_was() -> None:
    door, _ = drawn(6_000, 6)
    score, bad, weight = rejects.weighed(door)["reweighting"]
    order = np.argsort(door.lending)

    assert score.tolist() == door.score.tolist()
    assert bad.tolist() == door.bad.tolist()
    assert (np.diff(weight[order]) <= 0).all()
    likely = 1 / (1 + np.exp(-door.lending))
    assert weight * likely == pytest.approx(np.full(len(bad), np.mean(weight * likely)), rel=0.15)


@pytest.mark.parametrize("seed", range(6))
def test_no_way_of_naming_the_unlent_leaves_the_worst_case(seed: int) -> None:
    chance = np.random.default_rng(seed)
    score, unlent = chance.permutation(16)[:10] / 4, chance.choice(np.arange(20) / 8, 5, replace=False)
    bad = np.arange(10) % 3 == 0
    door = Door(score, score, bad, unlent, unlent)
    everybody = np.append(score, unlent)
    areas = [
        evaluation.auc(everybody, np.append(bad, np.array(named)))[0]
        for named in product((False, True), repeat=5)
    ]

    assert rejects.worst_case(door)["auc_interval"] == pytest.approx([min(areas), max(areas)])


def test_an_auc_of_people_who_all_weigh_one_is_the_auc() -> None:
    chance = np.random.default_rng(8)
    score, bad = chance.integers(0, 30, 500) / 10, chance.random(500) < 0.3

    assert rejects.weighed_auc(score, bad, np.ones(500)) == pytest.approx(evaluation.auc(score, bad)[0])
    twice = rejects.weighed_auc(score, bad, 1.0 + bad)
    assert twice == pytest.approx(evaluation.auc(np.append(score, score[bad]), np.append(bad, bad[bad]))[0])


def test_the_same_door_and_seed_give_the_same_bounds() -> None:
    door, _ = drawn(1_500, 9)

    assert rejects.bounds(door, seed=7) == rejects.bounds(door, seed=7)


def test_too_few_to_infer_from_is_said_with_the_count() -> None:
    door, _ = drawn(1_500, 10)
    nobody = replace(door, unlent_score=door.unlent_score[:5], unlent_lending=door.unlent_lending[:5])

    with pytest.raises(TrainingError, match="5 unlent"):
        rejects.bounds(nobody, seed=7)
    with pytest.raises(TrainingError, match=r"^0 bads"):
        rejects.bounds(replace(door, bad=np.zeros_like(door.bad)), seed=7)


@pytest.mark.parametrize(
    ("truth", "ends", "said"),
    [(0.2, [0.1, 0.3], "holds"), (0.32, [0.24, 0.4], "touches"), (0.4, [0.3, 0.5], "misses")],
)
def test_bounds_are_held_to_what_came(truth: float, ends: list[float], said: str) -> None:
    assert rejects.compared([0.15, 0.25], truth, ends) == said
