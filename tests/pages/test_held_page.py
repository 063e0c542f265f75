"""The page of held rows: closed, filtered by rule and words; nothing written on it is run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loanbook.held import page
from loanbook.held.desk import Count, Held, Listing

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"


def held(number: int, rule: str, reason: str) -> Held:
    name = f"1f0c9a7b22de-{number}"
    rules = (rule, "known_after_event") if number % 3 == 0 else (rule,)
    file = f"applications/2021-0{1 + number % 9}.parquet"
    return Held(
        "applications", name, f"A{number:06}", rule, rules, reason, file, number, 2, "open", whole=True
    )


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = tuple(
        held(n, "amount_positive", f"amount is -{n}.00: it must be above zero")
        if n % 2
        else held(n, "device_id_whole", "device_id is tok_9b0c44d2a1: a character was lost in it")
        for n in range(40)
    )
    counts = (
        Count("applications", "amount_positive", 2, 20),
        Count("applications", "device_id_whole", 2, 20),
        Count("applications", "place_inside", 2, 5),
    )
    listing = Listing("world", "ab" * 32, counts, (*rows, held(99, "place_inside", HOSTILE)))
    path = tmp_path_factory.mktemp("page") / "quarantine.html"
    path.write_text(page.render(listing, (), "2024-12-31"), encoding="utf-8")
    return path


def test_the_page_opens_without_a_complaint_and_asks_nothing_of_the_network(
    closed: Callable[..., None], page_file: Path, scheme: str
) -> None:
    closed(page_file, scheme=scheme)


def test_rows_are_found_by_rule_and_by_words(browser: Browser, page_file: Path) -> None:
    opened = browser.new_page()
    opened.goto(page_file.as_uri())
    assert opened.locator("tbody tr:visible").count() == 41
    opened.select_option("#rule", "applications/amount_positive")
    assert opened.locator("tbody tr:visible").count() == 20
    assert opened.inner_text("output") == "20 of 41 rows here"
    opened.fill("#words", "a000013")
    assert opened.locator("tbody tr:visible").count() == 1
    assert "amount is -13.00" in opened.inner_text("tbody tr:visible")
    opened.close()


def test_what_a_source_wrote_is_shown_and_never_run(browser: Browser, page_file: Path) -> None:
    opened = browser.new_page()
    opened.goto(page_file.as_uri())
    assert opened.title() == "Held rows of world"
    assert HOSTILE in opened.inner_text("body")
    opened.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"document.title=1\">')"
    )
    assert opened.title() == "Held rows of world"
    assert "45 rows are held back" in opened.inner_text("body")
    opened.close()


def test_a_page_without_held_rows_carries_no_script_and_says_so(
    closed: Callable[..., None], browser: Browser, tmp_path: Path
) -> None:
    empty = page.render(Listing("world", "ab" * 32, (), ()), (), "2024-12-31")
    path = tmp_path / "quarantine.html"
    path.write_text(empty, encoding="utf-8")
    closed(path)
    opened = browser.new_page()
    opened.goto(path.as_uri())
    assert "<script" not in empty
    assert "0 rows are held back" in opened.inner_text("body")
