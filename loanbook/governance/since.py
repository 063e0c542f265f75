"""reviewed → champion: what the ledger knows of a version since its review, as of a day."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from loanbook.errors import GovernanceError
from loanbook.governance import instants, people, shelf, signoff, votes
from loanbook.governance.chain import Entry
from loanbook.governance.evidence import Evidence
from loanbook.governance.ledger import of_home
from loanbook.governance.votes import Vote
from loanbook.settings import Settings

REPRODUCTION = "reproduction"


def known(settings: Settings, evidence: Evidence, on: date) -> dict[str, Any]:
    """Say who had signed this evidence by the end of a day, and how its reproductions had ended.

    Approvals are held to keys, roles and policy as at promotion; `refused` says why they don't suffice.
    """
    ledger, end = of_home(settings.home), datetime.combine(on, time.max)
    told = [entry for entry in ledger.entries() if entry.at <= end and _speaks_of(entry, evidence)]
    vote = Vote(
        evidence,
        shelf.policy(settings, evidence.line),
        people.trusted(people.path_of(settings.home), ledger),
        settings.environment,
        end,
    )
    envelopes = [str(entry.body["envelope"]) for entry in told if entry.kind == signoff.APPROVAL]
    try:
        held, refused = votes.hold(vote, envelopes), None
    except GovernanceError as refusal:
        held, refused = [], str(refusal)
    return {
        "approvals": [
            {"signer": one.signer, "role": one.role, "signed_at": instants.text(one.signed_at)}
            for one, _ in held
        ],
        "refused": refused,
        "reproductions": [
            {"same": entry.body["same"], "differs": entry.body["differs"], "at": instants.text(entry.at)}
            for entry in told
            if entry.kind == REPRODUCTION
        ],
    }


def _speaks_of(entry: Entry, evidence: Evidence) -> bool:
    said = tuple(entry.body.get(name) for name in ("model", "version", "evidence"))
    return said == (evidence.model, evidence.version, evidence.digest)
