"""candidate → champion: whether a version may become champion, and whether a champion still stands.

Nothing is read, written or asked of a clock here: whoever calls brings the bytes' digests as they
are now, the people, the approvals and the time. This stands above the signing door, below the flows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loanbook.errors import (
    AlteredError,
    EvidenceError,
    GateError,
    GovernanceError,
    PolicyChangedError,
    UnsignedError,
)
from loanbook.governance import champions, gates, votes
from loanbook.governance import evidence as evidences
from loanbook.governance.approvals import Approval, Conditions
from loanbook.governance.chain import Entry
from loanbook.governance.champions import PROMOTION
from loanbook.governance.evidence import Evidence
from loanbook.governance.gates import Status
from loanbook.governance.people import People
from loanbook.governance.policy import Policy
from loanbook.governance.votes import Vote


@dataclass(frozen=True)
class Grant:
    """Leave to promote one version in one environment, with all that it stands on."""

    evidence: str
    line: str
    model: str
    version: int
    environment: str
    bundle: str
    policy: str
    envelopes: tuple[str, ...]
    approvals: tuple[Approval, ...]
    conditions: Conditions

    def once(self, entries: Sequence[Entry]) -> str:
        """Give the key under which the ledger takes this promotion once, as things stand in it.

        Killed and run again, it is the same promotion; after another champion or a rollback it is a
        new one, though of the same version.
        """
        turn = champions.turn(entries, self.model, self.environment, self.evidence)
        return f"{PROMOTION}:{self.environment}:{self.model}:{self.version}:{self.evidence}:{turn}"

    def as_json(self) -> dict[str, Any]:
        """Write the ledger's record; with the evidence it verifies on a machine that has nothing else."""
        return {
            "evidence": self.evidence,
            "line": self.line,
            "model": self.model,
            "version": self.version,
            "environment": self.environment,
            "bundle": self.bundle,
            "policy": self.policy,
            "envelopes": list(self.envelopes),
            "signers": [approval.signer for approval in self.approvals],
        }


def check(
    *,
    evidence: Evidence,
    policy: Policy,
    approvals: Sequence[str],
    people: People,
    bundle_digest_now: str,
    predictions_digest_now: str,
    environment: str,
    now: datetime,
) -> Grant:
    """Grant a promotion, or raise the error of the first thing that stands in its way.

    `approvals` are envelopes. One that doesn't hold counts for nothing; its own error is raised when
    too few others hold. A valid rejection stands until the same person signs otherwise.
    """
    _check_evidence(evidence, policy)
    _check_bytes("bundle", evidence.facts["bundle"]["digest"], bundle_digest_now)
    _check_bytes("predictions", evidence.facts["predictions"]["digest"], predictions_digest_now)
    _check_gates(evidence, policy)
    held = votes.hold(Vote(evidence, policy, people, environment, now), approvals)
    agreed = tuple(approval for approval, _ in held)
    return Grant(
        evidence=evidence.digest,
        line=evidence.line,
        model=evidence.model,
        version=evidence.version,
        environment=environment,
        bundle=bundle_digest_now,
        policy=policy.digest,
        envelopes=tuple(envelope for _, envelope in held),
        approvals=agreed,
        conditions=votes.strictest(agreed),
    )


def standing(
    *,
    record: Entry,
    evidence: Evidence,
    policy: Policy,
    people: People,
    bundle_digest_now: str,
    environment: str,
    withdrawn: frozenset[int],
    now: datetime,
) -> Grant:
    """Check a champion before it scores, from its promotion in the ledger; return what binds it.

    All is checked again as at the time of the record. An approval's expiry limits when one may
    promote, so a champion that was promoted in time stays; a review date in its conditions is a
    promise about serving, so after it the champion stands no more. The predictions bear on the
    review alone and are not asked for. A withdrawn version never stands.
    """
    place = f"ledger entry {record.seq}"
    if record.kind != PROMOTION or now < record.at:
        raise GovernanceError("this records no promotion before now", where=place, right="Promote first")
    if evidence.version in withdrawn:
        raise GovernanceError(f"version {evidence.version} was withdrawn", where=place, right="Roll back")
    if record.body.get("evidence") != evidence.digest:
        raise EvidenceError("the champion was promoted on other evidence", where=place, right="Fetch that")
    grant = check(
        evidence=evidence,
        policy=policy,
        approvals=_envelopes(record.body, place),
        people=people,
        bundle_digest_now=bundle_digest_now,
        predictions_digest_now=evidence.facts["predictions"]["digest"],
        environment=environment,
        now=record.at,
    )
    if grant.as_json() != dict(record.body):
        raise GovernanceError("the record says other than it grants", where=place, right="Promote again")
    if grant.conditions.review_by is not None and now > grant.conditions.review_by:
        raise UnsignedError(
            f"its review was due by {grant.conditions.review_by}", where=place, right="Review and sign again"
        )
    return grant


def _envelopes(body: Mapping[str, Any], place: str) -> tuple[str, ...]:
    found = body.get("envelopes")
    if not isinstance(found, list) or not all(isinstance(envelope, str) for envelope in found):
        raise UnsignedError("the record carries no approvals", where=place, right="Promote again")
    return tuple(found)


def _check_evidence(evidence: Evidence, policy: Policy) -> None:
    evidences.verify(evidence)
    bound = evidence.facts["policy"]["digest"]
    if bound != policy.digest or evidence.line != policy.line:
        raise PolicyChangedError(
            f"the policy of {policy.line} is {policy.digest[:12]} now",
            where=f"evidence {evidence.digest[:12]}",
            right=f"Signed was {bound[:12]} of {evidence.line}: restore it, or review and sign again",
        )


def _check_bytes(what: str, signed: str, now: str) -> None:
    if signed != now:
        raise AlteredError(
            f"the {what} hash to {now[:12]}" if what.endswith("s") else f"the {what} hashes to {now[:12]}",
            right=f"Signed was {signed[:12]}: restore those bytes, or review again",
        )


def _check_gates(evidence: Evidence, policy: Policy) -> None:
    """Run the gates again: what the evidence says of them must be what they say."""
    facts = {key: value for key, value in evidence.facts.items() if key != "gates"}
    results = gates.run(policy, facts)
    if [result.as_json() for result in results] != list(evidence.facts["gates"]):
        raise EvidenceError("the gates answer otherwise than the evidence says", right="Review again")
    shut = [result for result in results if result.status is not Status.PASSED]
    if shut:
        first = shut[0]
        raise GateError(
            f"{len(shut)} of {len(results)} gates are shut; {first.gate} {first.status.value}: {first.why}",
            where=f"{evidence.model} version {evidence.version}",
            right=f"Demanded is {first.bound}",
        )
