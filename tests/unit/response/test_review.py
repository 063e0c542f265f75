"""A review believes nothing that the trainer stored, and each gate of a response can close."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loanbook.errors import EvidenceError, PolicyError
from loanbook.governance import gates, plots, policy, recomputing, rivals, telling_response
from loanbook.governance.gates import Status
from loanbook.governance.reading import UnreadableFact
from loanbook.response import making
from loanbook.settings import ROOT
from loanbook.training import frame

from ..reviewing import GONE, Facts, answer, facts_of, put_all, without
from .conftest import AS_OF, DOSES, draw, lender_of

POLICY = ROOT / "expectations" / "policies" / "limit_response.toml"


@pytest.fixture(scope="module")
def rules() -> policy.Policy:
    return policy.parse(POLICY.read_text(encoding="utf-8"), POLICY.name)


def _facts(figures: Any, lender: Any) -> Facts:
    """Put what the gates ask for beside what the review found."""
    outcomes = frame.outcomes(lender.settings, lender.published, lender.line, AS_OF)
    return facts_of(
        figures,
        "limits",
        9_000,
        "salary_90d",
        {"privacy": "personal", "purposes": ["servicing"]},
        shared_customers=figures.shared_customers,
        outcomes=frame.counts(outcomes),
    )


@pytest.fixture(scope="module")
def figures(lender: Any, made: Any) -> Any:
    return recomputing.figures(lender.settings, lender.stored(made))


@pytest.fixture(scope="module")
def facts(figures: Any, lender: Any) -> Facts:
    return _facts(figures, lender)


def test_an_honest_responder_passes_every_gate(rules: policy.Policy, facts: Facts) -> None:
    answers = {one.gate: one for one in gates.run(rules, facts)}
    assert {name: one.why for name, one in answers.items() if one.status is not Status.PASSED} == {}
    assert len(answers) == 24


@pytest.mark.slow
def test_limits_that_do_nothing_are_refused(rules: policy.Policy, tmp_path: Any) -> None:
    idle = lender_of(tmp_path, draw(effect=False))
    made = making.make(idle.settings, idle.order, tmp_path / "made")
    found = recomputing.figures(idle.settings, idle.stored(made))
    shut = {one.gate for one in gates.run(rules, _facts(found, idle)) if one.status is not Status.PASSED}
    assert {"balance_slope", "pd_slope"} & shut
    assert "lot" not in shut


@pytest.mark.slow
def test_a_lot_that_knew_who_was_short_of_money_is_no_lot(rules: policy.Policy, tmp_path: Any) -> None:
    drawn = draw(lot=0.5)
    drawn.limits["randomised"][:] = True
    rigged = lender_of(tmp_path, drawn)
    made = making.make(rigged.settings, rigged.order, tmp_path / "made")
    found = recomputing.figures(rigged.settings, rigged.stored(made))
    shut = {one.gate for one in gates.run(rules, _facts(found, rigged)) if one.status is not Status.PASSED}
    assert {"lot", "doses"} <= shut


def test_the_review_finds_the_slopes_that_were_planted(figures: Any, lender: Any) -> None:
    found = figures.metrics["report"]
    low, high = found["balance_slope_interval"]
    assert low < 1000 < high
    low, high = found["pd_slope_interval"]
    assert low < np.diff(lender.drawn.pd.mean(axis=0)).sum() / np.log(8) < high
    assert found["balance_ranking"] == pytest.approx(125, rel=0.5)  # half have 500 more than the mean
    assert figures.shared_customers == figures.shared_rows == 0
    lot = figures.judged["lot"]
    assert set(lot["doses"]) == {f"{dose:g}" for dose in DOSES}
    assert sum(lot["doses"].values()) == lot["rows"]
    straight = figures.judged["straight"]
    assert all(low < 0 < high for low, high in (one["bend_interval"] for one in straight["bends"]))
    assert straight["diminishing_interval"][0] > 0.3
    for outcome in ("balance", "pd"):
        parts = figures.judged["parts"][outcome]
        assert sum(one["rows"] for one in parts["dose"]) == found["rows"]
        assert sum(one["rows"] for one in parts["price"]) == found["rows"]
        assert figures.judged["second_model"][outcome]["plain_explains"] > 0


def test_the_dossier_tells_of_all_that_was_judged_and_draws_the_responses(facts: Facts, figures: Any) -> None:
    tables = telling_response.tables(facts)
    assert [(one.title, one.absent) for one in tables if one.absent] == []
    assert all(one.rows for one in tables)
    drawn = plots.responses(figures.curves["responses"])
    assert "balance told" in drawn
    assert plots.responses(figures.curves["responses"]) == drawn
    with pytest.raises(UnreadableFact, match="the curve is of balance"):
        plots.responses({"balance": figures.curves["responses"]["balance"]})
    with pytest.raises(UnreadableFact, match="holds no doses"):
        plots.responses(figures.curves["responses"] | {"pd": []})
    bare = telling_response.tables({})
    assert all(one.absent for one in bare)


FAILING = {
    "balance_slope": {"metrics/report/balance_slope_interval": [-1.0, 5000.0]},
    "pd_slope": {"metrics/report/pd_slope_interval": [-0.01, 0.9]},
    "balance_ranking": {"metrics/report/balance_ranking_interval": [-1.0, 900.0]},
    "balance_steepness": {"metrics/report/balance_steepness": 1.5},
    "pd_steepness": {"metrics/report/pd_steepness": 0.4},
    "balance_calibration": {"metrics/report/balance_calibration": 0.5},
    "pd_calibration": {"metrics/report/pd_calibration": 2.0},
    "balance_gap": {"metrics/report/balance_gap": -0.2},
    "pd_gap": {"metrics/report/pd_gap": 0.5},
    "balance_by_dose": {"judged/parts/balance/dose/0/told": 9000.0},
    "pd_by_dose": {"judged/parts/pd/dose/3/told": 0.9},
    "diminishing": {"judged/straight/diminishing_interval": [-0.1, 0.9]},
    "defaults": {"metrics/report/defaults": 3},
    "rows": {"judged/lot/fewest/report": 20},
    "lot": {"judged/lot/auc": 0.6, "judged/lot/auc_interval": [0.57, 0.63]},
    "samples": {"split/shared_customers": 1},
    "score_stability": {"stability/score_psi": 0.4},
    "monotonicity": {"judged/monotone/features/pd_by_price/against": 0.1},
    "inputs": {"features/columns/salary_90d/purposes": ["marketing"]},
    "maturity": {"maturity/report/ripe": 1},
    "data_held": {"data/tables/limits/held": 9000},
    "data_published": {"data/tables/limits/published": False},
}  # fmt: skip
UNREADABLE = {
    "balance_slope": {"metrics/report/balance_slope_interval": [1.0, 2.0]},
    "pd_slope": {"metrics/report/pd_slope_interval": None},
    "balance_ranking": {"metrics/report/balance_ranking": GONE},
    "balance_steepness": {"metrics/report/balance_steepness": float("nan")},
    "pd_steepness": {"metrics/report/pd_steepness": float("inf")},
    "balance_calibration": {"metrics/report/balance_calibration": "1"},
    "pd_calibration": {"metrics/report/pd_calibration": True},
    "balance_gap": {"metrics/report/balance_gap": None},
    "pd_gap": {"metrics/report/rows": 1},
    "balance_by_dose": {"judged/parts/balance/dose": []},
    "pd_by_dose": {"judged/parts/pd/dose/0/rows": 10 ** 6},
    "diminishing": {"judged/straight/diminishing_interval": [0.9, 0.95]},
    "defaults": {"metrics/report/defaults": 10 ** 6},
    "rows": {"judged/lot/fewest/report": GONE},
    "lot": {"judged/lot/auc_interval": [0.2, 0.3]},
    "doses": {"judged/lot/doses/4000": 0},
    "samples": {"split/shared_customers": GONE},
    "score_stability": {"stability/score_psi": -1.0},
    "monotonicity": {"judged/monotone/features/pd_by_dose": GONE},
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


def test_a_lot_that_hardly_dealt_one_dose_is_refused(rules: policy.Policy, facts: Facts) -> None:
    few = {"4000": 10, "8000": 330, "16000": 330, "32000": 330}
    rarely = put_all(facts, {"judged/lot/doses": few, "judged/lot/rows": 1000})
    assert answer(rules, rarely, "doses").status is Status.FAILED


@pytest.mark.parametrize("gate", ["balance_slope", "pd_steepness", "pd_by_dose", "lot", "doses", "inputs"])
def test_a_policy_of_a_response_without_one_of_its_gates_is_refused(gate: str) -> None:
    text = POLICY.read_text(encoding="utf-8")
    with pytest.raises(PolicyError, match=f"'{gate}' is missing"):
        policy.parse(without(text, gate), "less.toml")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("rate = 0.16", "rate = 16.0", "rate is 16.0"),
        ("most_pd = 0.25\n", "", "'most_pd' is missing"),
        ("menu = [4000, 8000, 16000, 32000, 64000]", "menu = []", r"the menu is \[\]"),
        ("menu = [4000, 8000,", "menu = [8000, 4000,", "the menu is"),
        ("menu = [4000,", "menu = [0,", "the menu is"),
        ("menu = [4000,", 'menu = ["4000",', "the menu is"),
        ('of = "response"', 'of = "amount"', "unknown key 'choosing'"),
        ("[choosing]", "[strategy]", "unknown key 'strategy'"),
    ],
)
def test_a_policy_that_does_not_say_how_to_choose_is_refused(old: str, new: str, said: str) -> None:
    text = POLICY.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(PolicyError, match=said):
        policy.parse(text.replace(old, new, 1), "other.toml")


def test_a_policy_of_a_response_finds_no_cut_offs_and_is_not_watched(rules: policy.Policy) -> None:
    with pytest.raises(PolicyError, match="is of a response and finds no cut-offs"):
        _ = rules.cut_offs
    with pytest.raises(PolicyError, match="nothing watches it"):
        _ = rules.watch
    with pytest.raises(PolicyError, match="of no uplift"):
        _ = rules.targets
    assert rules.choice.menu[0] == 4000.0


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("told_balance", "are not what the bundle gives"),
        ("told_pd", "are not what the bundle gives"),
        ("dose", r"\(dose\) are not what the publication says"),
        ("price", r"\(price\) are not what the publication says"),
        ("balance", r"\(balance\) are not what the publication says"),
        ("bad", r"\(bad\) are not what the publication says"),
        ("customer_id", r"\(customer_id\) are not what the publication says"),
    ],
)
def test_predictions_that_were_swapped_are_refused(
    lender: Any, made: Any, tmp_path: Any, column: str, said: str
) -> None:
    with pytest.raises(EvidenceError, match=f"2 of .* {said}"):
        recomputing.figures(lender.settings, lender.swapped(made, tmp_path, column))


def test_predictions_changed_since_they_were_stored_are_refused(lender: Any, made: Any) -> None:
    with pytest.raises(EvidenceError, match="predictions were changed"):
        recomputing.figures(lender.settings, lender.stored(made, predictions_digest="ab" * 32))


def test_another_training_set_than_the_bundle_names_is_refused(lender: Any, made: Any) -> None:
    with pytest.raises(EvidenceError, match="not the one that the bundle names"):
        recomputing.figures(lender.settings, lender.stored(made, frame=made.predictions))


def test_a_line_of_limits_is_compared_with_no_champion_and_by_no_group_and_says_so(
    lender: Any, made: Any, figures: Any
) -> None:
    with pytest.raises(EvidenceError, match="not yet compared by group"):
        recomputing.fairness(lender.settings, lender.stored(made))
    assert "not yet compared" in figures.fairness["not_asked"]
    told = rivals.standing(lender.settings, lender.line, "world.limit_response", 1)
    assert "accepts nobody" in str(told)
