"""Gates on protected groups: what each lets pass, what it shuts on, and when it can't run."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from loanbook.errors import PolicyError
from loanbook.governance import policy
from loanbook.governance.gates import Status
from loanbook.governance.policy import REQUIRED, Policy

from ..reviewing import GONE, answer, put

GATES = """
[gates.opportunity]
kind = "group"
measure = "opportunity_ratio"
attributes = ["sex", "ethnicity"]
floor = 0.80
why = "The good of every group have about the same chance"

[gates.opportunity_known]
kind = "group"
measure = "opportunity_ratio_interval"
attributes = ["sex", "ethnicity"]
floor = 0.75
why = "And that isn't luck"

[gates.calibrated_by_group]
kind = "group"
measure = "calibration_gap"
attributes = ["sex", "ethnicity"]
ceiling = 0.04
why = "No group's PD is off by more"

[gates.false_approvals]
kind = "group"
measure = "false_approval_difference"
attributes = ["sex", "ethnicity"]
ceiling = 0.10
why = "No group's bads are let in far more readily"

[gates.proxies]
kind = "proxy"
attributes = ["sex", "ethnicity"]
ceiling = 0.75
why = "What the model knows may not tell the group"

[gates.fairer_model]
kind = "alternative"
ceiling = 0.02
why = "Where a fairer model ranks as well, it is the one to use"
"""
SEARCH = '\n[fairness]\nattributes = ["sex", "ethnicity"]\nmax_auc_loss = 0.01\n'
NAMES = (
    "opportunity", "opportunity_known", "calibrated_by_group", "false_approvals", "proxies", "fairer_model",
)  # fmt: skip


def gap(figure: float, low: float, high: float) -> dict[str, Any]:
    return {"figure": figure, "interval": [low, high], "lowest": "a", "highest": "b", "unmeasured": None}


def honest() -> dict[str, Any]:
    measures = {
        "opportunity_ratio": gap(0.96, 0.93, 1.01),
        "calibration_gap": gap(0.012, 0.0, 0.02),
        "false_approval_difference": gap(0.03, -0.02, 0.08),
    }
    return {
        "protected_attributes": ["sex", "ethnicity"],
        "ratios": {"sex": 0.97, "ethnicity": 0.93},
        "measures": {"sex": copy.deepcopy(measures), "ethnicity": copy.deepcopy(measures)},
        "proxies": {"sex": {"proxy_auc": 0.52}, "ethnicity": {"proxy_auc": 0.63}},
        "alternatives": {
            "left_out": [],
            "max_auc_loss": 0.01,
            "tried": {"without income": {"unmeasured": None}},
            "chosen": None,
            "gain": 0.0,
        },
    }


@pytest.fixture(scope="module")
def strict(policy_text: str) -> Policy:
    head, _, rest = policy_text.partition("[fairness]")
    return policy.parse(head + "[watching]" + rest.partition("[watching]")[2] + SEARCH + GATES, "strict")


def test_each_gate_passes_where_the_groups_fare_alike(strict: Policy) -> None:
    found = {name: answer(strict, {"fairness": honest()}, name).status for name in NAMES}
    assert found == dict.fromkeys(NAMES, Status.PASSED)


CHOSEN = {"chosen": "without income", "gain": 0.05}
FAILS: list[tuple[str, str, object, float]] = [
    ("opportunity", "measures/ethnicity/opportunity_ratio", gap(0.71, 0.6, 0.82), 0.71),
    ("opportunity_known", "measures/sex/opportunity_ratio", gap(0.9, 0.7, 1.1), 0.7),
    ("calibrated_by_group", "measures/sex/calibration_gap", gap(0.05, 0.01, 0.09), 0.05),
    ("false_approvals", "measures/ethnicity/false_approval_difference", gap(0.2, 0.1, 0.3), 0.2),
    ("proxies", "proxies/ethnicity/proxy_auc", 0.88, 0.88),
    ("fairer_model", "alternatives", {**honest()["alternatives"], **CHOSEN}, 0.05),
]
CANT_RUN: list[tuple[str, str, object]] = [
    ("opportunity", "measures/ethnicity/opportunity_ratio/figure", None),
    ("opportunity", "measures/ethnicity", GONE),
    ("opportunity", "measures/sex/opportunity_ratio/figure", 1.3),
    ("opportunity_known", "measures/sex/opportunity_ratio/interval", None),
    ("opportunity_known", "measures/sex/opportunity_ratio/interval", [0.97, 1.1]),
    ("opportunity_known", "measures/sex/opportunity_ratio/interval", [float("nan"), 1.1]),
    ("calibrated_by_group", "measures", GONE),
    ("calibrated_by_group", "measures/sex/calibration_gap/figure", "0.01"),
    ("false_approvals", "measures/sex/false_approval_difference", None),
    ("proxies", "proxies/ethnicity/proxy_auc", None),
    ("proxies", "proxies/ethnicity", GONE),
    ("proxies", "proxies/sex/proxy_auc", 1.2),
    ("fairer_model", "alternatives", {"unmeasured": "no gate of the policy asks for a search"}),
    ("fairer_model", "alternatives/left_out", ["ethnicity"]),
    ("fairer_model", "alternatives/left_out", GONE),
    ("fairer_model", "alternatives/tried", {}),
    ("fairer_model", "alternatives/gain", 0.4),
    ("fairer_model", "alternatives/gain", None),
    ("fairer_model", "alternatives/chosen", "without anything"),
    ("fairer_model", "alternatives", GONE),
]


@pytest.mark.parametrize(("name", "path", "value", "figure"), FAILS)
def test_a_gate_shuts_where_a_group_fares_worse(
    strict: Policy, name: str, path: str, value: object, figure: float
) -> None:
    found = answer(strict, put({"fairness": honest()}, f"fairness/{path}", value), name)
    assert found.status is Status.FAILED, found
    assert found.figure == figure


@pytest.mark.parametrize(("name", "path", "value"), CANT_RUN)
def test_a_gate_that_can_not_be_read_is_shut(strict: Policy, name: str, path: str, value: object) -> None:
    found = answer(strict, put({"fairness": honest()}, f"fairness/{path}", value), name)
    assert found.status is Status.COULD_NOT_RUN, found
    assert found.figure is None


def test_every_gate_on_groups_is_seen_failing_and_unable_to_run() -> None:
    assert {case[0] for case in FAILS} == {case[0] for case in CANT_RUN} == set(NAMES)


@pytest.mark.parametrize("nothing", [{}, {"fairness": None}, {"fairness": {}}, {"fairness": []}])
def test_no_gate_on_groups_passes_on_nothing(strict: Policy, nothing: dict[str, Any]) -> None:
    assert {answer(strict, nothing, name).status for name in NAMES} == {Status.COULD_NOT_RUN}


def test_a_dataset_without_the_attribute_that_a_gate_names_keeps_it_shut(strict: Policy) -> None:
    bare = {"protected_attributes": [], "ratios": {}, "measures": {}, "proxies": {}, "alternatives": {}}
    for name in NAMES:
        assert answer(strict, {"fairness": bare}, name).status is Status.COULD_NOT_RUN


def test_which_measures_are_gates_is_the_policys(auto: Policy) -> None:
    assert {gate.name for gate in auto.gates} == set(REQUIRED)
    assert auto.fairness is not None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('measure = "opportunity_ratio"', 'measure = "kindness"', "measure is 'kindness'"),
        ('attributes = ["sex", "ethnicity"]\nfloor = 0.80', "attributes = []\nfloor = 0.80", "none or twice"),
        ('attributes = ["sex", "ethnicity"]\nfloor = 0.80', "floor = 0.80", "'attributes' is missing"),
        ('["sex", "ethnicity"]\nceiling = 0.75', '["name"]\nceiling = 0.75', "'name' is no protected"),
        ("ceiling = 0.75\n", "", "'ceiling' is missing|without a bound"),
        (SEARCH, "\n", "a search is demanded and not stated"),
        ("max_auc_loss = 0.01", "max_auc_loss = 0.6", "max_auc_loss is 0.6"),
        ("max_auc_loss = 0.01", "max_auc_loss = 0.01\ncost = 1", "unknown key 'cost'"),
    ],
)
def test_a_policy_that_asks_unclearly_is_refused(policy_text: str, old: str, new: str, said: str) -> None:
    head, _, rest = policy_text.partition("[fairness]")
    text = head + "[watching]" + rest.partition("[watching]")[2] + SEARCH + GATES
    assert old in text
    with pytest.raises(PolicyError, match=said):
        policy.parse(text.replace(old, new), "strict")
