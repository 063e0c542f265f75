"""held → ruled: what a steward says of held rows, as in-toto statements."""

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
from loanbook.governance.approvals import STATEMENT
from loanbook.governance.reading import UnreadableFact

PROPOSED = "https://loanbook.example/quarantine-proposal/v1"
ANSWERED = "https://loanbook.example/quarantine-answer/v1"


class Action(StrEnum):
    """What may become of a held row."""

    RELEASE = "release"
    REPAIR = "repair"
    REJECT = "reject"


class Decision(StrEnum):
    """What a second person says of a proposal."""

    CONFIRM = "confirm"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Subject:
    """A held row: its name at the desk, the hash of the part it lies in, the hash of what it holds."""

    row: str
    part: str
    content: str


@dataclass(frozen=True)
class Proposal:
    """What one person would have become of held rows of one table, and why.

    `values` is the hash of the repaired rows, and `columns` are those that were set; else null and none.
    """

    dataset: str
    table: str
    action: Action
    rows: tuple[Subject, ...]
    values: str | None
    columns: tuple[str, ...]
    reason: str
    environment: str
    signer: str
    role: str
    signed_at: datetime

    @property
    def statement(self) -> dict[str, Any]:
        """Write it as an in-toto Statement v1 whose subjects are the rows."""
        rows = [{"row": one.row, "part": one.part, "content": one.content} for one in self.rows]
        subjects = [
            {"name": f"{self.dataset}/{self.table}/{one.row}", "digest": {"sha256": one.content}}
            for one in self.rows
        ]
        said = {
            "dataset": self.dataset,
            "table": self.table,
            "action": self.action.value,
            "rows": rows,
            "values": self.values,
            "columns": list(self.columns),
        }
        return _statement(PROPOSED, subjects, said, self)


@dataclass(frozen=True)
class Answer:
    """A second person's yes or no to a proposal, named by the hash of its entry in the ledger."""

    proposal: str
    decision: Decision
    reason: str
    environment: str
    signer: str
    role: str
    signed_at: datetime

    @property
    def statement(self) -> dict[str, Any]:
        """Write it as an in-toto Statement v1 whose subject is the proposal."""
        subjects = [{"name": "quarantine-proposal", "digest": {"sha256": self.proposal}}]
        return _statement(ANSWERED, subjects, {"decision": self.decision.value}, self)


def proposal_of(payload: bytes) -> Proposal:
    """Read a proposal strictly: written again it must give the same bytes, or SignatureError."""
    try:
        said = _predicate(payload)
        proposal = Proposal(
            dataset=reading.text(said, "dataset"),
            table=reading.text(said, "table"),
            action=Action(reading.text(said, "action")),
            rows=tuple(_subject(one) for one in said["rows"]),
            values=reading.digest(said, "values") if said["values"] is not None else None,
            columns=reading.texts(said, "columns"),
            **_signed(said),
        )
    except (UnreadableFact, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise SignatureError(f"the statement is no proposal: {error}", right="Propose again") from None
    _refuse_other(proposal, payload)
    if not proposal.rows or (proposal.action is Action.REPAIR) != (proposal.values is not None):
        raise SignatureError("the proposal names no row, or repairs nothing", right="Propose again")
    return proposal


def answer_of(payload: bytes) -> Answer:
    """Read an answer as strictly."""
    try:
        said = _predicate(payload)
        named = json.loads(payload)["subject"][0]
        answer = Answer(
            proposal=reading.digest(named, "digest", "sha256"),
            decision=Decision(reading.text(said, "decision")),
            **_signed(said),
        )
    except (UnreadableFact, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise SignatureError(f"the statement is no answer: {error}", right="Answer again") from None
    _refuse_other(answer, payload)
    return answer


def _statement(
    kind: str, subjects: list[dict[str, Any]], said: dict[str, Any], by: Proposal | Answer
) -> dict[str, Any]:
    signed = {
        "reason": by.reason,
        "environment": by.environment,
        "signer": by.signer,
        "role": by.role,
        "signed_at": instants.text(by.signed_at),
    }
    return {"_type": STATEMENT, "subject": subjects, "predicateType": kind, "predicate": said | signed}


def _signed(said: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: reading.text(said, name) for name in ("reason", "environment", "signer", "role")}
    return texts | {"signed_at": instants.read(reading.text(said, "signed_at"))}


def _predicate(payload: bytes) -> Mapping[str, Any]:
    return reading.mapping(json.loads(payload), "predicate")


def _subject(said: Mapping[str, Any]) -> Subject:
    return Subject(reading.text(said, "row"), reading.digest(said, "part"), reading.digest(said, "content"))


def _refuse_other(read: Proposal | Answer, payload: bytes) -> None:
    if digests.canonical(read.statement) != payload:
        raise SignatureError(
            "the statement says more or other than it can", right="Sign it with this release"
        )
