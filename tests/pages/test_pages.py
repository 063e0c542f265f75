"""Pages are seen: in headless Chromium, in light and dark, with nothing asked of the network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loanbook.governance import dossier, policy
from loanbook.governance import evidence as evidences

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from loanbook.governance.policy import Policy

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "<script>document.title='taken'</script>"


@pytest.fixture(scope="module")
def page_file(
    tmp_path_factory: pytest.TempPathFactory, honest_facts: Callable[[Policy], dict[str, Any]]
) -> Path:
    text = (ROOT / "expectations/policies/underwriting_auto.toml").read_text(encoding="utf-8")
    rules = policy.parse(text, "underwriting_auto.toml")
    group = {"rows": 200, "approved": 0.7, "bad_rate": 0.15, "mean_pd": 0.14}
    fairness = {
        "protected_attributes": ["sex"],
        "ratios": {"sex": 0.97},
        "groups": {"sex": {"female": group, "male": group}},
    }
    stability = {"score_psi": 0.02, "feature_psi": {"bureau_score": 0.03}}
    said = {"trained_by": HOSTILE, "fairness": fairness, "stability": stability, "judged": {}}
    made = evidences.assemble(honest_facts(rules) | said, rules)
    curves = {"roc": {"fpr": [0.0, 0.4, 1.0], "tpr": [0.0, 0.6, 1.0]}}
    path = tmp_path_factory.mktemp("page") / "dossier.html"
    path.write_text(
        dossier.render(made, curves, policy=rules, command="loanbook approve …"), encoding="utf-8"
    )
    return path


def test_the_dossier_opens_without_a_complaint_and_asks_nothing_of_the_network(
    closed: Callable[..., None], page_file: Path, scheme: str
) -> None:
    closed(page_file, scheme=scheme)


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
