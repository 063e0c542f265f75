"""A line that predicts what an offer adds goes the same way, up to a book of offers, and is made again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from loanbook.errors import PolicyError, UnsignedError

MODEL, LINE = "world.uptake", "uptake"
SIZE, HISTORY = 6_000, 48


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """Simulate a small lender that reaches out often, and mostly by lot."""
    from loanbook.world import WorldSpec, outreach, simulate

    folder = tmp_path_factory.mktemp("busy")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outreach, "INTENSITY", 3.0)
        patch.setattr(outreach, "BY_LOT", 0.8)
        simulate(WorldSpec(applications=SIZE, seed=11), folder, last_month=HISTORY)
    return folder


@pytest.fixture(scope="module")
def sender(make_stage, busy):
    """Go the way up to the review, with two people who may sign."""
    stage = make_stage()
    made = stage.call("lifecycle", dataset="world", data=str(busy / "raw"), line=LINE)
    stage.enrol("erin", "engineer", "reviewer")
    stage.enrol("rui", "reviewer")
    return stage, made["lines"][0]["review"]


def facts_of(stage):
    from loanbook.governance import champions, shelf
    from loanbook.governance.ledger import of_home

    digest = champions.reviewed(of_home(stage.home).entries(), MODEL, 1)
    return shelf.evidence(stage.settings, MODEL, 1, digest).facts


@pytest.mark.slow
def test_an_uplifter_is_reviewed_signed_promoted_asked_and_made_again(sender):
    from loanbook.governance.approvals import Conditions, Decision
    from loanbook.governance.signoff import Word, sign
    from loanbook.intake import publishing

    stage, review = sender
    facts = facts_of(stage)
    assert [(one["gate"], one["why"]) for one in facts["gates"] if one["status"] != "passed"] == []
    page = Path(review["dossier"]).read_text(encoding="utf-8")
    assert "Qini curve" in page
    assert "Was the lot a lot?" in page
    outcomes = facts["split"]["outcomes"]
    paths = publishing.current(stage.settings, "world").paths
    assert sum(outcomes.values()) == parquet.read_metadata(paths["contacts"]).num_rows
    assert outcomes["judged"] > 0

    with pytest.raises(UnsignedError, match="0 of 1 signatures"):
        stage.call("promote", model=MODEL, version=1)
    word = Word(MODEL, 1, Decision("approve"), "I read the dossier", Conditions())
    sign(stage.settings, word, stage.key("rui"), stage.entries()[-1].at)
    stage.call("promote", model=MODEL, version=1)

    book = stage.call("score", dataset="world", line=LINE)
    rows = parquet.read_table(book["lies"])
    assert rows.num_rows == 3 * book["rows"]
    agreed = parquet.read_table(paths["customers"], filters=[("consent_marketing", "=", True)])
    assert set(rows["customer_id"].to_pylist()) == set(agreed["customer_id"].to_pylist())
    uplift = rows["uplift"].to_numpy().reshape(-1, 3)
    picked = np.array(rows["picked"].to_pylist()).reshape(-1, 3)
    assert np.array_equal(picked.sum(axis=1), (uplift.max(axis=1) >= 0.05).astype(int))
    assert (uplift[picked] == uplift.max(axis=1)[picked.any(axis=1)]).all()
    assert sum(book["picked"].values()) == book["rows"]
    assert set(rows["bundle"].to_pylist()) == {stage.entries("promotion")[-1].body["bundle"]}
    with pytest.raises(PolicyError, match="nothing watches it"):
        stage.call("monitor", dataset="world", line=LINE)

    again = stage.call("reproduce", model=MODEL, version=1)
    assert again["metrics"] == review["metrics"]
    assert stage.entries("reproduction")[-1].body["same"]
