"""candidate → champion: one person's yes or no to one evidence, as an in-toto statement."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from loanbook import digests
from loanbook.errors import SignatureError
from loanbook.governance import instants, reading
from loanbook.governance.reading import UnreadableFact

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://loanbook.example/approval/v1"


class Decision(StrEnum):
    """What a signer says."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True)
class Conditions:
    """What an approval demands of the serving side; a condition that nobody knows is refused."""

    review_by: datetime | None = None
    max_applications: int | None = None
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a limit that lets nothing through or is none."""
        if self.max_applications is not None and self.max_applications < 1:
            raise SignatureError(f"max_applications is {self.max_applications}", right="At least 1")


@dataclass(frozen=True)
class Approval:
    """A signed decision: who, on what evidence of which version, where, until when, and why."""

    evidence: str
    line: str
    model: str
    version: int
    environment: str
    decision: Decision
    reason: str
    conditions: Conditions
    signer: str
    role: str
    signed_at: datetime
    expires_at: datetime


def to_statement(approval: Approval) -> dict[str, Any]:
    """Write it as an in-toto Statement v1 whose subject is the evidence."""
    conditions = approval.conditions
    return {
        "_type": STATEMENT,
        "subject": [
            {"name": f"{approval.model}/{approval.version}", "digest": {"sha256": approval.evidence}}
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "line": approval.line,
            "model": approval.model,
            "version": approval.version,
            "environment": approval.environment,
            "decision": approval.decision.value,
            "reason": approval.reason,
            "conditions": {
                "review_by": instants.text(conditions.review_by) if conditions.review_by else None,
                "max_applications": conditions.max_applications,
                "note": conditions.note,
            },
            "signer": approval.signer,
            "role": approval.role,
            "signed_at": instants.text(approval.signed_at),
            "expires_at": instants.text(approval.expires_at),
        },
    }


def from_statement(payload: bytes) -> Approval:
    """Read a statement strictly: written again it must give the same bytes, or SignatureError."""
    try:
        approval = _read(json.loads(payload))
        again = digests.canonical(to_statement(approval))
    except (UnreadableFact, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise SignatureError(f"the statement is no approval: {error}", right="Sign again") from None
    if again != payload:
        raise SignatureError(
            "the statement says more or other than an approval can", right="Sign it with this release"
        )
    return approval


def _read(statement: Mapping[str, Any]) -> Approval:
    said = reading.mapping(statement, "predicate")
    conditions = reading.mapping(said, "conditions")
    review_by, most = conditions["review_by"], conditions["max_applications"]
    return Approval(
        evidence=reading.digest(statement["subject"][0], "digest", "sha256"),
        line=reading.text(said, "line"),
        model=reading.text(said, "model"),
        version=reading.count(said, "version"),
        environment=reading.text(said, "environment"),
        decision=Decision(reading.text(said, "decision")),
        reason=reading.text(said, "reason"),
        conditions=Conditions(
            review_by=instants.read(review_by) if review_by is not None else None,
            max_applications=reading.count(conditions, "max_applications") if most is not None else None,
            note=str(conditions["note"]),
        ),
        signer=reading.text(said, "signer"),
        role=reading.text(said, "role"),
        signed_at=instants.read(reading.text(said, "signed_at")),
        expires_at=instants.read(reading.text(said, "expires_at")),
    )
