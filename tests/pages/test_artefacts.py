"""The artefacts are read: each page opens, leads back, names the unknown, and runs nothing."""

from __future__ import annotations

import copy
import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loanbook import digests
from loanbook.governance import basis, evidence, policy
from loanbook.governance.artefacts import filing
from loanbook.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "<script>document.title='taken'</script>"
PARTS: dict[str, Any] = {
    "features.json": {
        "features": ["amount", "bureau_score"],
        "categories": {},
        "monotone": {"bureau_score": -1},
    },
    "calibration.json": {"intercept": -0.1, "slope": 0.97},
    "strategy.json": {"approve_below": 0.12, "decline_from": 0.14},
    "reasons.json": {
        "reasons": [
            {
                "code": "BUREAU_SCORE",
                "en": "Credit bureau score",
                "zh": "征信评分",
                "features": ["bureau_score"],
            },
            {"code": "LOAN_TERMS", "en": "Amount of the loan", "zh": "贷款金额", "features": ["amount"]},
        ],
        "reference": {"amount": 0.01, "bureau_score": -0.2},
    },
    "card.json": {"recipe": {"num_leaves": 4}, "rounds": 200, "lightgbm": "4.7.0", "decision_days": 3},
}


def _column(made_of: str) -> dict[str, Any]:
    return {
        "privacy": "personal", "purposes": ["underwriting"], "from": [made_of], "view": "v", "owner": HOSTILE,
    }  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = (ROOT / "expectations/policies/underwriting_auto.toml").read_text(encoding="utf-8")
    rules = policy.parse(text.replace('jurisdiction = "CN"', 'jurisdiction = "US"'), "underwriting_auto.toml")
    written = {name: json.dumps(part).encode() for name, part in PARTS.items()}
    files = {name: digests.of_bytes(data) for name, data in written.items()}
    sample = {"rows": 400, "bads": 60, "from": "2021-01-01", "to": "2021-06-01"}
    facts: dict[str, Any] = {name: {} for name in evidence.SECTIONS}
    facts |= {
        "format": 1, "dataset": "demo", "line": "underwriting/auto", "model": "demo.underwriting_auto",
        "version": 1, "trained_by": HOSTILE, "trained_at": "2026-01-01T00:00:00Z", "requested_by": "erin",
        "bundle": {"digest": digests.of_json(files), "files": files},
        "data": {
            "publication": "p", "as_of": "2023-01-01",
            "tables": {"applications": {"snapshot": "a" * 64, "published": "b" * 64, "rows": 800, "held": 2}},
            "consents": {"bureau_reports": {"by": "consent_bureau", "yes": 700, "no": 0, "unsaid": 3}},
        },
        "features": {
            "set": "f", "service": "s", "used": ["amount", "bureau_score"], "absent": ["education"],
            "columns": {"amount": _column("applications.amount"), "bureau_score": _column("customers.sex")},
        },
        "code": {"commit": "a" * 40, "dirty": False, "digest": "b" * 64, "lockfile": "c" * 64},
        "policy": {"digest": rules.digest, "path": "p.toml", "version": 1},
        "predictions": {"digest": "d" * 64, "rows": 800}, "split": {"shared_rows": 0},
        "samples": {"fit": sample, "report": {**sample, "from": "2022-01-01", "to": "2022-06-01"}},
        "metrics": {"fit": {"auc": 0.7}, "report": {"auc": 0.66, "auc_interval": [0.6, 0.72]}},
        "stability": {"score_psi": 0.02, "feature_psi": {"bureau_score": 0.03}},
        "fairness": {"protected_attributes": [], "ratios": {}},
        "maturity": {"report": {"rows": 400, "ripe": 400}},
        "seed": 7, "threads": 2, "environment": {"name": "local"},
    }  # fmt: skip
    settings = Settings(home=tmp_path_factory.mktemp("home"), repo=ROOT)
    made = evidence.assemble(copy.deepcopy(facts), rules)
    filing.write(settings, basis.bind(made, rules, written), date(2026, 11, 23))
    return filing.folder(settings, "demo", "demo.underwriting_auto", 1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_opens_without_a_complaint_and_asks_nothing_of_the_network(
    browser: Browser, place: Path, scheme: str
) -> None:
    page = browser.new_page(
        color_scheme="light" if scheme == "light" else "dark", viewport={"width": 1200, "height": 900}
    )
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    opened = sorted(place.glob("*.html"))
    assert len(opened) == 10
    for path in opened:
        page.goto(path.as_uri())
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(int(part) for part in background.strip("rgba()").split(",")[:3]) > 380) == (
            scheme == "light"
        )
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path.name
        assert page.locator("script").count() == 0
        assert page.title() != "taken"
    assert complaints == []
    assert asked == [path.as_uri() for path in opened]
    page.close()


def test_a_reader_goes_from_the_index_to_an_artefact_and_back(browser: Browser, place: Path) -> None:
    page = browser.new_page()
    page.goto((place / "index.html").as_uri())
    for name, title in (("obligations", "Obligations"), ("feature_dictionary", "Feature dictionary")):
        assert digests.of_file(place / f"{name}.json") in page.inner_text("main")
        page.click(f"a[href='{name}.html']")
        assert page.inner_text("h1") == title
        page.click("header a[href='index.html']")
        assert page.title() == "demo.underwriting_auto version 1: artefacts"
    page.close()


def test_a_prohibited_basis_and_an_owner_are_seen_as_they_were_written(browser: Browser, place: Path) -> None:
    page = browser.new_page()
    page.goto((place / "feature_dictionary.html").as_uri())
    row = page.locator("tr", has_text="bureau_score").first
    assert row.locator("td.failed").inner_text() == "yes"
    assert page.locator("tr", has_text="applications.amount").first.locator("td.failed").count() == 0
    assert HOSTILE in page.inner_text("main")
    page.close()


def test_what_is_unknown_is_seen_in_its_row_and_below(browser: Browser, place: Path) -> None:
    page = browser.new_page()
    page.goto((place / "model_inventory.html").as_uri())
    assert (
        page.locator("tr", has_text="state in production").locator("td.could_not_run").inner_text()
        == "unknown"
    )
    page.click("header a[href='#unknown']")
    assert "state in production: evidence.use.state isn't there" in page.inner_text(
        "main > section:last-child"
    )
    page.close()


def test_every_obligation_is_seen_with_its_answer_and_what_is_not_certain(
    browser: Browser, place: Path
) -> None:
    page = browser.new_page()
    page.goto((place / "obligations.html").as_uri())
    answers = page.locator("section[aria-labelledby='s3']")
    assert "it ended on 2026-07-21" in answers.locator("tr", has_text="us-reg-b-effects-test").inner_text()
    assert answers.locator("tr", has_text="us-reg-b-effects-test").locator("td.stale").count() == 1
    assert answers.locator("tr", has_text="us-reg-b-prohibited-basis").locator("td.not_met").count() == 1
    assert answers.locator("tr", has_text="us-reg-b-reasons").locator("td.met").count() == 1
    assert answers.locator("tr", has_text="us-reg-b-notice").locator("td.not_shown").count() == 1
    assert answers.locator("tr", has_text="cn-pipl-56").locator("td.not_applicable").count() == 1
    first = answers.locator("tbody tr").first
    assert first.locator("td.status").inner_text() == "not met"
    assert page.locator("section[aria-labelledby='s4'] td.could_not_run").count() > 10
    page.close()
