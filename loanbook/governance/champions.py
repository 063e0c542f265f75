"""candidate → champion: read from the ledger who is champion, who was, and who may never serve.

The ledger's order decides; an alias in the registry is only a hint to it.
"""

from __future__ import annotations

from collections.abc import Sequence

from loanbook.errors import EvidenceError, GovernanceError
from loanbook.governance.chain import Entry

REVIEW, PROMOTION, ROLLBACK, WITHDRAWAL = "review", "promotion", "rollback", "withdrawal"


def reviewed(entries: Sequence[Entry], model: str, version: int) -> str:
    """Find the digest of the evidence of a version's last review, or raise EvidenceError."""
    return str(last_review(entries, model, version).body["evidence"])


def last_review(entries: Sequence[Entry], model: str, version: int) -> Entry:
    """Find the record of a version's last review, or raise EvidenceError."""
    for entry in reversed(entries):
        if entry.kind == REVIEW and _of(entry, model) and entry.body["version"] == version:
            return entry
    raise EvidenceError(
        f"{model} version {version} was never reviewed", where="ledger", right="Run `loanbook review` first"
    )


def withdrawn(entries: Sequence[Entry], model: str) -> frozenset[int]:
    """Find the versions that may never serve again."""
    return frozenset(
        int(entry.body["version"]) for entry in entries if entry.kind == WITHDRAWAL and _of(entry, model)
    )


def current(entries: Sequence[Entry], model: str, environment: str) -> Entry | None:
    """Find the promotion that stands: the last one, or the one that the last rollback went back to."""
    standing = _standing(entries, model, environment)
    return standing[-1] if standing else None


def former(entries: Sequence[Entry], model: str, environment: str) -> Entry:
    """Find the promotion that a rollback goes back to, or raise GovernanceError."""
    standing = _standing(entries, model, environment)
    barred = withdrawn(entries, model)
    for entry in reversed(standing[:-1]):
        if entry.body["version"] not in barred:
            return entry
    raise GovernanceError(
        f"{model} has no former champion in {environment}",
        where="ledger",
        right="Promote another version, or withdraw this one",
    )


def turn(entries: Sequence[Entry], model: str, environment: str, evidence: str) -> int:
    """Find the last move of the champion before a promotion on this evidence; 0 if there was none."""
    moves = [
        entry
        for entry in entries
        if entry.kind in (PROMOTION, ROLLBACK)
        and _of(entry, model)
        and entry.body.get("environment") == environment
    ]
    if moves and moves[-1].kind == PROMOTION and moves[-1].body.get("evidence") == evidence:
        moves.pop()
    return moves[-1].seq if moves else 0


def _standing(entries: Sequence[Entry], model: str, environment: str) -> list[Entry]:
    """Stack the promotions: a promotion goes on top, a rollback takes off down to its target."""
    stack: list[Entry] = []
    for entry in entries:
        if not _of(entry, model) or entry.body.get("environment") != environment:
            continue
        if entry.kind == PROMOTION:
            stack.append(entry)
        elif entry.kind == ROLLBACK:
            while stack and stack[-1].seq != entry.body["to"]:
                stack.pop()
    return stack


def _of(entry: Entry, model: str) -> bool:
    return entry.body.get("model") == model
