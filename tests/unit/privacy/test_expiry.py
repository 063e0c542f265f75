from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from loanbook.errors import PrivacyError
from loanbook.governance.ledger import of_home
from loanbook.intake import book, publishing
from loanbook.lake import Lake
from loanbook.privacy import expiry, vault
from loanbook.settings import Settings

NOW = datetime(2026, 11, 23, 9, 30)
# Of 2020 are customers 1 to 30, of 2021 customers 5 and 31 to 40; each with two of everything a year.
LINKS_ARE_OVER = datetime(2023, 6, 1)
SOME_LEFT = datetime(2030, 6, 1)


def carried_out(lender: Any, day: datetime) -> Any:
    stands = expiry.take_out(lender.settings, "tiny", day)
    lender.again(stands)
    return expiry.prove(lender.settings, "tiny", NOW)


def keys(lender: Any, table: str, key: str) -> set[str]:
    path = publishing.current(lender.settings, "tiny", verify=True).path(table)
    return {row[0] for row in lender.rows(f"SELECT {key} FROM '{path}'")}


def test_a_dry_run_counts_what_is_due_and_changes_nothing(lender: Any) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in (lender.settings.home / "lake").rglob("*"))

    found = expiry.due(lender.settings, "tiny", LINKS_ARE_OVER)

    assert found.rows == {"links": 60}
    assert expiry.due(lender.settings, "tiny", datetime(2022, 1, 1)).rows == {}
    after = sorted((path, path.stat().st_mtime_ns) for path in (lender.settings.home / "lake").rglob("*"))
    assert after == before
    assert not list((lender.settings.home / "tmp").glob("*.parquet"))


def test_rows_whose_time_is_over_go_and_the_others_stay(lender: Any) -> None:
    old = publishing.current(lender.settings, "tiny")

    entry = carried_out(lender, LINKS_ARE_OVER)

    assert all(key.startswith("K2021") for key in keys(lender, "links", "link_id"))
    assert len(keys(lender, "links", "link_id")) == 22
    assert len(keys(lender, "transactions", "transaction_id")) == 82
    assert entry.body["rows"] == {"links": 60}
    assert not old.folder.exists()
    assert not old.quarantine.exists()
    now = publishing.current(lender.settings, "tiny").table("links")
    assert now is not None
    assert now.read == now.published.rows + now.held.rows + now.superseded.rows + now.repeats + now.erased
    assert now.erased == 60
    assert expiry.due(lender.settings, "tiny", LINKS_ARE_OVER).rows == {}


def test_a_customer_stays_with_all_bookings_until_they_were_last_seen_long_ago(lender: Any) -> None:
    carried_out(lender, SOME_LEFT)

    left = {"C5", *(f"C{n}" for n in range(31, 41))}
    assert keys(lender, "customers", "customer_id") == left
    assert keys(lender, "loans", "customer_id") == left
    assert len(keys(lender, "repayments", "repayment_id")) == 24
    assert "R2020-5-1" in keys(lender, "repayments", "repayment_id")
    assert vault.plain(lender.settings, "tiny", "C5")["name"] == "Name5 Canary"
    with pytest.raises(PrivacyError, match="nothing is kept"):
        vault.plain(lender.settings, "tiny", "C6")
    assert vault.erased(lender.settings) == frozenset()


def test_a_table_of_which_nothing_is_left_is_a_table_that_is_not_filled(lender: Any) -> None:
    entry = carried_out(lender, SOME_LEFT)

    assert entry.body["rows"]["links"] == entry.body["rows"]["transactions"] == 82
    assert {"links", "transactions"} <= set(publishing.current(lender.settings, "tiny").missing)


@pytest.mark.parametrize("killed", ["before the book", "after the book", "before the ledger"])
def test_a_kill_anywhere_and_a_plain_rerun_give_the_same_end(
    lender: Any, killed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    def kill(*_: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        if killed == "before the book":
            patched.setattr(expiry.book, "write", kill)
        elif killed == "after the book":
            patched.setattr(expiry, "_sweep", kill)
        else:
            patched.setattr(expiry, "of_home", kill)
        with pytest.raises(KilledError):
            carried_out(lender, LINKS_ARE_OVER)

    entry = carried_out(lender, LINKS_ARE_OVER)

    assert entry.body["rows"] == {"links": 60}
    assert len(of_home(lender.settings.home).entries(expiry.RETAINED)) == 1
    named = {part.digest for batch in book.read(lender.settings, "tiny").batches for part in batch.parts}
    lying = {path.stem for path in Lake(lender.settings.home).snapshots("tiny", "links").glob("*.parquet")}
    assert lying <= named
    assert carried_out(lender, LINKS_ARE_OVER) is None


def test_a_rule_of_the_lenders_own_counts(lender: Any, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    policies = repo / "expectations" / "policies"
    policies.mkdir(parents=True)
    given = (Settings().repo / "expectations" / "policies" / "retention.toml").read_text(encoding="utf-8")
    (policies / "retention.toml").write_text(given.replace("months = 60", "months = 12"), encoding="utf-8")

    found = expiry.due(replace(lender.settings, repo=repo), "tiny", datetime(2021, 12, 1))

    assert found.rows == {"transactions": 60}
