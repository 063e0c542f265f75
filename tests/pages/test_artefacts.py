"""The artefacts are read: each page opens, leads back, names the unknown, and runs nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loanbook import digests
from loanbook.governance import policy
from loanbook.governance.artefacts import filing
from loanbook.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from loanbook.governance.basis import Basis
    from loanbook.governance.policy import Policy

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "<script>document.title='taken'</script>"


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory,
    honest_facts: Callable[[Policy], dict[str, Any]],
    bundle_parts: Callable[[], dict[str, Any]],
    feature_columns: Callable[[], dict[str, Any]],
    bound: Callable[..., Basis],
) -> Path:
    text = (ROOT / "expectations/policies/underwriting_auto.toml").read_text(encoding="utf-8")
    rules = policy.parse(text.replace('jurisdiction = "CN"', 'jurisdiction = "US"'), "underwriting_auto.toml")
    columns = feature_columns()
    columns["bureau_score"] |= {"from": ["customers.sex"], "owner": HOSTILE}
    facts = honest_facts(rules) | {"trained_by": HOSTILE}
    settings = Settings(home=tmp_path_factory.mktemp("home"), repo=ROOT)
    filing.write(settings, bound(facts, rules, bundle_parts(), columns), date(2026, 11, 23))
    return filing.folder(settings, facts["dataset"], facts["model"], facts["version"])


def test_every_page_opens_without_a_complaint_and_asks_nothing_of_the_network(
    closed: Callable[..., None], place: Path, scheme: str
) -> None:
    opened = sorted(place.glob("*.html"))
    assert len(opened) == 10
    closed(*opened, scheme=scheme)
    assert not any("<script" in path.read_text(encoding="utf-8") for path in opened)


def test_a_reader_goes_from_the_index_to_an_artefact_and_back(browser: Browser, place: Path) -> None:
    page = browser.new_page()
    page.goto((place / "index.html").as_uri())
    for name, title in (("obligations", "Obligations"), ("feature_dictionary", "Feature dictionary")):
        assert digests.of_file(place / f"{name}.json") in page.inner_text("main")
        page.click(f"a[href='{name}.html']")
        assert page.inner_text("h1") == title
        page.click("header a[href='index.html']")
        assert page.title() == "ally_auto.underwriting_auto version 3: artefacts"
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
