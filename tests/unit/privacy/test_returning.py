from __future__ import annotations

from typing import Any

from loanbook.intake import book, publishing
from loanbook.privacy import vault

from .conftest import raw_rows
from .test_erasure import HIM, asked, carried_out, in_lake


def under(lender: Any, publication: Any, token: str) -> int:
    """Count the loans that are kept under a token."""
    path = publication.path("loans")
    return int(lender.rows(f"SELECT count(*) FROM '{path}' WHERE customer_id = '{token}'")[0][0])


def test_who_was_erased_does_not_come_back_with_a_later_delivery(lender: Any) -> None:
    token = asked(lender)
    carried_out(lender, token)
    before = publishing.current(lender.settings, "tiny")
    lender.deliver(raw_rows([5, 41], 2022), 3)

    lender.publish()

    assert in_lake(lender, HIM) == []
    assert in_lake(lender, "device-5-Canary") == []
    after = publishing.current(lender.settings, "tiny", verify=True)
    loans, links = (after.table(name) for name in ("loans", "links"))
    assert loans is not None
    assert links is not None
    assert lender.rows(f"SELECT count(*) FROM '{after.path('loans')}' WHERE customer_id = '{token}'") == [
        (6,)
    ]
    assert links.erased == 6
    assert links.published.rows == before.table("links").published.rows + 2  # type: ignore[union-attr]
    assert links.read == links.published.rows + links.held.rows + links.superseded.rows + links.erased
    assert vault.plain(lender.settings, "tiny", "C41")["name"] == "Name41 Canary"


def test_who_was_erased_does_not_come_back_when_all_is_read_anew(lender: Any) -> None:
    token = asked(lender)
    carried_out(lender, token)
    mapping = lender.folder / "links.sql"
    mapping.write_text(mapping.read_text() + " WHERE kind <> 'nothing of the kind'")

    lender.publish()

    assert in_lake(lender, HIM) == []
    assert in_lake(lender, f"text of {HIM}") == []
    after = publishing.current(lender.settings, "tiny", verify=True)
    assert lender.rows(f"SELECT count(*) FROM '{after.path('loans')}' WHERE customer_id = '{token}'") == [
        (4,)
    ]
    assert sum(part.erased for one in book.read(lender.settings, "tiny").batches for part in one.parts) == 8
