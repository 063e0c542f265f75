"""known → forgotten in time: take out the rows that no law or contract asks for any longer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prefect import flow

from flows import steps
from flows.erase import made_again
from flows.steps import do
from loanbook.governance.chain import Entry
from loanbook.intake import mapping
from loanbook.intake.mapping import Dataset
from loanbook.privacy import expiry
from loanbook.privacy.expiry import Due
from loanbook.settings import Settings


@flow(name="retain")
def retain(dataset: str, apply: bool = False, as_of: str | None = None) -> dict[str, Any]:
    """Say which rows' time is over by the retention rules; with `apply`, take them out."""
    place, source = steps.settings(), mapping.load(dataset)
    day = steps.moment(as_of) or steps.now()
    found = do("count what is due", expiry.due, place, source.name, day)
    return report(found, retaining(place, source, day) if apply else None)


def report(found: Due, entry: Entry | None) -> dict[str, Any]:
    """Say what was due, by which rule, and whether it went."""
    return {
        "as_of": found.as_of.isoformat(),
        "rows": dict(found.rows),
        "because": {table: found.rules.rules[table].because for table in found.rows},
        "entry": entry.seq if entry else None,
        "files": dict(entry.body["files"]) if entry else {},
    }


def retaining(place: Settings, source: Dataset, day: datetime) -> Entry | None:
    """Give the ledger's entry; null where nothing was due and nothing was left to end."""
    stands = do("take the rows out", expiry.take_out, place, source.name, day)
    made_again(place, source, stands)
    return do("clear what was made of them", expiry.prove, place, source.name, steps.now())
