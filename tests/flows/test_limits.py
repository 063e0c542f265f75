"""A line that predicts what a limit makes goes the same way, up to a book of limits, and is made again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from loanbook.errors import PolicyError, UnsignedError

MODEL, LINE = "world.limit_response", "limit_response"
SIZE, HISTORY, MENU = 20_000, 60, [4_000.0, 8_000.0, 16_000.0, 32_000.0, 64_000.0]


@pytest.fixture(scope="module")
def generous(tmp_path_factory):
    """Simulate a small lender that gives many a limit, and nearly all by lot."""
    from loanbook.world import WorldSpec, limits, simulate

    folder = tmp_path_factory.mktemp("generous")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "INTENSITY", 0.6)
        patch.setattr(limits, "BY_LOT", 0.95)
        simulate(WorldSpec(applications=SIZE, seed=11), folder, last_month=HISTORY)
    return folder


@pytest.fixture(scope="module")
def lender(make_stage, generous):
    """Go the way up to the review, with two people who may sign."""
    stage = make_stage()
    made = stage.call("lifecycle", dataset="world", data=str(generous / "raw"), line=LINE)
    stage.enrol("erin", "engineer", "reviewer")
    stage.enrol("rui", "reviewer")
    return stage, made["lines"][0]["review"]


def facts_of(stage):
    from loanbook.governance import champions, shelf
    from loanbook.governance.ledger import of_home

    digest = champions.reviewed(of_home(stage.home).entries(), MODEL, 1)
    return shelf.evidence(stage.settings, MODEL, 1, digest).facts


@pytest.mark.slow
def test_a_responder_is_reviewed_signed_promoted_asked_and_made_again(lender):
    from loanbook.governance.approvals import Conditions, Decision
    from loanbook.governance.signoff import Word, sign
    from loanbook.intake import publishing

    stage, review = lender
    facts = facts_of(stage)
    assert [(one["gate"], one["why"]) for one in facts["gates"] if one["status"] != "passed"] == []
    page = Path(review["dossier"]).read_text(encoding="utf-8")
    for said in ("What a limit makes", "Was the lot a lot?", "Balance by dose", "balance told", "pd seen"):
        assert said in page
    outcomes = facts["split"]["outcomes"]
    paths = publishing.current(stage.settings, "world").paths
    assert sum(outcomes.values()) == parquet.read_metadata(paths["limits"]).num_rows
    assert outcomes["chosen"] > 0

    with pytest.raises(UnsignedError, match="0 of 1 signatures"):
        stage.call("promote", model=MODEL, version=1)
    word = Word(MODEL, 1, Decision("approve"), "I read the dossier", Conditions())
    sign(stage.settings, word, stage.key("rui"), stage.entries()[-1].at)
    stage.call("promote", model=MODEL, version=1)

    book = stage.call("score", dataset="world", line=LINE)
    rows = parquet.read_table(book["lies"])
    assert (
        rows.num_rows
        == len(MENU) * book["rows"]
        == len(MENU) * parquet.read_metadata(paths["customers"]).num_rows
    )
    columns = {
        name: np.array(rows[name].to_pylist()).reshape(-1, len(MENU)) for name in ("balance", "pd", "value")
    }
    assert (np.diff(columns["balance"]) >= 0).all()
    assert (np.diff(columns["pd"]) >= 0).all()
    picked = np.array(rows["picked"].to_pylist()).reshape(-1, len(MENU))
    allowed = np.where(columns["pd"] <= 0.25, columns["value"], -np.inf)
    assert np.array_equal(picked.sum(axis=1), (allowed.max(axis=1) > 0).astype(int))
    assert (allowed[picked] == allowed.max(axis=1)[picked.any(axis=1)]).all()
    assert sum(book["picked"].values()) == book["rows"]
    assert set(rows["bundle"].to_pylist()) == {stage.entries("promotion")[-1].body["bundle"]}
    with pytest.raises(PolicyError, match="nothing watches it"):
        stage.call("monitor", dataset="world", line=LINE)

    again = stage.call("reproduce", model=MODEL, version=1)
    assert again["metrics"] == review["metrics"]
    assert stage.entries("reproduction")[-1].body["same"]
