"""candidate → champion: the ledger's chain: what an entry is, and where a chain is broken."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loanbook import digests
from loanbook.governance import instants

GENESIS = digests.of_bytes(b"loanbook ledger 1")


@dataclass(frozen=True)
class Row:
    """An entry as it is stored: all text, so that what is hashed is what is kept."""

    seq: int
    kind: str
    actor: str
    at: str
    body: str
    once: str | None
    previous: str
    digest: str


@dataclass(frozen=True)
class Entry:
    """One thing that happened, in the order in which it was written."""

    seq: int
    kind: str
    actor: str
    at: datetime
    body: Mapping[str, Any]
    once: str | None
    digest: str


@dataclass(frozen=True)
class Head:
    """How far the chain had come, as noted outside of it."""

    seq: int
    digest: str


@dataclass(frozen=True)
class LedgerReport:
    """What a verification found: `broken` is the first entry that doesn't hold, null if all do."""

    entries: int
    head: str
    broken: int | None
    why: str

    @property
    def holds(self) -> bool:
        """Whether nothing is broken."""
        return self.broken is None


def digest_of(row: Row) -> str:
    """Hash an entry with all that it says and the entry before it."""
    return digests.of_json([row.seq, row.kind, row.actor, row.at, row.body, row.once, row.previous])


def link(last: Head, *, kind: str, actor: str, body: str, at: datetime, once: str | None) -> Row:
    """Make the entry that follows `last`."""
    draft = Row(last.seq + 1, kind, actor, instants.text(at), body, once, last.digest, "")
    return Row(**{**draft.__dict__, "digest": digest_of(draft)})


def entry_of(row: Row) -> Entry:
    """Read a stored entry; one that can't be read raises ValueError."""
    body = json.loads(row.body)
    if not isinstance(body, dict):
        raise ValueError("the body is no JSON object")
    return Entry(row.seq, row.kind, row.actor, instants.read(row.at), body, row.once, row.digest)


def check(rows: Sequence[Row], head: Head | None) -> LedgerReport:
    """Walk the chain from its beginning to the noted head, and past it.

    The head may lag behind (a writer was killed before it noted it), never run ahead.
    """
    last = Head(0, GENESIS)
    for row in rows:
        why = _fault(row, last)
        if why:
            return LedgerReport(len(rows), last.digest, last.seq + 1, why)
        last = Head(row.seq, row.digest)
    broken, why = _against(rows, head)
    return LedgerReport(len(rows), last.digest, broken, why)


def _fault(row: Row, last: Head) -> str:
    if row.seq != last.seq + 1:
        return f"entry {last.seq + 1} was removed: entry {row.seq} stands in its place"
    if row.previous != last.digest:
        return (
            f"entry {row.seq} doesn't follow entry {last.seq}: moved, inserted, or what it followed changed"
        )
    try:
        entry_of(row)
        found = digest_of(row)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return f"entry {row.seq} was changed: it can't be read"
    return "" if found == row.digest else f"entry {row.seq} was changed: it hashes to {found[:12]}"


def _against(rows: Sequence[Row], head: Head | None) -> tuple[int | None, str]:
    if head is None:
        return (1, "the head is missing") if rows else (None, "the ledger is empty")
    if head.seq > len(rows):
        return len(rows) + 1, f"entries {len(rows) + 1} to {head.seq} were removed from the end"
    noted = rows[head.seq - 1].digest if head.seq else GENESIS
    if noted != head.digest:
        return head.seq, f"entry {head.seq} or one before it was rewritten with all that followed"
    return None, f"{len(rows)} entries hold"
