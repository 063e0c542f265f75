"""The index of Data Docs is seen: on a desk and on a phone, from a file, nothing asked of the network."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loanbook.intake.judging import docs_index
from loanbook.intake.judging.rules import RuleOutcome, Verdict
from loanbook.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = "<script>document.title='taken'</script>"
IN, SPREAD = "expect_column_values_to_be_in_set", "expect_column_spread_to_hold"
LONG = "a_rule_of_which_the_name_is_so_long_that_it_breaks_a_phone"
ABSENT = "the dataset doesn't give this column"


def verdict(table: str, rows: int, held: int, action: str, *rules: RuleOutcome) -> Verdict:
    good = RuleOutcome("some_rows", "block", "expect_table_row_count_to_be_between", "", 0, True, "", rows)
    return Verdict(
        table=table,
        rows=rows,
        suite_digest=table[0] * 64,
        judged_by_gx=rows,
        rules=(good, *rules),
        held=held,
        action=action,
        snapshot="5" * 64,
        breaches="b.parquet",
        breaches_digest="b",
        docs=f"data_docs/{table}/page.html",
    )


VERDICTS = (
    verdict("market", 60, 0, "pass"),
    verdict(
        "applications",
        20_055,
        55,
        "quarantine",
        RuleOutcome("channel_spread_as_before", "note", SPREAD, "channel", 0, False, "", 0.38),
        RuleOutcome(LONG, "quarantine", IN, "ip", 8, False),
        RuleOutcome("amount_given", "quarantine", IN, "amount", 47, False),
        RuleOutcome("lat_plausible", "quarantine", IN, "lat", 0, True, ABSENT),
    ),
    verdict(
        "loans",
        100,
        30,
        "block",
        RuleOutcome("few_held", "block", "expect_column_mean_to_be_between", "_held", 0, False, "", 0.3),
        RuleOutcome(HOSTILE, "quarantine", IN, "product", 30, False),
    ),
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    path = docs_index.write_index(Settings(home=home), "demo", datetime(2024, 12, 31, 23, 58), VERDICTS)
    for one in VERDICTS:
        page = home / "reports" / "demo" / one.docs
        page.parent.mkdir(parents=True)
        page.write_text(f"<title>{one.table}</title>", encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [1200, 360])
def test_the_index_opens_without_a_complaint_asks_nothing_and_fits(
    closed: Callable[..., None], index: Path, width: int, scheme: str
) -> None:
    assert index.parts[-4:] == ("reports", "demo", "data_docs", "index.html")
    closed(index, scheme=scheme, width=width)


def test_the_worst_table_and_the_gravest_rule_stand_first(browser: Browser, index: Path) -> None:
    page = browser.new_page()
    page.goto(index.as_uri())
    assert page.locator("h2").all_inner_texts() == ["loans", "applications", "market"]
    rows = page.locator("section#applications tbody tr td.n").all_inner_texts()
    assert rows[:3] == ["47 rows", "8 rows", "measured 0.38"]
    assert "stopped by loans" in page.inner_text("body")
    assert "Every rule holds" in page.inner_text("section#market")
    page.close()


def test_every_table_links_its_page_and_names_its_suite(browser: Browser, index: Path) -> None:
    page = browser.new_page()
    for one in VERDICTS:
        page.goto(index.as_uri())
        page.click(f"section#{one.table} summary")
        assert one.suite_digest in page.inner_text(f"section#{one.table}")
        page.click(f"section#{one.table} h2 a")
        assert page.title() == one.table
    page.close()


def test_what_was_not_judged_is_told_with_its_reason(browser: Browser, index: Path) -> None:
    page = browser.new_page()
    page.goto(index.as_uri())
    page.click("section#applications summary")
    assert ABSENT in page.inner_text("section#applications")
    page.close()


def test_a_rule_s_name_is_shown_and_never_run(browser: Browser, index: Path) -> None:
    page = browser.new_page()
    page.goto(index.as_uri())
    assert page.title() == "Data Docs: demo"
    assert page.locator("script").count() == 0
    assert HOSTILE in page.inner_text("body")
    page.close()
