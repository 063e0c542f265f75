from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from loanbook.errors import EvidenceError
from loanbook.governance import dossier, evidence
from loanbook.governance.evidence import Evidence
from loanbook.governance.policy import Policy

COMMAND = "loanbook approve ally_auto.underwriting_auto 3 --key YOUR_KEY"


@pytest.fixture
def curves() -> dict[str, Any]:
    month = {"rows": 100, "bads": 10, "auc": 0.61, "mature": True}
    return {
        "roc": {"fpr": [0.0, 0.4, 1.0], "tpr": [0.0, 0.6, 1.0]},
        "reliability": [
            {"mean_pd": 0.05, "bad_rate": 0.06, "bad_rate_interval": [0.04, 0.1], "rows": 220},
            {"mean_pd": 0.2, "bad_rate": 0.18, "bad_rate_interval": [0.13, 0.24], "rows": 220},
        ],
        "distribution": {"edges": [0.0, 0.1, 0.2, 1.0], "fit": [10, 20, 5], "report": [8, 22, 7]},
        "vintages": [
            {"month": "2018-03", **month},
            {"month": "2018-04", **month, "bads": 77, "auc": None, "mature": False},
        ],
        "economics": {
            "points": [
                {
                    "approved": 10 * rows, "approval_rate": rows / 10, "bad_rate": rows / 50,
                    "chosen": rows == 4, "realised_profit": 500.0 - rows,
                    "realised_per_application": 5.0 - rows / 100,
                }
                for rows in (0, 4, 10)
            ]
        },
    }  # fmt: skip


@pytest.fixture
def page(made: Evidence, auto: Policy, curves: dict[str, Any]) -> str:
    return dossier.render(made, curves, policy=auto, command=COMMAND)


class Outline(HTMLParser):
    VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_draws_five_plots(page: str) -> None:
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert outline.seen.count("svg") == 5


def test_the_page_needs_nothing_from_elsewhere_and_runs_no_script(page: str) -> None:
    assert not re.search(r"https?://|<script|<link|<img|@import|src=|\son\w+=", page)


def test_the_same_evidence_gives_the_same_bytes(
    page: str, made: Evidence, auto: Policy, curves: dict[str, Any]
) -> None:
    assert dossier.render(made, curves, policy=auto, command=COMMAND) == page


def test_the_page_says_what_is_signed_and_how(page: str, made: Evidence, auto: Policy) -> None:
    for said in (
        made.digest,
        COMMAND,
        auto.digest,
        made.facts["bundle"]["digest"],
        "may not",
        "2200 rows"[:4],
    ):
        assert said in page


def test_every_gate_stands_there_with_its_answer_in_words(page: str, auto: Policy) -> None:
    for gate in auto.gates:
        assert f'<th scope="row">{gate.name}</th><td class="status passed">passed</td>' in page


def test_plots_follow_the_pages_colours(page: str) -> None:
    svgs = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert "var(--first)" in svgs
    assert set(re.findall(r"#[0-9a-f]{6}", svgs)) <= {"#000000"}, "a colour that dark mode can't change"


def test_a_shut_gate_is_shown_as_such(facts: dict[str, Any], auto: Policy, curves: dict[str, Any]) -> None:
    facts["metrics"]["report"]["ece"] = 0.5
    facts["stability"] = {}
    page = dossier.render(evidence.assemble(facts, auto), curves, policy=auto, command=COMMAND)
    assert "2 of 15 gates are shut: this version can't be promoted" in page
    assert '<td class="status failed">failed</td>' in page
    assert '<td class="status could_not_run">could not run</td>' in page
    assert "The gate score_stability could not run" in page


@pytest.mark.parametrize("gone", ["roc", "reliability", "distribution", "vintages", "economics"])
def test_a_missing_curve_is_named_as_absent(
    made: Evidence, auto: Policy, curves: dict[str, Any], gone: str
) -> None:
    del curves[gone]
    page = dossier.render(made, curves, policy=auto, command=COMMAND)
    assert f"Absent: {gone} is missing." in page
    assert page.count("<svg") == 4


BROKEN: list[tuple[str, Any]] = [
    ("roc", {"fpr": [0.0, 1.0], "tpr": [0.0]}),
    ("roc", {"fpr": [], "tpr": []}),
    ("roc", {"fpr": [float("nan")], "tpr": [0.0]}),
    ("reliability", []),
    ("distribution", {"edges": [0, 1], "fit": [0], "report": [0]}),
    ("vintages", [{"month": "2018-03", "rows": 3, "bads": 1}]),
    ("economics", {"points": []}),
    ("economics", {"points": [{"approved": 1, "realised_profit": 2.0}]}),
]


@pytest.mark.parametrize(("name", "value"), BROKEN)
def test_a_curve_that_can_not_be_drawn_is_named_as_absent(
    made: Evidence, auto: Policy, curves: dict[str, Any], name: str, value: Any
) -> None:
    page = dossier.render(made, {**curves, name: value}, policy=auto, command=COMMAND)
    assert page.count("<svg") == 4
    assert "Absent: " in page


def test_without_any_curve_the_page_still_stands(made: Evidence, auto: Policy) -> None:
    page = dossier.render(made, {}, policy=auto, command=COMMAND)
    assert all(f"Absent: {name} is missing." in page for name in ("roc", "reliability", "vintages"))
    assert "<svg" not in page


def test_an_immature_vintage_shows_no_number(page: str) -> None:
    assert "77" not in re.findall(r"<tr><th[^>]*>2018-04</th>.*?</tr>", page, re.DOTALL)[0]


def test_a_script_in_a_fact_is_shown_and_not_run(
    facts: dict[str, Any], auto: Policy, curves: dict[str, Any]
) -> None:
    evil = "<script>alert(1)</script>"
    facts["trained_by"] = evil
    facts["features"]["used"] = [evil]
    facts["features"]["columns"] = {evil: {"privacy": "personal", "purposes": ["underwriting"]}}
    curves["vintages"][0]["month"] = evil
    page = dossier.render(evidence.assemble(facts, auto), curves, policy=auto, command=evil)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_edited_evidence_gets_no_dossier(made: Evidence, auto: Policy) -> None:
    made.facts["metrics"]["report"]["auc"] = 0.9
    with pytest.raises(EvidenceError):
        dossier.render(made, {}, policy=auto, command=COMMAND)


def test_limits_are_made_from_the_facts_alone(facts: dict[str, Any], auto: Policy) -> None:
    facts["code"]["dirty"] = True
    said = " ".join(dossier.limits(evidence.assemble(facts, auto).facts))
    for piece in (
        "late_payments_12m",
        "8 rows of applications",
        "no protected attribute",
        "in no commit",
        "0.565",
    ):
        assert piece in said
    facts["code"]["dirty"] = False
    facts["features"]["absent"] = []
    facts["data"]["tables"]["applications"]["held"] = 0
    facts["fairness"] = {"protected_attributes": ["sex"], "ratios": {"sex": 0.9}}
    facts["metrics"]["report"]["auc_interval"] = None
    left = [
        line for line in dossier.limits(evidence.assemble(facts, auto).facts) if "could not run" not in line
    ]
    assert left == []
