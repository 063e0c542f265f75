"""candidate → champion: which approvals count, and whether they suffice.

This stands above the signing door; it reads and writes nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from loanbook.errors import GovernanceError, SelfApprovalError, SignatureError, UnsignedError
from loanbook.governance import signing
from loanbook.governance.approvals import Approval, Conditions, Decision
from loanbook.governance.evidence import Evidence
from loanbook.governance.people import People, same_name
from loanbook.governance.policy import Policy


@dataclass(frozen=True)
class Vote:
    """What an approval has to fit: this evidence under this policy, in this place, now."""

    evidence: Evidence
    policy: Policy
    people: People
    environment: str
    now: datetime


def admit(vote: Vote, envelope: str) -> Approval:
    """Verify one envelope and hold it to the vote; raise why it doesn't count."""
    approval = signing.verify(envelope, vote.people)
    _check_subject(vote, approval)
    if approval.role not in vote.policy.roles:
        raise SignatureError(
            f"{approval.signer} signed as {approval.role}",
            where=f"policy of {vote.policy.line}",
            right=f"It takes {', '.join(vote.policy.roles)}",
        )
    if approval.signed_at > vote.now:
        raise SignatureError(f"{approval.signer} signed in the future", right="Set the clock right")
    if approval.decision is Decision.APPROVE:
        _check_yes(vote, approval)
    return approval


def _check_subject(vote: Vote, approval: Approval) -> None:
    evidence = vote.evidence
    for what, said, wanted in (
        ("evidence", approval.evidence, evidence.digest),
        ("line", approval.line, evidence.line),
        ("model", approval.model, evidence.model),
        ("version", str(approval.version), str(evidence.version)),
        ("environment", approval.environment, vote.environment),
    ):
        if said != wanted:
            raise SignatureError(
                f"{approval.signer} signed for {what} {said}",
                where=f"{evidence.model} version {evidence.version}",
                right=f"Here it is {wanted}: ask for a signature on this",
            )


def _check_yes(vote: Vote, approval: Approval) -> None:
    for did in ("trained_by", "requested_by"):
        if same_name(approval.signer) == same_name(vote.evidence.facts[did]):
            raise SelfApprovalError(
                f"{approval.signer} can't approve: {did} is {vote.evidence.facts[did]}",
                where=f"{vote.evidence.model} version {vote.evidence.version}",
                right="A second person signs",
            )
    longest = approval.signed_at + timedelta(days=vote.policy.valid_days)
    if vote.now >= approval.expires_at or approval.expires_at > longest:
        raise SignatureError(
            f"the approval of {approval.signer} runs to {approval.expires_at}",
            where=f"policy of {vote.policy.line}",
            right=f"Valid are {vote.policy.valid_days} days from signing, to {longest} at most",
        )


def hold(vote: Vote, envelopes: Sequence[str]) -> list[tuple[Approval, str]]:
    """Keep each person's last word; too few yeses, or one no, raise."""
    words, refusals = _words(vote, envelopes)
    noes = [approval for approval, _ in words if approval.decision is Decision.REJECT]
    if noes:
        raise UnsignedError(f"{noes[0].signer} rejected it: {noes[0].reason}", right="Train or review again")
    if len(words) >= vote.policy.signatures:
        return words
    if refusals:
        raise refusals[0]
    raise UnsignedError(
        f"{len(words)} of {vote.policy.signatures} signatures",
        where=f"{vote.evidence.model} version {vote.evidence.version}",
        right=f"A {' or '.join(vote.policy.roles)} signs evidence {vote.evidence.digest[:12]}",
    )


def _words(vote: Vote, envelopes: Sequence[str]) -> tuple[list[tuple[Approval, str]], list[GovernanceError]]:
    last: dict[str, tuple[Approval, str]] = {}
    refusals: list[GovernanceError] = []
    for envelope in envelopes:
        try:
            approval = admit(vote, envelope)
        except (SignatureError, SelfApprovalError) as refusal:
            refusals.append(refusal)
            continue
        known = last.get(approval.signer)
        if known is None or _later(approval, known[0]):
            last[approval.signer] = (approval, envelope)
    return [last[signer] for signer in sorted(last)], refusals


def _later(approval: Approval, known: Approval) -> bool:
    """Say which of one person's words counts; of two at the same moment, the no."""
    if approval.signed_at == known.signed_at:
        return approval.decision is Decision.REJECT
    return approval.signed_at > known.signed_at


def strictest(approvals: Sequence[Approval]) -> Conditions:
    """Join conditions: the earliest date, the smallest limit, every note."""
    dates = [found.conditions.review_by for found in approvals if found.conditions.review_by is not None]
    limits = [
        found.conditions.max_applications
        for found in approvals
        if found.conditions.max_applications is not None
    ]
    notes = [found.conditions.note for found in approvals if found.conditions.note]
    return Conditions(min(dates, default=None), min(limits, default=None), "; ".join(notes))
