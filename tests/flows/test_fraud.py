"""The line `fraud` goes the way of every line: trained, reviewed, made again, signed, promoted, scoring."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from pyarrow import parquet

pytestmark = pytest.mark.slow

LINE, MODEL = "fraud", "world.fraud"


@pytest.fixture(scope="module")
def judged(way):
    """Train and review it once on the small lender; a few dozen confirmed cases are all there is of them."""
    stage = way.stage
    stage.restore(way.reviewed)
    policy = stage.repo / "expectations" / "policies" / "fraud.toml"
    text = policy.read_text(encoding="utf-8")
    for gate, floor in (("bads", "floor = 20"), ("goods", "floor = 2000")):
        head, _, rest = text.partition(f"[gates.{gate}]")
        text = f"{head}[gates.{gate}]{rest.replace(floor, 'floor = 5', 1)}"
    for old, new in (
        ("ceiling = 0.995", "ceiling = 1.0"),
        ("floor = 0.75", "floor = 0.5"),
        ("floor = 0.65", "floor = 0.3"),
        ("ceiling = 0.01", "ceiling = 0.1"),
        ("floor = 0.5\nceiling = 1.6", "floor = -9\nceiling = 9"),
        ("ceiling = 0.25", "ceiling = 9.0"),
        ("floor = 0.95", "floor = 0.5"),
    ):
        assert old in text, old
        text = text.replace(old, new, 1)
    policy.write_text(text, encoding="utf-8")
    made = stage.call("train", dataset="world", line=LINE)
    steps = stage.steps
    return stage, made, steps, stage.call("review", model=MODEL, version=made["version"])


def facts_of(stage, version=1):
    from loanbook.governance import champions, shelf
    from loanbook.governance.ledger import of_home

    digest = champions.reviewed(of_home(stage.home).entries(), MODEL, version)
    return shelf.evidence(stage.settings, MODEL, version, digest).facts


def test_it_is_trained_and_reviewed_by_the_same_steps(judged):
    _, made, steps, review = judged
    assert (made["model"], made["version"]) == (MODEL, 1)
    assert {"count ripe outcomes", "look for leaks", "fit, calibrate, find cut-offs"} <= set(steps)
    assert set(review["samples"]) == {"fit", "stop", "calibrate", "threshold", "report"}
    assert review["metrics"]["auc"] > 0.5


def test_its_population_is_every_application_of_every_product_lent_or_not(judged):
    from loanbook.intake import publishing

    stage, *_ = judged
    facts = facts_of(stage)
    outcomes = facts["split"]["outcomes"]
    paths = publishing.current(stage.settings, "world").paths
    assert sum(outcomes.values()) == parquet.read_metadata(paths["applications"]).num_rows
    assert outcomes["unlent"] == outcomes["unfollowed"] == 0
    assert facts["split"]["label"] == {"window_months": 9, "ripening_months": 1}


def test_its_second_score_stands_in_evidence_and_dossier(judged):
    stage, _, _, review = judged
    found = facts_of(stage)["judged"]["unusual"]
    assert "device_strangers" in found["features"]
    assert found["auc"] > 0.7
    assert "unusual.json" in facts_of(stage)["bundle"]["files"]
    assert "How unusual, whatever was confirmed" in Path(review["dossier"]).read_text(encoding="utf-8")


def test_nothing_it_knows_is_protected_and_all_of_it_serves_to_find_fraud(judged):
    stage, *_ = judged
    (gate,) = [one for one in facts_of(stage)["gates"] if one["gate"] == "inputs"]
    assert gate["status"] == "passed"


def test_made_again_it_is_the_same(judged):
    stage, *_ = judged
    again = stage.call("reproduce", model=MODEL, version=1)
    facts = facts_of(stage)
    assert again["bundle"] == facts["bundle"]["digest"]
    assert again["predictions"] == facts["predictions"]["digest"]
    assert again["metrics"] == facts["metrics"]["report"]


def test_signed_and_promoted_it_refers_its_share_declines_nobody_and_is_watched(judged):
    from loanbook.governance.approvals import Conditions, Decision
    from loanbook.governance.signoff import Word, sign

    from .conftest import now

    stage, _, _, review = judged
    assert review["shut"] == []
    word = Word(MODEL, 1, Decision.APPROVE, "I read the dossier", Conditions())
    sign(stage.settings, word, stage.key("rui"), now())
    stage.call("promote", model=MODEL, version=1)

    book = stage.call("score", dataset="world", line=LINE)
    rows = parquet.read_table(book["lies"])
    decided = Counter(rows["decision"].to_pylist())
    assert set(decided) <= {"approve", "refer"}
    assert 0 < decided["refer"] < 0.06 * book["rows"]
    assert rows["unusual"].null_count == 0
    referred = [row["reasons"] for row in rows.to_pylist() if row["decision"] == "refer"]
    assert all(1 <= len(codes) <= 4 for codes in referred)

    watched = stage.call("monitor", dataset="world", line=LINE, since="2023-06-01")
    assert watched["rows"] > 0
