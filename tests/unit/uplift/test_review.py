"""A review believes nothing that the trainer stored, and each gate of an uplift can close."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from loanbook import digests
from loanbook.errors import EvidenceError, PolicyError
from loanbook.governance import gates, plots, policy, recomputing, telling_uplift
from loanbook.governance.gates import Status
from loanbook.governance.reading import UnreadableFact
from loanbook.settings import ROOT
from loanbook.training import frame
from loanbook.uplift import making

from .conftest import AS_OF, draw, sender_of

POLICY = ROOT / "expectations" / "policies" / "uptake.toml"
Facts = dict[str, Any]


@pytest.fixture(scope="module")
def rules() -> policy.Policy:
    return policy.parse(POLICY.read_text(encoding="utf-8"), POLICY.name)


def _facts(figures: Any, sender: Any) -> Facts:
    """Put what the gates ask for beside what the review found."""
    outcomes = frame.outcomes(sender.settings, sender.published, sender.line, AS_OF)
    permit = {"privacy": "personal", "purposes": ["marketing"]}
    return {
        "samples": figures.samples,
        "metrics": figures.metrics,
        "stability": figures.stability,
        "maturity": figures.maturity,
        "judged": figures.judged,
        "split": {
            "shared_rows": figures.shared_rows,
            "shared_customers": figures.shared_customers,
            "outcomes": frame.counts(outcomes),
        },
        "features": {"used": ["outreach_loans"], "columns": {"outreach_loans": permit}},
        "data": {
            "publication": "p",
            "tables": {"contacts": {"snapshot": "s", "published": True, "rows": 12_000, "held": 1}},
        },
        "code": {"commit": "c0" * 20, "digest": "ab" * 32, "lockfile": "ab" * 32, "dirty": False},
        "environment": {"name": "local"},
        "seed": 7,
        "threads": 1,
    }


@pytest.fixture(scope="module")
def figures(sender: Any, made: Any) -> Any:
    return recomputing.figures(sender.settings, sender.stored(made))


@pytest.fixture(scope="module")
def facts(figures: Any, sender: Any) -> Facts:
    return _facts(figures, sender)


def test_an_honest_uplifter_passes_every_gate(rules: policy.Policy, facts: Facts) -> None:
    answers = {one.gate: one for one in gates.run(rules, facts)}
    assert {name: one.why for name, one in answers.items() if one.status is not Status.PASSED} == {}
    assert len(answers) == 17


@pytest.mark.slow
def test_offers_that_do_nothing_are_refused(rules: policy.Policy, tmp_path: Any) -> None:
    idle = sender_of(tmp_path, draw(effect=False))
    made = making.make(idle.settings, idle.order, tmp_path / "made")
    found = recomputing.figures(idle.settings, idle.stored(made))
    shut = {one.gate for one in gates.run(rules, _facts(found, idle)) if one.status is not Status.PASSED}
    assert "effect_interval" in shut
    assert "lot" not in shut


@pytest.mark.slow
def test_an_offer_that_was_sent_by_judgement_is_no_lot(rules: policy.Policy, tmp_path: Any) -> None:
    drawn = draw()
    who = np.array([int(name[1:]) for name in drawn.columns["customer_id"]])
    kept = (drawn.loans[who] > 1) | (drawn.columns["offer"] != "none")
    columns = {name: values[kept] for name, values in drawn.columns.items()}
    sender = sender_of(tmp_path, type(drawn)(columns, *(getattr(drawn, one) for one in (
        "loans", "last_rate", "without", "with_offer"))))  # fmt: skip
    made = making.make(sender.settings, sender.order, tmp_path / "made")
    found = recomputing.figures(sender.settings, sender.stored(made))
    shut = {one.gate for one in gates.run(rules, _facts(found, sender)) if one.status is not Status.PASSED}
    assert {"lot", "controls"} <= shut


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


def _put(path: tuple[str, ...], value: object) -> Callable[[Facts], None]:
    def change(facts: Facts) -> None:
        for name in path[:-1]:
            facts = facts[name]
        facts[path[-1]] = value

    return change


def _put_all(*changes: Callable[[Facts], None]) -> Callable[[Facts], None]:
    def change(facts: Facts) -> None:
        for one in changes:
            one(facts)

    return change


REPORT, LOT = ("metrics", "report"), ("judged", "lot")
FAILING = {
    "qini_interval": _put((*REPORT, "qini_interval"), [-0.01, 0.3]),
    "over_response": _put((*REPORT, "over_response"), -0.02),
    "effect_interval": _put((*REPORT, "average_effect_interval"), [-0.01, 0.9]),
    "calibration_slope": _put((*REPORT, "calibration_slope"), 0.1),
    "calibration_gap": _put((*REPORT, "calibration_gap"), 0.2),
    "answers": _put((*REPORT, "controls_answered"), 3),
    "lot": _put_all(_put((*LOT, "auc"), 0.6), _put((*LOT, "auc_interval"), [0.57, 0.63])),
    "controls": _put((*LOT, "controls"), 10),
    "samples": _put(("split", "shared_customers"), 1),
    "score_stability": _put(("stability", "score_psi"), 0.4),
    "monotonicity": _put(("judged", "monotone", "features", "rate", "against"), 0.1),
    "inputs": _put(("features", "columns", "outreach_loans", "purposes"), ["underwriting"]),
    "maturity": _put(("maturity", "report", "ripe"), 1),
    "data_held": _put(("data", "tables", "contacts", "held"), 9000),
    "data_published": _put(("data", "tables", "contacts", "published"), False),
}  # fmt: skip
UNREADABLE = {
    "qini_interval": _put((*REPORT, "qini_interval"), [0.9, 0.95]),
    "over_response": _put((*REPORT, "over_response"), None),
    "effect_interval": lambda facts: facts["metrics"]["report"].pop("average_effect"),
    "calibration_slope": _put((*REPORT, "calibration_slope"), float("nan")),
    "calibration_gap": _put((*REPORT, "calibration_gap"), 3.0),
    "rows": _put((*REPORT, "controls"), 10**6),
    "answers": _put((*REPORT, "controls_answered"), 10**6),
    "lot": _put((*LOT, "auc_interval"), [0.2, 0.3]),
    "controls": _put((*LOT, "rows"), 0),
    "samples": lambda facts: facts["split"].pop("shared_customers"),
    "score_stability": _put(("stability", "score_psi"), -1.0),
    "monotonicity": lambda facts: facts["judged"]["monotone"]["features"].pop("rate"),
    "inputs": _put(("features", "used"), []),
    "maturity": _put(("maturity", "report", "rows"), 1),
    "reproducibility": _put(("threads",), 0),
    "data_held": _put(("data", "tables"), {}),
    "data_published": _put(("data", "publication"), ""),
}


def _answer(rules: policy.Policy, facts: Facts, gate: str, change: Callable[[Facts], object]) -> Status:
    changed = copy.deepcopy(facts)
    change(changed)
    return next(one.status for one in gates.run(rules, changed) if one.gate == gate)


@pytest.mark.parametrize("gate", FAILING)
def test_each_gate_fails_on_what_it_is_there_for(rules: policy.Policy, facts: Facts, gate: str) -> None:
    assert _answer(rules, facts, gate, FAILING[gate]) is Status.FAILED


@pytest.mark.parametrize("gate", UNREADABLE)
def test_each_gate_that_cannot_run_is_shut(rules: policy.Policy, facts: Facts, gate: str) -> None:
    assert _answer(rules, facts, gate, UNREADABLE[gate]) is Status.COULD_NOT_RUN


def test_figures_taken_on_other_rows_close_the_gates(rules: policy.Policy, facts: Facts) -> None:
    for gate in ("qini_interval", "rows"):
        assert _answer(rules, facts, gate, _put((*REPORT, "rows"), 10)) is Status.COULD_NOT_RUN


def test_a_lot_whose_arms_are_too_small_is_refused(rules: policy.Policy, facts: Facts) -> None:
    small = _put_all(
        *(
            _put((*REPORT, name), value)
            for name, value in (("offered", 100), ("controls", 40), ("rows", 140))
        ),
        _put((*REPORT, "offered_answered"), 9),
        _put((*REPORT, "controls_answered"), 9),
        _put(("samples", "report", "rows"), 140),
    )
    assert _answer(rules, facts, "rows", small) is Status.FAILED
    assert _answer(rules, facts, "answers", small) is Status.FAILED


@pytest.mark.parametrize("gate", ["qini_interval", "over_response", "lot", "controls", "samples", "inputs"])
def test_a_policy_of_an_uplift_without_one_of_its_gates_is_refused(gate: str) -> None:
    text = POLICY.read_text(encoding="utf-8")
    start = text.index(f"[gates.{gate}]")
    end = text.find("\n[", start + 1)
    with pytest.raises(PolicyError, match=f"'{gate}' is missing"):
        policy.parse(text[:start] + (text[end + 1 :] if end > 0 else ""), "less.toml")


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


def _rewritten(sender: Any, made: Any, folder: Any, column: str) -> Any:
    """Store the predictions anew with two rows of a column changed about."""
    table = parquet.read_table(made.predictions)
    values = np.array(table[column].to_pylist(), dtype=object)
    one = next(place for place, value in enumerate(values) if value == value)  # not NaN
    other = next(place for place, value in enumerate(values) if value == value and value != values[one])
    values[[one, other]] = values[[other, one]]
    kind = table.schema.field(column).type
    table = table.set_column(table.column_names.index(column), column, pa.array(values.tolist(), kind))
    parquet.write_table(table, folder / "predictions.parquet")
    path = folder / "predictions.parquet"
    return sender.stored(made, predictions=path, predictions_digest=digests.of_file(path))


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
    stored = _rewritten(sender, made, tmp_path, column)
    with pytest.raises(EvidenceError, match=f"2 of .* {said}"):
        recomputing.figures(sender.settings, stored)


def test_predictions_changed_since_they_were_stored_are_refused(sender: Any, made: Any) -> None:
    with pytest.raises(EvidenceError, match="predictions were changed"):
        recomputing.figures(sender.settings, sender.stored(made, predictions_digest="ab" * 32))


def test_another_training_set_than_the_bundle_names_is_refused(sender: Any, made: Any) -> None:
    with pytest.raises(EvidenceError, match="not the one that the bundle names"):
        recomputing.figures(sender.settings, sender.stored(made, frame=made.predictions))


def test_a_line_of_offers_is_not_compared_by_group_yet_and_says_so(sender: Any, made: Any) -> None:
    with pytest.raises(EvidenceError, match="not yet compared by group"):
        recomputing.fairness(sender.settings, sender.stored(made))
