"""A review believes nothing that the trainer stored, and each gate of an uplift can close."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from loanbook.errors import EvidenceError, PolicyError
from loanbook.governance import gates, plots, policy, recomputing, telling_uplift
from loanbook.governance.gates import Status
from loanbook.governance.reading import UnreadableFact
from loanbook.settings import ROOT
from loanbook.training import frame
from loanbook.uplift import making

from ..reviewing import GONE, Facts, answer, facts_of, put, put_all, shut, without
from .conftest import AS_OF, draw, sender_of

POLICY = ROOT / "expectations" / "policies" / "uptake.toml"


@pytest.fixture(scope="module")
def rules() -> policy.Policy:
    return policy.parse(POLICY.read_text(encoding="utf-8"), POLICY.name)


def _facts(figures: Any, sender: Any) -> Facts:
    """Put what the gates ask for beside what the review found."""
    outcomes = frame.outcomes(sender.settings, sender.published, sender.line, AS_OF)
    return facts_of(
        figures,
        "contacts",
        12_000,
        "outreach_loans",
        {"privacy": "personal", "purposes": ["marketing"]},
        shared_customers=figures.shared_customers,
        outcomes=frame.counts(outcomes),
    )


@pytest.fixture(scope="module")
def figures(sender: Any, made: Any) -> Any:
    return recomputing.figures(sender.settings, sender.stored(made))


@pytest.fixture(scope="module")
def facts(figures: Any, sender: Any) -> Facts:
    return _facts(figures, sender)


def test_an_honest_uplifter_passes_every_gate(rules: policy.Policy, facts: Facts) -> None:
    assert shut(rules, facts) == {}
    assert len(gates.run(rules, facts)) == 17


@pytest.mark.slow
def test_offers_that_do_nothing_are_refused(rules: policy.Policy, tmp_path: Any) -> None:
    idle = sender_of(tmp_path, draw(effect=False))
    made = making.make(idle.settings, idle.order, tmp_path / "made")
    found = recomputing.figures(idle.settings, idle.stored(made))
    closed = shut(rules, _facts(found, idle))
    assert "effect_interval" in closed
    assert "lot" not in closed


@pytest.mark.slow
def test_an_offer_that_was_sent_by_judgement_is_no_lot(rules: policy.Policy, tmp_path: Any) -> None:
    drawn = draw()
    who = np.array([int(name[1:]) for name in drawn.columns["customer_id"]])
    kept = (drawn.loans[who] > 1) | (drawn.columns["offer"] != "none")
    columns = {name: values[kept] for name, values in drawn.columns.items()}
    sender = sender_of(tmp_path, replace(drawn, columns=columns))
    made = making.make(sender.settings, sender.order, tmp_path / "made")
    found = recomputing.figures(sender.settings, sender.stored(made))
    assert {"lot", "controls"} <= shut(rules, _facts(found, sender)).keys()


def test_the_review_finds_the_effect_that_was_planted(figures: Any, report: Any) -> None:
    found = figures.metrics["report"]
    true = (report["true_with"] - report["true_without"]).mean()
    low, high = found["average_effect_interval"]
    assert low < true < high
    assert found["offered"] == len(report)
    assert figures.judged["lot"]["offers"].keys() == {"limit_raise", "rate_cut", "top_up"}
    assert figures.judged["second_model"]["qini"] > 0
    assert figures.shared_customers == figures.shared_rows == 0
    bands = figures.judged["bands"]
    assert [one["told"] for one in bands] == sorted((one["told"] for one in bands), reverse=True)
    assert bands[0]["seen"] > bands[-1]["seen"]
    assert sum(one["offered"] for one in bands) == found["offered"]
    assert sum(one["controls"] for one in bands) == pytest.approx(found["controls"])


def test_the_dossier_tells_of_all_that_was_judged_and_draws_the_curve(facts: Facts, figures: Any) -> None:
    tables = telling_uplift.tables(facts)
    assert [(one.title, one.absent) for one in tables if one.absent] == []
    assert all(one.rows for one in tables)
    assert "by uplift" in plots.qini(figures.curves["qini"])
    with pytest.raises(UnreadableFact, match="the curve is of uplift"):
        plots.qini({"uplift": figures.curves["qini"]["uplift"]})


FAILING = {
    "qini_interval": {"metrics/report/qini_interval": [-0.01, 0.3]},
    "over_response": {"metrics/report/over_response": -0.02},
    "effect_interval": {"metrics/report/average_effect_interval": [-0.01, 0.9]},
    "calibration_slope": {"metrics/report/calibration_slope": 0.1},
    "calibration_gap": {"metrics/report/calibration_gap": 0.2},
    "answers": {"metrics/report/controls_answered": 3},
    "lot": {"judged/lot/auc": 0.6, "judged/lot/auc_interval": [0.57, 0.63]},
    "controls": {"judged/lot/controls": 10},
    "samples": {"split/shared_customers": 1},
    "score_stability": {"stability/score_psi": 0.4},
    "monotonicity": {"judged/monotone/features/rate/against": 0.1},
    "inputs": {"features/columns/outreach_loans/purposes": ["underwriting"]},
    "maturity": {"maturity/report/ripe": 1},
    "data_held": {"data/tables/contacts/held": 9000},
    "data_published": {"data/tables/contacts/published": False},
}  # fmt: skip
UNREADABLE = {
    "qini_interval": {"metrics/report/qini_interval": [0.9, 0.95]},
    "over_response": {"metrics/report/over_response": None},
    "effect_interval": {"metrics/report/average_effect": GONE},
    "calibration_slope": {"metrics/report/calibration_slope": float("nan")},
    "calibration_gap": {"metrics/report/calibration_gap": 3.0},
    "rows": {"metrics/report/controls": 10**6},
    "answers": {"metrics/report/controls_answered": 10**6},
    "lot": {"judged/lot/auc_interval": [0.2, 0.3]},
    "controls": {"judged/lot/rows": 0},
    "samples": {"split/shared_customers": GONE},
    "score_stability": {"stability/score_psi": -1.0},
    "monotonicity": {"judged/monotone/features/rate": GONE},
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


def test_figures_taken_on_other_rows_close_the_gates(rules: policy.Policy, facts: Facts) -> None:
    for gate in ("qini_interval", "rows"):
        assert answer(rules, put(facts, "metrics/report/rows", 10), gate).status is Status.COULD_NOT_RUN


def test_a_lot_whose_arms_are_too_small_is_refused(rules: policy.Policy, facts: Facts) -> None:
    sizes = {"offered": 100, "controls": 40, "rows": 140, "offered_answered": 9, "controls_answered": 9}
    small = {f"metrics/report/{name}": value for name, value in sizes.items()}
    changed = put_all(facts, small | {"samples/report/rows": 140})
    assert answer(rules, changed, "rows").status is Status.FAILED
    assert answer(rules, changed, "answers").status is Status.FAILED


@pytest.mark.parametrize("gate", ["qini_interval", "over_response", "lot", "controls", "samples", "inputs"])
def test_a_policy_of_an_uplift_without_one_of_its_gates_is_refused(gate: str) -> None:
    text = POLICY.read_text(encoding="utf-8")
    with pytest.raises(PolicyError, match=f"'{gate}' is missing"):
        policy.parse(without(text, gate), "less.toml")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("least_uplift = 0.05", "least_uplift = 5.0", "least_uplift is 5.0"),
        ("least_uplift = 0.05\n", "", "'least_uplift' is missing"),
        ('{ offer = "rate_cut", limit_amount = 10000, rate = 0.06 }', "{}", "an offer is {}"),
        ('offer = "rate_cut"', 'offer = " "', "offer is empty"),
        ('of = "uplift"', 'of = "amount"', "unknown key 'targeting'"),
        ("[targeting]", "[strategy]", "unknown key 'strategy'"),
    ],
)
def test_a_policy_that_does_not_say_whom_to_target_is_refused(old: str, new: str, said: str) -> None:
    text = POLICY.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(PolicyError, match=said):
        policy.parse(text.replace(old, new, 1), "other.toml")


def test_a_policy_of_an_uplift_finds_no_cut_offs_and_is_not_watched(rules: policy.Policy) -> None:
    with pytest.raises(PolicyError, match="is of an uplift and finds no cut-offs"):
        _ = rules.cut_offs
    with pytest.raises(PolicyError, match="nothing watches it"):
        _ = rules.watch
    assert {one["offer"] for one in rules.targets.offers} == {"limit_raise", "rate_cut", "top_up"}


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("without_offer", "are not what the bundle gives"),
        ("with_offer", "are not what the bundle gives"),
        ("treated", r"\(treated\) are not what the publication says"),
        ("answered", r"\(answered\) are not what the publication says"),
        ("customer_id", r"\(customer_id\) are not what the publication says"),
    ],
)
def test_predictions_that_were_swapped_are_refused(
    sender: Any, made: Any, tmp_path: Any, column: str, said: str
) -> None:
    with pytest.raises(EvidenceError, match=f"2 of .* {said}"):
        recomputing.figures(sender.settings, sender.swapped(made, tmp_path, column))


def test_predictions_changed_since_they_were_stored_are_refused(sender: Any, made: Any) -> None:
    with pytest.raises(EvidenceError, match="predictions were changed"):
        recomputing.figures(sender.settings, sender.stored(made, predictions_digest="ab" * 32))


def test_another_training_set_than_the_bundle_names_is_refused(sender: Any, made: Any) -> None:
    with pytest.raises(EvidenceError, match="not the one that the bundle names"):
        recomputing.figures(sender.settings, sender.stored(made, frame=made.predictions))


def test_a_line_of_offers_is_not_compared_by_group_yet_and_says_so(sender: Any, made: Any) -> None:
    with pytest.raises(EvidenceError, match="not yet compared by group"):
        recomputing.fairness(sender.settings, sender.stored(made))
