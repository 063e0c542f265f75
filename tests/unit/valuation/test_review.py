"""A review believes nothing that the trainer stored, and each gate of an amount can close."""

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
from loanbook.governance import gates, policy, recomputing
from loanbook.governance.gates import Status
from loanbook.settings import ROOT

POLICY = ROOT / "expectations" / "policies" / "vehicle_value.toml"
Facts = dict[str, Any]


@pytest.fixture(scope="module")
def rules() -> policy.Policy:
    return policy.parse(POLICY.read_text(encoding="utf-8"), POLICY.name)


@pytest.fixture(scope="module")
def figures(shop: Any, made: Any) -> Any:
    return recomputing.figures(shop.settings, shop.stored(made))


@pytest.fixture(scope="module")
def facts(figures: Any) -> Facts:
    """Put what the gates ask for beside what the review found."""
    return {
        "samples": figures.samples,
        "metrics": figures.metrics,
        "stability": figures.stability,
        "maturity": figures.maturity,
        "judged": figures.judged,
        "split": {"shared_rows": figures.shared_rows},
        "features": {
            "used": ["vehicle_make"],
            "columns": {"vehicle_make": {"privacy": "open", "purposes": ["valuation"]}},
        },
        "data": {
            "publication": "p",
            "tables": {"vehicles": {"snapshot": "s", "published": True, "rows": 3000, "held": 1}},
        },
        "code": {"commit": "c0" * 20, "digest": "ab" * 32, "lockfile": "ab" * 32, "dirty": False},
        "environment": {"name": "local"},
        "seed": 7,
        "threads": 1,
    }


def test_an_honest_valuer_passes_every_gate(rules: policy.Policy, facts: Facts) -> None:
    answers = {one.gate: one for one in gates.run(rules, facts)}
    assert {name: one.why for name, one in answers.items() if one.status is not Status.PASSED} == {}
    assert len(answers) == 16


def test_the_review_finds_the_noise_that_the_amounts_were_drawn_with(figures: Any) -> None:
    report = figures.metrics["report"]
    assert report["median_ape"] == pytest.approx(0.07 * 0.6745, abs=0.012)
    assert report["coverage"] == pytest.approx(0.8, abs=0.06)
    assert figures.judged["apart"] == {"drawn": True, "different": 3000, "repeated": 150, "shared": 0}
    assert figures.judged["second_model"]["metrics"]["median_ape"] < 0.08


def _put(path: tuple[str, ...], value: object) -> Callable[[Facts], None]:
    def change(facts: Facts) -> None:
        for name in path[:-1]:
            facts = facts[name]
        facts[path[-1]] = value

    return change


REPORT = ("metrics", "report")
FAILING = {
    "error": _put((*REPORT, "median_ape"), 0.09),
    "error_interval": _put((*REPORT, "median_ape_interval"), [0.01, 0.12]),
    "bias": _put((*REPORT, "bias"), -0.04),
    "coverage": _put((*REPORT, "coverage"), 0.6),
    "worst_segment": lambda facts: facts["judged"]["segments"]["make"][0].update(median_ape=0.3),
    "score_stability": _put(("stability", "score_psi"), 0.4),
    "rows": _put(("samples", "report", "rows"), 90),
    "samples": _put(("judged", "apart", "shared"), 2),
    "crossing": _put(("judged", "crossing", "crossed"), 1),
    "months_ahead": _put(("judged", "ahead", "rising"), 1),
    "monotonicity": _put(("judged", "monotone", "features", "vehicle_age_years", "against"), 0.1),
    "inputs": _put(("features", "columns", "vehicle_make", "purposes"), ["underwriting"]),
    "maturity": _put(("maturity", "report", "ripe"), 1),
    "data_held": _put(("data", "tables", "vehicles", "held"), 900),
    "data_published": _put(("data", "tables", "vehicles", "published"), False),
}  # fmt: skip
UNREADABLE = {
    "error": _put((*REPORT, "median_ape"), None),
    "error_interval": _put((*REPORT, "median_ape_interval"), [0.001, 0.002]),
    "bias": _put((*REPORT, "bias"), float("nan")),
    "coverage": _put((*REPORT, "coverage"), 1.2),
    "worst_segment": lambda facts: facts["judged"]["segments"].pop("age"),
    "score_stability": _put(("stability", "score_psi"), -1.0),
    "rows": _put(("samples", "report", "rows"), 0),
    "samples": lambda facts: facts["judged"].pop("apart"),
    "crossing": _put(("judged", "crossing", "rows"), 0),
    "months_ahead": _put(("judged", "ahead", "months"), {}),
    "monotonicity": lambda facts: facts["judged"]["monotone"]["features"].pop("vehicle_age_years"),
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


def test_figures_taken_on_other_rows_close_the_gate(rules: policy.Policy, facts: Facts) -> None:
    change = _put((*REPORT, "rows"), 10)
    assert _answer(rules, facts, "error", change) is Status.COULD_NOT_RUN


@pytest.mark.parametrize("gate", ["error", "coverage", "crossing", "months_ahead", "monotonicity", "samples"])
def test_a_policy_of_an_amount_without_one_of_its_gates_is_refused(gate: str) -> None:
    text = POLICY.read_text(encoding="utf-8")
    start = text.index(f"[gates.{gate}]")
    end = text.find("\n[", start + 1)
    with pytest.raises(PolicyError, match=f"'{gate}' is missing"):
        policy.parse(text[:start] + (text[end + 1 :] if end > 0 else ""), "less.toml")


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


def _rewritten(shop: Any, made: Any, folder: Any, change: Callable[[pa.Table], pa.Table]) -> Any:
    path = folder / "predictions.parquet"
    parquet.write_table(change(parquet.read_table(made.predictions)), path)
    return shop.stored(made, predictions=path, predictions_digest=digests.of_file(path))


def _swapped(column: str) -> Callable[[pa.Table], pa.Table]:
    """Change two rows of a column about."""

    def change(table: pa.Table) -> pa.Table:
        values = table[column].to_numpy().copy()
        one, other = 0, int(np.flatnonzero(values != values[0])[0])
        values[[one, other]] = values[[other, one]]
        return table.set_column(table.column_names.index(column), column, pa.array(values))

    return change


@pytest.mark.parametrize("column", ["value_10", "value_50", "value_90"])
def test_predictions_that_were_swapped_are_refused(shop: Any, made: Any, tmp_path: Any, column: str) -> None:
    stored = _rewritten(shop, made, tmp_path, _swapped(column))
    with pytest.raises(EvidenceError, match=r"2 of .* are not what the bundle gives"):
        recomputing.figures(shop.settings, stored)


def test_amounts_that_were_swapped_are_refused(shop: Any, made: Any, tmp_path: Any) -> None:
    stored = _rewritten(shop, made, tmp_path, _swapped("amount"))
    with pytest.raises(EvidenceError, match=r"amount.* are not what the publication says"):
        recomputing.figures(shop.settings, stored)


def test_predictions_changed_since_they_were_stored_are_refused(shop: Any, made: Any) -> None:
    with pytest.raises(EvidenceError, match="predictions were changed"):
        recomputing.figures(shop.settings, shop.stored(made, predictions_digest="ab" * 32))


def test_another_training_set_than_the_bundle_names_is_refused(shop: Any, made: Any) -> None:
    with pytest.raises(EvidenceError, match="not the one that the bundle names"):
        recomputing.figures(shop.settings, shop.stored(made, frame=made.predictions))
