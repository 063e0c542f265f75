"""Pages are seen: in headless Chromium, in light and dark, with nothing asked of the network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loanbook.governance import dossier, policy
from loanbook.governance import evidence as evidences

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "<script>document.title='taken'</script>"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = (ROOT / "expectations/policies/underwriting_auto.toml").read_text(encoding="utf-8")
    rules = policy.parse(text, "underwriting_auto.toml")
    made = evidences.assemble(_facts(rules.digest), rules)
    curves = {"roc": {"fpr": [0.0, 0.4, 1.0], "tpr": [0.0, 0.6, 1.0]}}
    path = tmp_path_factory.mktemp("page") / "dossier.html"
    path.write_text(
        dossier.render(made, curves, policy=rules, command="loanbook approve …"), encoding="utf-8"
    )
    return path


def _facts(policy_digest: str) -> dict[str, Any]:
    from loanbook import digests

    files = {"model.txt": digests.of_bytes(b"trees")}
    sample = {"rows": 400, "bads": 60, "from": "2021-01-01", "to": "2021-06-01"}
    later = {**sample, "from": "2022-01-01", "to": "2022-06-01"}
    group = {"rows": 200, "approved": 0.7, "bad_rate": 0.15, "mean_pd": 0.14}
    return {
        "format": 1,
        "dataset": "demo",
        "line": "underwriting/auto",
        "model": "demo.underwriting_auto",
        "version": 1,
        "trained_by": HOSTILE,
        "trained_at": "2026-01-01T00:00:00Z",
        "requested_by": "erin",
        "bundle": {"digest": digests.of_json(files), "files": files},
        "data": {
            "publication": "p",
            "as_of": "2023-01-01",
            "tables": {"applications": {"snapshot": "s", "published": "p", "rows": 800, "held": 2}},
        },
        "features": {
            "set": "f",
            "service": "s",
            "used": ["bureau_score"],
            "absent": ["education"],
            "columns": {"bureau_score": {"privacy": "personal", "purposes": ["underwriting"]}},
        },
        "code": {"commit": "a" * 40, "dirty": False, "digest": "b" * 64, "lockfile": "c" * 64},
        "policy": {"digest": policy_digest, "path": "p.toml", "version": 1},
        "predictions": {"digest": "d" * 64, "rows": 800},
        "split": {"shared_rows": 0},
        "samples": {"fit": sample, "report": later},
        "metrics": {"fit": {"auc": 0.7}, "report": {"auc": 0.66, "auc_interval": [0.6, 0.72]}},
        "stability": {"score_psi": 0.02, "feature_psi": {"bureau_score": 0.03}},
        "fairness": {
            "protected_attributes": ["sex"],
            "ratios": {"sex": 0.97},
            "groups": {"sex": {"female": group, "male": group}},
        },
        "maturity": {"report": {"rows": 400, "ripe": 400}},
        "judged": {},
        "seed": 7,
        "threads": 2,
        "environment": {"name": "local"},
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_dossier_opens_without_a_complaint_and_asks_nothing_of_the_network(
    browser: Browser, page_file: Path, scheme: str
) -> None:
    page = browser.new_page(color_scheme="light" if scheme == "light" else "dark")
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    light = sum(int(part) for part in background.strip("rgba()").split(",")[:3]) > 380
    assert complaints == []
    assert asked == [page_file.as_uri()]
    assert light == (scheme == "light")
    page.close()


def test_what_somebody_wrote_is_shown_and_never_run(browser: Browser, page_file: Path) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    assert page.title() != "taken"
    assert page.locator("script").count() == 0
    assert HOSTILE in page.inner_text("body")
    page.close()


def test_a_reader_finds_every_gate_its_answer_and_the_groups(browser: Browser, page_file: Path) -> None:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto(page_file.as_uri())
    body = page.inner_text("body")
    assert "could not run" in body
    assert "bureau_score" in body
    assert page.locator("tr", has_text="female").count() == 1
    assert page.locator("svg").count() >= 1
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.close()
