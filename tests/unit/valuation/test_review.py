"""A review believes nothing that the trainer stored, and each gate of an amount can close."""

from __future__ import annotations

from typing import Any

import pytest

from loanbook.errors import EvidenceError, PolicyError
from loanbook.governance import gates, policy, recomputing
from loanbook.governance.gates import Status
from loanbook.settings import ROOT

from ..reviewing import GONE, Facts, answer, facts_of, put, put_all, shut, without

POLICY = ROOT / "expectations" / "policies" / "vehicle_value.toml"


@pytest.fixture(scope="module")
def rules() -> policy.Policy:
    return policy.parse(POLICY.read_text(encoding="utf-8"), POLICY.name)


@pytest.fixture(scope="module")
def figures(shop: Any, made: Any) -> Any:
    return recomputing.figures(shop.settings, shop.stored(made))


@pytest.fixture(scope="module")
def facts(figures: Any) -> Facts:
    return facts_of(figures, "vehicles", 3000, "vehicle_make", {"privacy": "open", "purposes": ["valuation"]})


def test_an_honest_valuer_passes_every_gate(rules: policy.Policy, facts: Facts) -> None:
    assert shut(rules, facts) == {}
    assert len(gates.run(rules, facts)) == 16


def test_the_review_finds_the_noise_that_the_amounts_were_drawn_with(figures: Any) -> None:
    report = figures.metrics["report"]
    assert report["median_ape"] == pytest.approx(0.07 * 0.6745, abs=0.012)
    assert report["coverage"] == pytest.approx(0.8, abs=0.06)
    assert figures.judged["apart"] == {"drawn": True, "different": 3000, "repeated": 150, "shared": 0}
    assert figures.judged["second_model"]["metrics"]["median_ape"] < 0.08


FAILING = {
    "error": {"metrics/report/median_ape": 0.09},
    "error_interval": {"metrics/report/median_ape_interval": [0.01, 0.12]},
    "bias": {"metrics/report/bias": -0.04},
    "coverage": {"metrics/report/coverage": 0.6},
    "worst_segment": {"judged/segments/make/0/median_ape": 0.3},
    "score_stability": {"stability/score_psi": 0.4},
    "rows": {"samples/report/rows": 90},
    "samples": {"judged/apart/shared": 2},
    "crossing": {"judged/crossing/crossed": 1},
    "months_ahead": {"judged/ahead/rising": 1},
    "monotonicity": {"judged/monotone/features/vehicle_age_years/against": 0.1},
    "inputs": {"features/columns/vehicle_make/purposes": ["underwriting"]},
    "maturity": {"maturity/report/ripe": 1},
    "data_held": {"data/tables/vehicles/held": 900},
    "data_published": {"data/tables/vehicles/published": False},
}  # fmt: skip
UNREADABLE = {
    "error": {"metrics/report/median_ape": None},
    "error_interval": {"metrics/report/median_ape_interval": [0.001, 0.002]},
    "bias": {"metrics/report/bias": float("nan")},
    "coverage": {"metrics/report/coverage": 1.2},
    "worst_segment": {"judged/segments/age": GONE},
    "score_stability": {"stability/score_psi": -1.0},
    "rows": {"samples/report/rows": 0},
    "samples": {"judged/apart": GONE},
    "crossing": {"judged/crossing/rows": 0},
    "months_ahead": {"judged/ahead/months": {}},
    "monotonicity": {"judged/monotone/features/vehicle_age_years": GONE},
    "inputs": {"features/used": []},
    "maturity": {"maturity/report/rows": 1},
    "reproducibility": {"threads": 0},
    "data_held": {"data/tables": {}},
    "data_published": {"data/publication": ""},
}  # fmt: skip


@pytest.mark.parametrize("gate", FAILING)
def test_each_gate_fails_on_what_it_is_there_for(rules: policy.Policy, facts: Facts, gate: str) -> None:
    assert answer(rules, put_all(facts, FAILING[gate]), gate).status is Status.FAILED


@pytest.mark.parametrize("gate", UNREADABLE)
def test_each_gate_that_cannot_run_is_shut(rules: policy.Policy, facts: Facts, gate: str) -> None:
    assert answer(rules, put_all(facts, UNREADABLE[gate]), gate).status is Status.COULD_NOT_RUN


def test_figures_taken_on_other_rows_close_the_gate(rules: policy.Policy, facts: Facts) -> None:
    elsewhere = put(facts, "metrics/report/rows", 10)
    assert answer(rules, elsewhere, "error").status is Status.COULD_NOT_RUN


@pytest.mark.parametrize("gate", ["error", "coverage", "crossing", "months_ahead", "monotonicity", "samples"])
def test_a_policy_of_an_amount_without_one_of_its_gates_is_refused(gate: str) -> None:
    text = POLICY.read_text(encoding="utf-8")
    with pytest.raises(PolicyError, match=f"'{gate}' is missing"):
        policy.parse(without(text, gate), "less.toml")


def test_a_policy_of_an_amount_finds_no_cut_offs_and_is_not_watched(rules: policy.Policy) -> None:
    with pytest.raises(PolicyError, match="finds no cut-offs"):
        _ = rules.cut_offs
    with pytest.raises(PolicyError, match="nothing watches it"):
        _ = rules.watch
    text = POLICY.read_text(encoding="utf-8")
    with pytest.raises(PolicyError, match="unknown key 'strategy'"):
        policy.parse(text + "\n[strategy]\nmax_bad_rate = 0.1\nrefer_band = 0.1\n", "more.toml")
    with pytest.raises(PolicyError, match="'auc' is missing"):
        policy.parse(text.replace('of = "amount"', 'of = "probability"'), "other.toml")


@pytest.mark.parametrize("column", ["value_10", "value_50", "value_90"])
def test_predictions_that_were_swapped_are_refused(shop: Any, made: Any, tmp_path: Any, column: str) -> None:
    with pytest.raises(EvidenceError, match=r"2 of .* are not what the bundle gives"):
        recomputing.figures(shop.settings, shop.swapped(made, tmp_path, column))


def test_amounts_that_were_swapped_are_refused(shop: Any, made: Any, tmp_path: Any) -> None:
    with pytest.raises(EvidenceError, match=r"amount.* are not what the publication says"):
        recomputing.figures(shop.settings, shop.swapped(made, tmp_path, "amount"))


def test_predictions_changed_since_they_were_stored_are_refused(shop: Any, made: Any) -> None:
    with pytest.raises(EvidenceError, match="predictions were changed"):
        recomputing.figures(shop.settings, shop.stored(made, predictions_digest="ab" * 32))


def test_another_training_set_than_the_bundle_names_is_refused(shop: Any, made: Any) -> None:
    with pytest.raises(EvidenceError, match="not the one that the bundle names"):
        recomputing.figures(shop.settings, shop.stored(made, frame=made.predictions))
