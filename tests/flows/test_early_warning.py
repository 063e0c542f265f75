"""A line whose rows are loans on the book, month by month, goes the same way as one of applications."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from loanbook.governance import champions, shelf
from loanbook.governance.approvals import Conditions, Decision
from loanbook.governance.ledger import of_home
from loanbook.governance.signoff import Word, sign

from .conftest import now

pytestmark = pytest.mark.slow

LINE, MODEL = "early_warning/auto", "world.early_warning_auto"
WORDS = {"leave alone", "watch", "call"}


@pytest.fixture(scope="module")
def watched(way: Any) -> Any:
    """The lender whose early warning was trained, reviewed, signed, promoted, and scored the book."""
    stage = way.stage
    stage.restore(way.reviewed)
    policy = stage.repo / "expectations" / "policies" / "early_warning_auto.toml"
    # a small lender has few bads: what is asked here is whether the way can be gone
    policy.write_text(
        re.sub(r"^(floor|ceiling) = .*", _opened, policy.read_text(encoding="utf-8"), flags=re.MULTILINE),
        encoding="utf-8",
    )
    stage.call("train", dataset="world", line=LINE, seed=7)
    review = stage.call("review", model=MODEL, version=1)
    sign(
        stage.settings,
        Word(MODEL, 1, Decision("approve"), "I read the dossier", Conditions()),
        stage.key("rui"),
        now(),
    )
    stage.call("promote", model=MODEL, version=1)
    return stage, review, stage.call("score", dataset="world", line=LINE)


def _opened(found: re.Match[str]) -> str:
    return f"{found[1]} = {'0.0' if found[1] == 'floor' else '99.0'}"


def facts(stage: Any) -> Any:
    digest = champions.reviewed(of_home(stage.home).entries(), MODEL, 1)
    return shelf.evidence(stage.settings, MODEL, 1, digest).facts


def test_no_customer_stands_on_two_sides_and_no_row_is_unripe(watched: Any) -> None:
    stage, review, _ = watched
    found = facts(stage)

    assert found["split"]["shared_customers"] == 0
    assert found["split"]["grouped_out"] > 0
    assert found["split"]["label"]["every_months"] == 3
    assert all(part["ripe"] == part["rows"] for part in found["maturity"].values())
    assert review["metrics"]["auc"] > 0.6


def test_the_evidence_says_whose_rows_its_intervals_take_together(watched: Any) -> None:
    stage, review, _ = watched
    report = facts(stage)["metrics"]["report"]

    assert 0 < report["customers"] < report["rows"]
    assert facts(stage)["judged"]["intervals"]["customers"] == report["customers"]
    page = Path(review["dossier"]).read_text(encoding="utf-8")
    assert "whole customers" in page
    assert "interval by customer" in page


def test_the_book_is_scored_as_of_its_last_month_one_row_a_loan(watched: Any) -> None:
    _, _, book = watched
    rows = pq.read_table(book["lies"]).to_pylist()

    assert len({row["loan_month"] for row in rows}) == len(rows) == book["rows"]
    assert len({row["decided_at"] for row in rows}) == 1
    assert set(book["decisions"]) <= WORDS
    assert all(bool(row["reasons"]) <= (row["decision"] != "leave alone") for row in rows)


def test_production_is_watched_month_by_month(watched: Any) -> None:
    stage, _, _ = watched

    seen = stage.call("monitor", dataset="world", line=LINE, since="2023-06-01", until="2023-12-31")

    assert seen["rows"] > 0


def test_it_is_made_again_byte_by_byte(watched: Any) -> None:
    stage, review, _ = watched

    again = stage.call("reproduce", model=MODEL, version=1)

    assert again["metrics"] == review["metrics"]
    assert again["bundle"] == facts(stage)["bundle"]["digest"]
