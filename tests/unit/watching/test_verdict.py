from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loanbook.governance import policy
from loanbook.governance.alarms import Watching
from loanbook.settings import ROOT
from loanbook.watching import verdict
from loanbook.watching.verdict import Figures, Level

CALM = Figures(
    rows=1000,
    expected_rows=1000.0,
    score_psi=0.01,
    feature_psi={"income": 0.01},
    missing_rise={"income": 0.0},
    mix_psi={"product": 0.01},
    outcomes={"auc_fall": 0.0, "bad_rate_ratio": 1.0},
)
BOUNDS = Watching(
    psi_watch=0.1,
    psi_alarm=0.25,
    score_psi_watch=0.08,
    score_psi_alarm=0.2,
    mix_psi_alarm=0.25,
    missing_rise_alarm=0.2,
    volume_fall_alarm=0.5,
    auc_fall_alarm=0.05,
    bad_rate_ratio_alarm=1.3,
    min_rows=200,
)


def judge(**changed: Any) -> verdict.Verdict:
    return verdict.judge(replace(CALM, **changed), BOUNDS)


def test_what_did_not_move_is_calm_and_nothing_is_found() -> None:
    assert judge() == verdict.Verdict(Level.CALM, (), ())


@pytest.mark.parametrize(
    ("under", "over", "what", "level"),
    [
        ({"rows": 200, "expected_rows": 200}, {"rows": 199, "expected_rows": 200}, "rows", Level.ALARM),
        ({"rows": 501}, {"rows": 500}, "volume", Level.ALARM),
        ({"score_psi": 0.079}, {"score_psi": 0.08}, "score", Level.WATCH),
        ({"score_psi": 0.0}, {"score_psi": 0.2}, "score", Level.ALARM),
        ({"feature_psi": {"income": 0.099}}, {"feature_psi": {"income": 0.1}}, "income", Level.WATCH),
        ({"feature_psi": {"income": 0.0}}, {"feature_psi": {"income": 0.25}}, "income", Level.ALARM),
        ({"mix_psi": {"product": 0.249}}, {"mix_psi": {"product": 0.25}}, "mix", Level.ALARM),
        ({"missing_rise": {"income": 0.199}}, {"missing_rise": {"income": 0.2}}, "missing", Level.ALARM),
        (
            {"outcomes": {"auc_fall": 0.049, "bad_rate_ratio": 1.0}},
            {"outcomes": {"auc_fall": 0.05, "bad_rate_ratio": 1.0}},
            "auc",
            Level.ALARM,
        ),
        (
            {"outcomes": {"auc_fall": 0.0, "bad_rate_ratio": 1.299}},
            {"outcomes": {"auc_fall": 0.0, "bad_rate_ratio": 1.3}},
            "bad rate",
            Level.ALARM,
        ),
    ],
)
def test_each_finding_is_raised_at_its_bound_and_not_before(
    under: dict[str, Any], over: dict[str, Any], what: str, level: Level
) -> None:
    assert judge(**under).level is Level.CALM

    found = judge(**over)

    assert found.level is level
    assert [(one.what, one.level) for one in found.findings] == [(what, level)]


def test_a_feature_that_comes_back_is_no_alarm() -> None:
    assert judge(missing_rise={"income": -0.9}).level is Level.CALM


def test_more_applications_than_usual_are_no_alarm() -> None:
    assert judge(rows=9000).level is Level.CALM


def test_where_nothing_was_expected_the_volume_is_an_alarm() -> None:
    assert judge(expected_rows=0.0).level is Level.ALARM


def test_the_whole_is_as_loud_as_the_loudest_and_names_that_first() -> None:
    found = judge(score_psi=0.1, feature_psi={"a": 0.3, "b": 0.9, "c": 0.11})

    assert found.level is Level.ALARM
    assert [one.what for one in found.findings] == ["b", "a", "score", "c"]


def test_while_no_outcome_is_ripe_nothing_is_said_of_performance() -> None:
    found = judge(outcomes=None)

    assert found.level is Level.CALM
    assert found.silent_on == ("performance: no outcome since then is ripe",)


def test_a_verdict_is_written_in_words() -> None:
    written = judge(score_psi=0.3, outcomes=None).to_json()

    assert written["level"] == "alarm"
    assert written["findings"] == [
        {"level": "alarm", "what": "score", "figure": 0.3, "bound": 0.2, "said": "score moved by PSI 0.300"}
    ]


@pytest.mark.parametrize("line", ["underwriting_auto", "underwriting_consumer"])
def test_every_shipped_policy_can_judge(line: str) -> None:
    path = ROOT / "expectations" / "policies" / f"{line}.toml"
    bounds = policy.parse(path.read_text(encoding="utf-8"), path.name).watching

    assert verdict.judge(CALM, bounds).level is Level.CALM
