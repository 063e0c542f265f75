from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loanbook.governance import gates
from loanbook.governance.gates import Status
from loanbook.governance.policy import REQUIRED, Policy

from ..reviewing import GONE, answer, put

NAN = float("nan")


def test_every_gate_passes_on_an_honest_version(auto: Policy, facts: dict[str, Any]) -> None:
    found = gates.run(auto, facts)
    assert {result.status for result in found} == {Status.PASSED}, found


FAILS = [
    ("auc", "metrics/report/auc", 0.57),
    ("auc", "metrics/report/auc", 0.91),
    ("auc_interval", "metrics/report/auc_interval", [0.52, 0.66]),
    ("calibration_slope", "metrics/report/calibration_slope", 0.3),
    ("calibration_slope", "metrics/report/calibration_slope", 1.9),
    ("calibration_error", "metrics/report/ece", 0.2),
    ("score_stability", "stability/score_psi", 0.4),
    ("bads", "samples/report/bads", 10),
    ("goods", "samples/report/bads", 2199),
    ("samples", "split/shared_rows", 1),
    ("samples", "samples/report/from", "2016-08-30"),
    ("samples", "samples/stop/rows", 0),
    ("inputs", "features/columns/ltv/privacy", "protected"),
    ("inputs", "features/columns/ltv/purposes", ["fraud"]),
    ("inputs", "features/columns/ltv/purposes", []),
    ("data_published", "data/tables/applications/published", None),
    ("data_published", "data/tables/applications/published", False),
    ("data_held", "data/tables/applications/held", 2000),
    ("maturity", "maturity/report/ripe", 2199),
    ("fairness", "fairness", {"protected_attributes": ["sex"], "ratios": {"sex": 0.7}}),
    ("monotonicity", "judged/monotone/features/ltv/against", 1e-6),
    ("fairness", "fairness", {"protected_attributes": ["sex", "age"], "ratios": {"sex": 0.9, "age": 0.2}}),
]

CANT_RUN = [
    ("auc", "metrics/report/auc", NAN),
    ("auc", "metrics/report/auc", None),
    ("auc", "metrics/report/auc", "0.61"),
    ("auc", "metrics/report/auc", True),
    ("auc", "metrics/report/auc", 1.2),
    ("auc", "metrics/report/auc", 10**400),
    ("auc", "metrics/report/auc", GONE),
    ("auc", "metrics/report", GONE),
    ("auc", "metrics/report", []),
    ("auc", "metrics", None),
    ("auc", "samples/report/rows", 0),
    ("auc", "samples/report/bads", 0),
    ("auc", "metrics/report/rows", 400),
    ("auc_interval", "metrics/report/auc_interval", [0.6]),
    ("auc_interval", "metrics/report/auc_interval", [0.565, NAN]),
    ("auc_interval", "metrics/report/auc_interval", [0.61, 0.64]),
    ("auc_interval", "metrics/report/auc_interval", [0.64, 0.56]),
    ("calibration_slope", "metrics/report/calibration_slope", float("inf")),
    ("calibration_error", "metrics/report/ece", GONE),
    ("calibration_error", "metrics/report/ece", -0.1),
    ("score_stability", "stability/score_psi", NAN),
    ("score_stability", "stability/score_psi", -0.1),
    ("score_stability", "stability", {}),
    ("bads", "samples/report/bads", "230"),
    ("bads", "samples/report/bads", -1),
    ("bads", "samples/report/bads", 2300),
    ("goods", "samples/report/rows", GONE),
    ("samples", "split/shared_rows", GONE),
    ("samples", "split/shared_rows", None),
    ("samples", "samples/fit", GONE),
    ("samples", "samples/report/from", "soon"),
    ("samples", "samples/report/to", "2017-01-01"),
    ("samples", "samples", {}),
    ("inputs", "features/used", []),
    ("inputs", "features/used", "ltv"),
    ("inputs", "features/columns/ltv", GONE),
    ("inputs", "features/columns/ltv/privacy", "harmless"),
    ("inputs", "features/columns/ltv/purposes", ["underwritng"]),
    ("data_published", "data/publication", ""),
    ("data_published", "data/tables", {}),
    ("data_published", "data/tables/applications/snapshot", None),
    ("data_published", "data/tables/applications/published", GONE),
    ("data_published", "data/tables/applications/published", 1),
    ("data_held", "data/tables/applications/held", GONE),
    ("data_held", "data/tables/applications/held", NAN),
    ("maturity", "maturity/report", GONE),
    ("maturity", "maturity/report/rows", 10),
    ("maturity", "maturity/report/ripe", 2201),
    ("maturity", "maturity/report/ripe", True),
    ("reproducibility", "code/commit", None),
    ("reproducibility", "code/commit", "main"),
    ("reproducibility", "code/lockfile", ""),
    ("reproducibility", "code/digest", GONE),
    ("reproducibility", "code/dirty", "no"),
    ("reproducibility", "seed", None),
    ("reproducibility", "threads", 0),
    ("reproducibility", "environment", {}),
    ("fairness", "fairness", {}),
    ("fairness", "fairness", {"ratios": {}}),
    ("fairness", "fairness", {"protected_attributes": [], "ratios": None}),
    ("fairness", "fairness", {"protected_attributes": [], "ratios": {"sex": 0.5}}),
    ("fairness", "fairness", {"protected_attributes": None, "ratios": {}}),
    ("fairness", "fairness", {"protected_attributes": ["sex"], "ratios": {}}),
    ("fairness", "fairness", {"protected_attributes": ["sex"], "ratios": {"sex": None}}),
    ("fairness", "fairness", {"protected_attributes": ["sex"], "ratios": {"sex": 1.4}}),
    ("monotonicity", "judged/monotone", {"unmeasured": "the trees can't be read"}),
    ("monotonicity", "judged/monotone/declared", {}),
    ("monotonicity", "judged/monotone/declared", None),
    ("monotonicity", "judged/monotone/features", {}),
    ("monotonicity", "judged/monotone/features", []),
    ("monotonicity", "judged/monotone/features/ltv", GONE),
    ("monotonicity", "judged/monotone/features/ltv/sign", -1),
    ("monotonicity", "judged/monotone/features/ltv/values", 1),
    ("monotonicity", "judged/monotone/features/ltv/rows", 0),
    ("monotonicity", "judged/monotone/features/ltv/against", None),
    ("monotonicity", "judged/monotone/features/ltv/against", NAN),
]


def _names(case: tuple[str, str, object]) -> str:
    return f"{case[0]}-{case[1]}-{'gone' if case[2] is GONE else repr(case[2])[:30]}"


@pytest.mark.parametrize("case", FAILS, ids=_names)
def test_a_gate_fails_when_its_figure_breaks_the_bound(
    auto: Policy, facts: dict[str, Any], case: tuple[str, str, object]
) -> None:
    gate, path, value = case
    found = answer(auto, put(facts, path, value), gate)
    assert found.status is Status.FAILED, found


@pytest.mark.parametrize("case", CANT_RUN, ids=_names)
def test_a_gate_could_not_run_when_its_figure_can_not_be_read(
    auto: Policy, facts: dict[str, Any], case: tuple[str, str, object]
) -> None:
    gate, path, value = case
    found = answer(auto, put(facts, path, value), gate)
    assert found.status is Status.COULD_NOT_RUN, found
    assert found.figure is None


def test_uncommitted_code_fails_where_the_policy_wants_it_clean(
    policy_text: str, facts: dict[str, Any]
) -> None:
    from loanbook.governance import policy

    strict = policy.parse(policy_text.replace("clean = false", "clean = true"), "p")
    assert answer(strict, put(facts, "code/dirty", True), "reproducibility").status is Status.FAILED
    assert answer(strict, facts, "reproducibility").status is Status.PASSED


def test_every_gate_is_seen_failing_and_seen_unable_to_run() -> None:
    assert {case[0] for case in FAILS} | {"reproducibility"} == set(REQUIRED)
    assert {case[0] for case in CANT_RUN} == set(REQUIRED)


@pytest.mark.parametrize("nothing", [{}, {"metrics": []}, {"samples": None}], ids=["empty", "list", "null"])
def test_no_gate_passes_on_nothing(auto: Policy, nothing: dict[str, Any]) -> None:
    assert {result.status for result in gates.run(auto, nothing)} == {Status.COULD_NOT_RUN}


def test_samples_apart_in_time_need_no_count_of_shared_rows(auto: Policy, facts: dict[str, Any]) -> None:
    apart = put(
        facts,
        "samples/threshold",
        {**facts["samples"]["threshold"], "from": "2017-03-01", "to": "2017-05-01"},
    )
    assert answer(auto, put(apart, "split/shared_rows", GONE), "samples").status is Status.PASSED


def test_fairness_is_not_applicable_only_where_the_evidence_says_so(
    auto: Policy, facts: dict[str, Any]
) -> None:
    found = answer(auto, facts, "fairness")
    assert found.status is Status.PASSED
    assert "not applicable: the dataset states" in found.why


def test_signs_are_not_applicable_only_where_none_is_declared(auto: Policy, facts: dict[str, Any]) -> None:
    none = put(facts, "judged/monotone", {"declared": {}, "features": {}})
    found = answer(auto, none, "monotonicity")
    assert found.status is Status.PASSED
    assert "not applicable: no feature" in found.why


def test_a_feature_that_moves_against_its_sign_is_named_whatever_is_said_of_it(
    auto: Policy, facts: dict[str, Any]
) -> None:
    found = answer(auto, put(facts, "judged/monotone/features/ltv/against", 0.02), "monotonicity")
    assert found.figure == 1
    assert "against its sign: ltv" in found.why


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PLACES = [path for _, path, _ in CANT_RUN]


@given(path=st.sampled_from(PLACES), value=JSON)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_fact_however_wrong_makes_the_gates_raise(
    auto: Policy, facts: dict[str, Any], path: str, value: object
) -> None:
    assert len(gates.run(auto, put(facts, path, value))) == len(auto.gates)
