from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from loanbook import digests
from loanbook.errors import PolicyError, SignatureError
from loanbook.governance import people, policy, rulings, signing
from loanbook.governance.people import STEWARD, People, Person
from loanbook.governance.rulings import Action, Answer, Decision, Proposal, Subject

NOW = datetime(2026, 11, 23, 9, 30)
PROPOSAL = Proposal(
    dataset="world",
    table="applications",
    action=Action.REPAIR,
    rows=(Subject("1f0c9a7b22de-17", "1f" * 32, "2e" * 32), Subject("1f0c9a7b22de-18", "1f" * 32, "3d" * 32)),
    values="4c" * 32,
    columns=("amount",),
    reason="传真上是 1,003.50 ✓",
    environment="local",
    signer="bo",
    role=STEWARD,
    signed_at=NOW,
)
ANSWER = Answer("5b" * 32, Decision.CONFIRM, "I have the fax", "local", "cy", STEWARD, NOW)


def test_what_is_said_is_read_back_as_it_was_said() -> None:
    assert rulings.proposal_of(digests.canonical(PROPOSAL.statement)) == PROPOSAL
    assert rulings.answer_of(digests.canonical(ANSWER.statement)) == ANSWER


def test_a_proposals_subjects_are_its_rows_by_content() -> None:
    subjects = PROPOSAL.statement["subject"]
    assert [one["digest"]["sha256"] for one in subjects] == ["2e" * 32, "3d" * 32]
    assert subjects[0]["name"] == "world/applications/1f0c9a7b22de-17"


ODDITIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "unknown claim": lambda s: s["predicate"].update(override=True),
    "unknown action": lambda s: s["predicate"].update(action="delete"),
    "a row more among the subjects": lambda s: s["subject"].append(dict(s["subject"][0])),
    "another content of a row": lambda s: s["subject"][0]["digest"].update(sha256="00" * 32),
    "a part that is no hash": lambda s: s["predicate"]["rows"][0].update(part="1f"),
    "no rows": lambda s: (s["predicate"].update(rows=[]), s.update(subject=[])),
    "no reason": lambda s: s["predicate"].update(reason=" "),
    "a repair without values": lambda s: s["predicate"].update(values=None),
    "a release with values": lambda s: s["predicate"].update(action="release"),
    "columns of a text": lambda s: s["predicate"].update(columns="amount"),
    "another type": lambda s: s.update(predicateType=rulings.ANSWERED),
    "a list": lambda s: s.clear(),
}


@pytest.mark.parametrize("name", ODDITIES)
def test_a_statement_that_is_no_proposal_is_refused(name: str) -> None:
    statement = json.loads(digests.canonical(PROPOSAL.statement))
    ODDITIES[name](statement)
    with pytest.raises(SignatureError):
        rulings.proposal_of(digests.canonical(statement))


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b"{", b"[" * 100_000, b"\xff"])
def test_what_is_no_statement_is_refused(payload: bytes) -> None:
    for read in (rulings.proposal_of, rulings.answer_of):
        with pytest.raises(SignatureError):
            read(payload)


def test_one_kind_of_statement_never_passes_as_another(
    sign: Callable[..., str], people: People, signers: dict[str, Any]
) -> None:
    proposed = signing.seal(PROPOSAL.statement, signers["bo"].key, None)
    assert signing.opened(proposed, people)[0].name == "bo"
    with pytest.raises(SignatureError, match="no approval"):
        signing.verify(proposed, people)
    _, approval = signing.opened(sign("bo"), people)
    for read in (rulings.proposal_of, rulings.answer_of):
        with pytest.raises(SignatureError):
            read(approval)
    with pytest.raises(SignatureError):
        rulings.answer_of(digests.canonical(PROPOSAL.statement))
    with pytest.raises(SignatureError):
        rulings.proposal_of(digests.canonical(ANSWER.statement))


def test_a_steward_is_enrolled_and_no_policy_can_ask_for_one(
    tmp_path: Any, ledger: Any, signers: dict[str, Any], policy_text: str
) -> None:
    person = replace(signers["bo"].person, roles=(STEWARD,))
    assert isinstance(person, Person)
    people.enrol(tmp_path / "people.json", ledger, person, "ada", NOW)
    assert people.trusted(tmp_path / "people.json", ledger).people == (person,)
    assert 'roles = ["reviewer"' in policy_text
    with pytest.raises(PolicyError, match="unknown role 'steward'"):
        policy.parse(policy_text.replace('roles = ["reviewer"', 'roles = ["steward"'), "auto.toml")
