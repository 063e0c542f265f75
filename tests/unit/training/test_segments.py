from __future__ import annotations

import numpy as np
import pytest

from loanbook.training import evaluation, segments


def test_each_part_is_judged_apart_and_small_ones_say_why_they_are_not() -> None:
    chance = np.random.default_rng(1)
    parts = np.repeat(["own", "rent", "few"], [600, 400, 50])
    pd = chance.uniform(0.05, 0.5, 1050)
    bad = chance.random(1050) < pd
    bad[1000:] = np.arange(50) < 19

    few, own, rent = segments.by_part(parts, pd, bad)

    assert [part["part"] for part in (few, own, rent)] == ["few", "own", "rent"]
    assert (few["auc"], few["auc_interval"]) == (None, None)
    assert few["unmeasured"] == "19 bads and 31 goods, 20 of each are needed"
    assert own["auc"] == evaluation.auc(pd[:600], bad[:600])[0]
    assert own["auc_interval"] == list(evaluation.auc(pd[:600], bad[:600])[1:])
    assert own["unmeasured"] is None
    assert rent["bads"] == bad[600:1000].sum()
    assert rent["bad_rate_interval"][0] < rent["bad_rate"] < rent["bad_rate_interval"][1]


def test_wilsons_interval_equals_another_librarys() -> None:
    from scipy.stats import binomtest

    for hits, rows in ((0, 10), (3, 50), (25, 50), (50, 50), (79, 623)):
        wanted = binomtest(hits, rows).proportion_ci(method="wilson")
        assert segments.wilson(hits, rows) == pytest.approx([wanted.low, wanted.high])


def test_a_band_has_the_interval_of_its_own_rows() -> None:
    pd, bad = np.linspace(0.01, 0.9, 200), np.arange(200) % 3 == 0

    bands = segments.by_band(pd, bad)

    assert [band["rows"] for band in bands] == [20] * 10
    for place, band in enumerate(bands):
        hits = int(bad[place * 20 : place * 20 + 20].sum())
        assert band["bad_rate_interval"] == segments.wilson(hits, 20)


def test_terms_stand_in_the_years_that_they_end_in() -> None:
    found = segments.term_bands(np.array([1.0, 12.0, 13.0, 36.0, np.nan]))

    assert found.tolist() == [
        "1 to 12 months", "1 to 12 months", "13 to 24 months", "25 to 36 months", "missing",
    ]  # fmt: skip


def test_a_code_is_named_as_the_plan_does_and_none_is_missing() -> None:
    found = segments.codes_named(np.array([1.0, np.nan, 0.0]), ("own", "rent"))

    assert found.tolist() == ["rent", "missing", "own"]


def test_a_mix_that_stays_has_no_psi_and_one_that_turns_has() -> None:
    fit, turned = np.repeat(["a", "b"], [500, 500]), np.repeat(["a", "b", "c"], [300, 600, 100])

    assert segments.mix_psi(fit, fit)["psi"] == 0
    assert segments.mix_psi(fit, turned)["psi"] > segments.mix_psi(fit, turned)["by_chance"]


def test_chance_alone_passes_its_own_bound_one_time_in_twenty() -> None:
    chance = np.random.default_rng(2)
    names = np.array(["a", "b", "c", "d"])
    found = [
        segments.mix_psi(names[chance.integers(0, 4, 800)], names[chance.integers(0, 4, 500)])
        for _ in range(600)
    ]

    assert 0.02 <= np.mean([one["psi"] > one["by_chance"] for one in found]) <= 0.09


def test_one_kind_alone_can_not_move() -> None:
    assert segments.mix_psi(np.array(["a"] * 9), np.array(["a"] * 5)) == {"psi": 0.0, "by_chance": 0.0}
