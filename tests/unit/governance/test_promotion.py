from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from loanbook.errors import (
    AlteredError,
    EvidenceError,
    GateError,
    GovernanceError,
    PolicyChangedError,
    SelfApprovalError,
    SignatureError,
    UnsignedError,
)
from loanbook.governance import champions, evidence, policy, promotion
from loanbook.governance.approvals import Conditions, Decision
from loanbook.governance.chain import Entry
from loanbook.governance.evidence import Evidence
from loanbook.governance.ledger import Ledger
from loanbook.governance.people import People
from loanbook.governance.policy import Policy
from loanbook.governance.promotion import Grant

NOW = datetime(2026, 11, 23, 9, 30)
Check = Callable[..., Grant]
Sign = Callable[..., str]


@pytest.fixture
def check(made: Evidence, auto: Policy, people: People) -> Check:
    def _check(*envelopes: str, **otherwise: Any) -> Grant:
        given = {
            "evidence": made,
            "policy": auto,
            "approvals": envelopes,
            "people": people,
            "bundle_digest_now": made.facts["bundle"]["digest"],
            "predictions_digest_now": made.facts["predictions"]["digest"],
            "environment": "local",
            "now": NOW,
        }
        return promotion.check(**(given | otherwise))

    return _check


def test_a_version_that_a_second_person_signed_is_granted(check: Check, sign: Sign, made: Evidence) -> None:
    grant = check(sign("bo"))
    assert (grant.version, grant.evidence) == (3, made.digest)
    assert [approval.signer for approval in grant.approvals] == ["bo"]


def test_a_version_nobody_signed_is_refused(check: Check) -> None:
    with pytest.raises(UnsignedError, match="0 of 1 signatures"):
        check()


def test_a_version_signed_by_its_trainer_is_refused(check: Check, sign: Sign) -> None:
    with pytest.raises(SelfApprovalError, match="trained_by is ada"):
        check(sign("ada"))


def test_whoever_requested_the_training_may_not_approve_it(
    facts: dict[str, Any], auto: Policy, check: Check, sign: Sign
) -> None:
    asked = evidence.assemble({**facts, "requested_by": "  BO "}, auto)
    with pytest.raises(SelfApprovalError, match="requested_by"):
        check(sign("bo", evidence=asked.digest), evidence=asked)


def test_a_self_approval_beside_a_second_persons_does_no_harm(check: Check, sign: Sign) -> None:
    grant = check(sign("ada"), sign("bo"))
    assert [approval.signer for approval in grant.approvals] == ["bo"]


def test_a_bundle_with_one_byte_changed_is_refused(check: Check, sign: Sign) -> None:
    with pytest.raises(AlteredError, match="bundle"):
        check(sign("bo"), bundle_digest_now="00" * 32)


def test_changed_predictions_are_refused(check: Check, sign: Sign) -> None:
    with pytest.raises(AlteredError, match="predictions"):
        check(sign("bo"), predictions_digest_now="00" * 32)


def test_a_policy_changed_after_signing_is_refused(check: Check, sign: Sign, policy_text: str) -> None:
    looser = policy.parse(policy_text.replace("floor = 0.58", "floor = 0.50"), "p")
    with pytest.raises(PolicyChangedError, match="Signed was"):
        check(sign("bo"), policy=looser)


@pytest.mark.parametrize(("auc", "status"), [(0.55, "failed"), (float("nan"), "could_not_run")])
def test_a_gate_that_failed_or_could_not_run_closes_the_way(
    facts: dict[str, Any], auto: Policy, check: Check, sign: Sign, auc: float, status: str
) -> None:
    facts["metrics"]["report"].update(auc=auc, auc_interval=[0.54, 0.64])
    shut = evidence.assemble(facts, auto)
    with pytest.raises(GateError, match=f"auc {status}"):
        check(sign("bo", evidence=shut.digest), evidence=shut)


def test_gates_written_as_passed_by_hand_are_run_again(
    facts: dict[str, Any], auto: Policy, made: Evidence, check: Check, sign: Sign
) -> None:
    from loanbook import digests

    forged = {**facts, "stability": {"score_psi": 0.9}, "gates": made.facts["gates"]}
    lie = Evidence(forged, digests.of_json(forged))
    with pytest.raises(EvidenceError, match="answer otherwise"):
        check(sign("bo", evidence=lie.digest), evidence=lie)


def test_evidence_edited_after_signing_is_refused(check: Check, sign: Sign, made: Evidence) -> None:
    envelope = sign("bo")
    made.facts["metrics"]["report"]["ks"] = 0.9
    with pytest.raises(EvidenceError, match="hashes to"):
        check(envelope)


OTHERWISE: dict[str, dict[str, Any]] = {
    "another evidence": {"evidence": "00" * 32},
    "another version": {"version": 2},
    "another model": {"model": "other"},
    "another line": {"line": "underwriting/consumer"},
    "staging": {"environment": "staging"},
    "in the future": {"signed_at": NOW + timedelta(minutes=1)},
    "expired": {"signed_at": NOW - timedelta(days=40), "expires_at": NOW},
    "valid for longer than the policy allows": {"expires_at": NOW + timedelta(days=91)},
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_an_approval_of_something_else_is_refused(check: Check, sign: Sign, name: str) -> None:
    with pytest.raises(SignatureError):
        check(sign("bo", **OTHERWISE[name]))


def test_an_approval_in_a_role_the_policy_does_not_name_is_refused(check: Check, sign: Sign) -> None:
    with pytest.raises(SignatureError, match="signed as auditor"):
        check(sign("di"))


def test_an_approval_by_somebody_unknown_is_refused(check: Check, sign: Sign) -> None:
    with pytest.raises(SignatureError, match="nobody here"):
        check(sign("stranger"))


def test_an_approval_with_a_forged_signature_is_refused(check: Check, sign: Sign) -> None:
    with pytest.raises(SignatureError):
        check(sign("bo").replace('"sig":"', '"sig":"AAAA'))


def test_a_rejection_stands_against_any_approval(check: Check, sign: Sign) -> None:
    with pytest.raises(UnsignedError, match="cy rejected it: too thin"):
        check(sign("bo"), sign("cy", decision=Decision.REJECT, reason="too thin"))


def test_whoever_rejected_may_think_again_but_an_older_yes_undoes_no_later_no(
    check: Check, sign: Sign
) -> None:
    no = sign("bo", decision=Decision.REJECT, signed_at=NOW - timedelta(hours=2))
    assert check(sign("bo"), no).approvals[0].decision is Decision.APPROVE
    older = sign("bo", signed_at=NOW - timedelta(hours=3))
    with pytest.raises(UnsignedError, match="rejected"):
        check(no, older)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_a_yes_and_a_no_at_one_moment_the_no_counts(
    check: Check, sign: Sign, order: tuple[int, int]
) -> None:
    said = (sign("bo"), sign("bo", decision=Decision.REJECT))
    with pytest.raises(UnsignedError, match="rejected"):
        check(*(said[place] for place in order))


@pytest.fixture
def strict(policy_text: str, facts: dict[str, Any]) -> tuple[Policy, Evidence]:
    both = policy.parse(policy_text.replace("signatures = 1", "signatures = 2"), "p")
    facts["policy"]["digest"] = both.digest
    return both, evidence.assemble(facts, both)


def test_one_person_signing_twice_is_one_signature(
    check: Check, sign: Sign, strict: tuple[Policy, Evidence]
) -> None:
    both, found = strict
    envelopes = [sign("bo", evidence=found.digest, reason=reason) for reason in ("once", "twice")]
    with pytest.raises(UnsignedError, match="1 of 2 signatures"):
        check(*envelopes, policy=both, evidence=found)


def test_two_people_signing_are_two_signatures_under_the_strictest_conditions(
    check: Check, sign: Sign, strict: tuple[Policy, Evidence]
) -> None:
    both, found = strict
    early, late = Conditions(NOW + timedelta(days=5), None, "a"), Conditions(NOW + timedelta(days=9), 70, "b")
    envelopes = [
        sign(who, evidence=found.digest, conditions=said) for who, said in (("bo", late), ("cy", early))
    ]
    grant = check(*envelopes, policy=both, evidence=found)
    assert grant.conditions == Conditions(NOW + timedelta(days=5), 70, "b; a")


# --- a champion, at scoring


@pytest.fixture
def stands(made: Evidence, auto: Policy, people: People) -> Callable[..., Grant]:
    def _stands(record: Entry, **otherwise: Any) -> Grant:
        given = {
            "record": record,
            "evidence": made,
            "policy": auto,
            "people": people,
            "bundle_digest_now": made.facts["bundle"]["digest"],
            "environment": "local",
            "withdrawn": frozenset(),
            "now": NOW + timedelta(days=1),
        }
        return promotion.standing(**(given | otherwise))

    return _stands


def promote(ledger: Ledger, grant: Grant, at: datetime = NOW) -> Entry:
    return ledger.append(champions.PROMOTION, "eva", grant.as_json(), at, once=grant.once(ledger.entries()))


@pytest.fixture
def record(ledger: Ledger, check: Check, sign: Sign) -> Entry:
    return promote(ledger, check(sign("bo")))


def test_a_champion_stands_by_its_record(stands: Callable[..., Grant], record: Entry) -> None:
    assert stands(record).version == 3


def test_a_champion_promoted_in_time_stands_after_its_approval_expired(
    stands: Callable[..., Grant], record: Entry
) -> None:
    assert stands(record, now=NOW + timedelta(days=400)).version == 3


def test_a_champion_past_its_review_date_stands_no_more(
    stands: Callable[..., Grant], ledger: Ledger, check: Check, sign: Sign
) -> None:
    due = promote(ledger, check(sign("bo", conditions=Conditions(review_by=NOW + timedelta(days=7)))))
    assert stands(due).version == 3
    with pytest.raises(UnsignedError, match="review was due"):
        stands(due, now=NOW + timedelta(days=8))


def test_a_withdrawn_champion_never_stands(stands: Callable[..., Grant], record: Entry) -> None:
    with pytest.raises(GovernanceError, match="withdrawn"):
        stands(record, withdrawn=frozenset({3}))


def test_an_altered_champion_does_not_stand(stands: Callable[..., Grant], record: Entry) -> None:
    with pytest.raises(AlteredError):
        stands(record, bundle_digest_now="00" * 32)


def test_a_champion_whose_policy_changed_does_not_stand(
    stands: Callable[..., Grant], record: Entry, policy_text: str
) -> None:
    with pytest.raises(PolicyChangedError):
        stands(record, policy=policy.parse(policy_text + "# later\n", "p"))


def test_a_champion_of_another_place_does_not_stand_here(stands: Callable[..., Grant], record: Entry) -> None:
    with pytest.raises(SignatureError, match="environment"):
        stands(record, environment="production")


RECORDS: dict[str, tuple[dict[str, Any], type[GovernanceError]]] = {
    "no envelopes": ({"envelopes": []}, UnsignedError),
    "envelopes gone": ({"envelopes": None}, UnsignedError),
    "other evidence": ({"evidence": "00" * 32}, EvidenceError),
    "other version": ({"version": 9}, GovernanceError),
    "another claim": ({"approved": True}, GovernanceError),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_that_does_not_hold_makes_no_champion(
    stands: Callable[..., Grant], record: Entry, name: str
) -> None:
    change, error = RECORDS[name]
    with pytest.raises(error):
        stands(replace(record, body={**record.body, **change}))


def test_what_is_no_promotion_or_lies_ahead_makes_no_champion(
    stands: Callable[..., Grant], record: Entry
) -> None:
    for wrong in (replace(record, kind="review"), replace(record, at=NOW + timedelta(days=2))):
        with pytest.raises(GovernanceError, match="no promotion before now"):
            stands(wrong)


def test_the_same_promotion_is_recorded_once(ledger: Ledger, check: Check, sign: Sign) -> None:
    grant = check(sign("bo"))
    assert promote(ledger, grant) == promote(ledger, grant, NOW + timedelta(hours=1))
    assert len(ledger.entries(champions.PROMOTION)) == 1


def test_a_version_that_was_rolled_back_or_followed_may_be_promoted_again(
    ledger: Ledger, check: Check, sign: Sign
) -> None:
    grant = check(sign("bo"))
    other = replace(grant, version=2, evidence="00" * 32)
    promote(ledger, other)
    promote(ledger, grant)
    promote(ledger, other)
    body = {"model": grant.model, "environment": "local", "to": promote(ledger, grant).seq}
    ledger.append(champions.ROLLBACK, "eva", body, NOW)
    again = promote(ledger, grant)
    assert champions.current(ledger.entries(), grant.model, "local") == again
    assert len(ledger.entries(champions.PROMOTION)) == 5


# --- who is champion, by the ledger's order


def write(ledger: Ledger, kind: str, version: int, environment: str = "local", **more: Any) -> Entry:
    body = {"model": "m", "version": version, "environment": environment, **more}
    return ledger.append(kind, "eva", body, NOW)


def versions(entries: Sequence[Entry]) -> int | None:
    found = champions.current(entries, "m", "local")
    return None if found is None else int(found.body["version"])


def test_the_last_promotion_is_champion_and_a_rollback_goes_back(ledger: Ledger) -> None:
    assert versions(ledger.entries()) is None
    first = write(ledger, "promotion", 1)
    write(ledger, "promotion", 2)
    write(ledger, "promotion", 7, "staging")
    assert versions(ledger.entries()) == 2
    assert champions.former(ledger.entries(), "m", "local").seq == first.seq
    write(ledger, "rollback", 1, to=first.seq)
    assert versions(ledger.entries()) == 1
    write(ledger, "promotion", 3)
    assert versions(ledger.entries()) == 3
    assert champions.former(ledger.entries(), "m", "local").body["version"] == 1


def test_a_rollback_skips_what_was_withdrawn_and_has_an_end(ledger: Ledger) -> None:
    for version in (1, 2, 3):
        write(ledger, "promotion", version)
    write(ledger, "withdrawal", 2)
    assert champions.withdrawn(ledger.entries(), "m") == {2}
    assert champions.former(ledger.entries(), "m", "local").body["version"] == 1
    write(ledger, "withdrawal", 1)
    with pytest.raises(GovernanceError, match="no former champion"):
        champions.former(ledger.entries(), "m", "local")


def test_the_last_review_names_the_evidence(ledger: Ledger) -> None:
    for digest in ("aa", "bb"):
        write(ledger, "review", 3, evidence=digest)
    assert champions.reviewed(ledger.entries(), "m", 3) == "bb"
    with pytest.raises(EvidenceError, match="never reviewed"):
        champions.reviewed(ledger.entries(), "m", 4)
