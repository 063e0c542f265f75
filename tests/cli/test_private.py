"""Plain values are shown on the record alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from loanbook.governance.ledger import of_home
from loanbook.privacy import vault
from loanbook.settings import Settings


def _kept(home: Path) -> None:
    person = {"customer_id": "C1", "name": "Ada Canary", "phone": "+49 170 0000001"}
    vault.keep(Settings(home=home), "world", [pa.RecordBatch.from_pylist([person])])


def test_who_is_shown_to_whom_and_why_is_entered_first(loanbook: Callable[..., Any], home: Path) -> None:
    _kept(home)
    asked = ("reveal", "C1", "--dataset", "world", "--purpose", "fraud", "--because", "a report", "--json")
    done = loanbook(*asked, environment={"LOANBOOK_ACTOR": "ann"})
    assert done.code == 0, done.err
    assert json.loads(done.out)["made"]["name"] == "Ada Canary"
    (entry,) = of_home(home).entries("access")
    assert (entry.actor, entry.body["because"]) == ("ann", "a report")
    assert "Canary" not in str(entry.body)


def test_nobody_is_shown_for_a_purpose_that_names_do_not_serve(
    loanbook: Callable[..., Any], home: Path
) -> None:
    _kept(home)
    done = loanbook("reveal", "C1", "--dataset", "world", "--purpose", "marketing", "--because", "a campaign")
    assert done.code == 1
    assert "nothing that names a person serves marketing" in done.err
    assert "Canary" not in done.out + done.err
    assert of_home(home).entries() == ()
