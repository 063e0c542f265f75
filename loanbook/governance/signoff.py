"""reviewed → signed: a person's yes or no to one evidence hash, entered in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from loanbook.errors import SignatureError
from loanbook.governance import champions, people, shelf, signing, votes
from loanbook.governance.approvals import Approval, Conditions, Decision
from loanbook.governance.ledger import of_home
from loanbook.governance.people import Person
from loanbook.settings import Settings

APPROVAL = "approval"


@dataclass(frozen=True)
class Word:
    """What a person says of a version."""

    model: str
    version: int
    decision: Decision
    reason: str
    conditions: Conditions


def sign(settings: Settings, word: Word, key: Path, now: datetime) -> Approval:
    """Sign the evidence of the version's last review, and enter it; raise what would not count."""
    if not word.reason.strip():
        raise SignatureError("the reason is empty", right="Say why with --because")
    ledger = of_home(settings.home)
    known = people.trusted(people.path_of(settings.home), ledger)
    passphrase = settings.passphrase.reveal() if settings.passphrase else None
    person = known.by_keyid(signing.read_public_key(key, passphrase).keyid)
    entries = ledger.entries()
    digest = champions.reviewed(entries, word.model, word.version)
    evidence = shelf.evidence(settings, word.model, word.version, digest)
    policy = shelf.policy(settings, evidence.line)
    approval = Approval(
        evidence=digest,
        line=evidence.line,
        model=word.model,
        version=word.version,
        environment=settings.environment,
        decision=word.decision,
        reason=word.reason,
        conditions=word.conditions,
        signer=person.name,
        role=_role(person, policy.roles),
        signed_at=now,
        expires_at=now + timedelta(days=policy.valid_days),
    )
    envelope = signing.sign(approval, key, passphrase)
    votes.admit(votes.Vote(evidence, policy, known, settings.environment, now), envelope)
    body = {"model": word.model, "version": word.version, "evidence": digest, "envelope": envelope}
    ledger.append(APPROVAL, person.name, body, now)
    return approval


def envelopes(settings: Settings, model: str, version: int, evidence: str) -> tuple[str, ...]:
    """Find every envelope on one evidence hash, in the ledger's order."""
    return tuple(
        str(entry.body["envelope"])
        for entry in of_home(settings.home).entries(APPROVAL)
        if (entry.body["model"], entry.body["version"], entry.body["evidence"]) == (model, version, evidence)
    )


def _role(person: Person, wanted: tuple[str, ...]) -> str:
    """Sign in a role that the policy asks for, if the person has one; else in their first."""
    return next((role for role in wanted if role in person.roles), person.roles[0])
