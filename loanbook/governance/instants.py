"""candidate → champion: an instant as text, the same way in evidence, approvals and ledger."""

from __future__ import annotations

from datetime import UTC, datetime


def text(at: datetime) -> str:
    """Write a naive UTC time as 2026-11-23T09:30:00Z; a zoned time raises ValueError."""
    if at.tzinfo is not None:
        raise ValueError(f"{at.isoformat()} carries a zone: times here are naive and UTC")
    return at.isoformat() + "Z"


def read(written: str) -> datetime:
    """Read what `text` wrote; anything else raises ValueError."""
    at = datetime.fromisoformat(written)
    if at.tzinfo is None or at.utcoffset() != UTC.utcoffset(None):
        raise ValueError(f"{written!r} is not in UTC: it would end in Z")
    return at.replace(tzinfo=None)
