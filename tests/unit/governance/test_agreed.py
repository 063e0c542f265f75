"""Rows are counted by their customer's word, from the published tables themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from loanbook import lake
from loanbook.governance import agreed
from loanbook.schema import TABLES, Purpose
from loanbook.settings import Settings


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home, threads=1)


def published(settings: Settings, table: str, rows: list[dict[str, str]]) -> Path:
    """Write rows of a canonical table; a column that a row doesn't give is null."""
    columns = TABLES[table].columns
    said = [
        ", ".join(f"{row.get(one.name, 'NULL')}::{one.type} AS {one.name}" for one in columns) for row in rows
    ]
    path = settings.home / f"{table}.parquet"
    with lake.connect(settings) as connection:
        lake.copy_out(connection, " UNION ALL ".join(f"SELECT {one}" for one in said), path)
    return path


@pytest.fixture
def lender(settings: Settings) -> dict[str, Path]:
    words = {"'a'": "true", "'b'": "false", "'c'": "NULL"}
    people = [
        {"customer_id": name, "consent_bureau": word, "consent_marketing": "true"}
        for name, word in words.items()
    ]
    pulls = [{"report_id": f"'{n}'", "customer_id": f"'{who}'"} for n, who in enumerate("aaabcx")]
    return {
        "customers": published(settings, "customers", people),
        "bureau_reports": published(settings, "bureau_reports", pulls),
    }


def test_reports_are_counted_by_their_customers_word_and_a_stranger_said_nothing(settings, lender):
    assert agreed.count(settings, lender, Purpose.UNDERWRITING) == {
        "bureau_reports": {"by": "consent_bureau", "yes": 3, "no": 1, "unsaid": 2}
    }


def test_a_purpose_that_asks_for_a_yes_counts_the_customers_too(settings, lender):
    found = agreed.count(settings, lender, Purpose.MARKETING)
    assert found["customers"] == {"by": "consent_marketing", "yes": 3, "no": 0, "unsaid": 0}


def test_a_table_that_isnt_published_isnt_named(settings, lender):
    del lender["bureau_reports"]
    assert agreed.count(settings, lender, Purpose.UNDERWRITING) == {}
