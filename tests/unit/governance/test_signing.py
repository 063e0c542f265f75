from __future__ import annotations

import base64
import json
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from loanbook.errors import SignatureError
from loanbook.governance import approvals, signing
from loanbook.governance.approvals import Conditions, Decision
from loanbook.governance.evidence import Evidence
from loanbook.governance.people import People

NOW = datetime(2026, 11, 23, 9, 30)


def test_a_signed_approval_is_read_back_as_it_was_said(
    sign: Callable[..., str], people: People, made: Evidence
) -> None:
    conditions = Conditions(review_by=NOW + timedelta(days=9), max_applications=500, note="only new cars")
    found = signing.verify(sign("bo", conditions=conditions), people)
    assert (found.signer, found.role, found.decision) == ("bo", "reviewer", Decision.APPROVE)
    assert found.evidence == made.digest
    assert found.conditions == conditions


def test_an_auditor_verifies_an_envelope_with_cryptography_alone(
    sign: Callable[..., str], signers: dict[str, Any], made: Evidence
) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    envelope = json.loads(sign("bo"))
    payload = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"].encode()
    said = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    key = load_pem_public_key(signers["bo"].person.public_key.encode())
    key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), said)
    statement = json.loads(payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"][0]["digest"]["sha256"] == made.digest


def test_signing_the_same_twice_gives_the_same_bytes(sign: Callable[..., str]) -> None:
    assert sign("bo") == sign("bo")


def test_a_key_is_private_to_its_owner(tmp_path: Path) -> None:
    signing.create_key(tmp_path / "keys" / "bo.pem", None)
    assert stat.S_IMODE((tmp_path / "keys" / "bo.pem").stat().st_mode) == 0o600


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    signing.create_key(tmp_path / "bo.pem", None)
    before = (tmp_path / "bo.pem").read_bytes()
    with pytest.raises(SignatureError, match="stands there already"):
        signing.create_key(tmp_path / "bo.pem", None)
    assert (tmp_path / "bo.pem").read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    signing.create_key(tmp_path / "bo.pem", None)
    (tmp_path / "bo.pem").chmod(mode)
    with pytest.raises(SignatureError, match="chmod 600"):
        signing.read_public_key(tmp_path / "bo.pem", None)


def test_a_key_opens_with_its_passphrase_alone(tmp_path: Path) -> None:
    public = signing.create_key(tmp_path / "bo.pem", "correct horse")
    assert b"ENCRYPTED" in (tmp_path / "bo.pem").read_bytes()
    assert signing.read_public_key(tmp_path / "bo.pem", "correct horse") == public
    for wrong in ("battery staple", None):
        with pytest.raises(SignatureError, match="doesn't open"):
            signing.read_public_key(tmp_path / "bo.pem", wrong)


def test_a_key_that_is_missing_cut_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    with pytest.raises(SignatureError, match="can't be read"):
        signing.read_public_key(tmp_path / "none.pem", None)
    signing.create_key(tmp_path / "cut.pem", None)
    (tmp_path / "cut.pem").write_bytes((tmp_path / "cut.pem").read_bytes()[:60])
    with pytest.raises(SignatureError, match="doesn't open"):
        signing.read_public_key(tmp_path / "cut.pem", None)
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "ec.pem").write_bytes(other)
    (tmp_path / "ec.pem").chmod(0o600)
    with pytest.raises(SignatureError, match="not of Ed25519"):
        signing.read_public_key(tmp_path / "ec.pem", None)


def _payload(envelope: dict[str, Any], change: Callable[[dict[str, Any]], object]) -> None:
    statement = json.loads(base64.b64decode(envelope["payload"]))
    change(statement)
    envelope["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()


TAMPERINGS: dict[str, Callable[[dict[str, Any]], object]] = {
    "another decision": lambda e: _payload(e, lambda s: s["predicate"].update(decision="reject")),
    "another version": lambda e: _payload(e, lambda s: s["predicate"].update(version=4)),
    "another subject": lambda e: _payload(e, lambda s: s["subject"][0]["digest"].update(sha256="0" * 64)),
    "later expiry": lambda e: _payload(e, lambda s: s["predicate"].update(expires_at="2099-01-01T00:00:00Z")),
    "another type": lambda e: e.update(payloadType="application/json"),
    "no signature": lambda e: e.update(signatures=[]),
    "a zero signature": lambda e: e["signatures"][0].update(sig=base64.b64encode(bytes(64)).decode()),
    "a short signature": lambda e: e["signatures"][0].update(sig="AAAA"),
    "no base64": lambda e: e["signatures"][0].update(sig="é"),
    "another key id": lambda e: e["signatures"][0].update(keyid="00" * 32),
    "signature twice": lambda e: e["signatures"].append(dict(e["signatures"][0])),
    "no payload": lambda e: e.pop("payload"),
    "payload of a number": lambda e: e.update(payload=3),
    "signatures of a text": lambda e: e.update(signatures="x"),
    "signatures of texts": lambda e: e.update(signatures=["x"]),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_a_tampered_envelope_is_refused(sign: Callable[..., str], people: People, name: str) -> None:
    envelope = json.loads(sign("bo"))
    TAMPERINGS[name](envelope)
    with pytest.raises(SignatureError):
        signing.verify(json.dumps(envelope), people)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "{", "3", '"x"', "[" * 100_000, "x" * 2_000_000])
def test_what_is_no_envelope_is_refused(people: People, text: str) -> None:
    with pytest.raises(SignatureError):
        signing.verify(text, people)


def test_a_signature_of_somebody_unknown_is_refused(sign: Callable[..., str], people: People) -> None:
    with pytest.raises(SignatureError, match="nobody here has the key"):
        signing.verify(sign("stranger"), people)


def test_signing_in_another_name_or_role_is_refused(sign: Callable[..., str], people: People) -> None:
    with pytest.raises(SignatureError, match="signed as cy"):
        signing.verify(sign("bo", signer="cy"), people)
    with pytest.raises(SignatureError, match="bo, risk_officer"):
        signing.verify(sign("bo", role="risk_officer"), people)


def test_a_key_borrowed_under_a_known_id_is_refused(
    sign: Callable[..., str], people: People, signers: dict[str, Any]
) -> None:
    envelope = json.loads(sign("stranger", signer="bo"))
    envelope["signatures"][0]["keyid"] = signers["bo"].person.keyid
    with pytest.raises(SignatureError, match="not bo's"):
        signing.verify(json.dumps(envelope), people)


def _signed_as_is(payload: bytes, key: Path) -> str:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner

    envelope = Envelope(payload, signing.PAYLOAD, {})
    envelope.sign(CryptoSigner(signing._load_key(key, None)))
    return json.dumps(envelope.to_dict())


ODDITIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "unknown condition": lambda s: s["predicate"]["conditions"].update(segments=["new"]),
    "unknown claim": lambda s: s["predicate"].update(override=True),
    "second subject": lambda s: s["subject"].append(s["subject"][0]),
    "other predicate type": lambda s: s.update(predicateType="https://example.org/other"),
    "decision maybe": lambda s: s["predicate"].update(decision="maybe"),
    "no reason": lambda s: s["predicate"].update(reason=" "),
    "no expiry": lambda s: s["predicate"].pop("expires_at"),
    "expiry with a zone": lambda s: s["predicate"].update(expires_at="2026-12-01T00:00:00+08:00"),
    "no limit at all": lambda s: s["predicate"]["conditions"].update(max_applications=0),
    "a list": lambda s: s.clear(),
}


@pytest.mark.parametrize("name", ODDITIES)
def test_a_well_signed_statement_that_is_no_approval_is_refused(
    sign: Callable[..., str], people: People, signers: dict[str, Any], name: str
) -> None:
    from loanbook import digests

    statement = json.loads(base64.b64decode(json.loads(sign("bo"))["payload"]))
    ODDITIES[name](statement)
    with pytest.raises(SignatureError):
        signing.verify(_signed_as_is(digests.canonical(statement), signers["bo"].key), people)


def test_a_statement_written_otherwise_than_canonically_is_refused(
    sign: Callable[..., str], people: People, signers: dict[str, Any]
) -> None:
    payload = base64.b64decode(json.loads(sign("bo"))["payload"])
    twice = payload.replace(b'"decision":"approve"', b'"decision":"reject","decision":"approve"')
    with pytest.raises(SignatureError, match="more or other"):
        signing.verify(_signed_as_is(twice, signers["bo"].key), people)


def test_statements_are_written_and_read_alike(sign: Callable[..., str], people: People) -> None:
    found = signing.verify(sign("bo"), people)
    again = replace(found, reason="评审通过 ✓")
    from loanbook import digests

    assert approvals.from_statement(digests.canonical(approvals.to_statement(again))) == again
