"""candidate → champion: sign and verify statements. The one door of securesystemslib and cryptography.

What a person signs is an in-toto Statement v1 in a DSSE envelope with one Ed25519 signature, so that any
tool that knows DSSE can verify it with the signer's public key alone. An approval's subject is the evidence.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanbook import digests
from loanbook.errors import SignatureError
from loanbook.governance.approvals import Approval, from_statement, to_statement

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from loanbook.governance.people import People, Person

PAYLOAD = "application/vnd.in-toto+json"
OTHERS = stat.S_IRWXG | stat.S_IRWXO
LARGEST = 1_000_000


@dataclass(frozen=True)
class PublicKey:
    """What others verify with: the key's id and its PEM."""

    keyid: str
    pem: str


def create_key(path: Path, passphrase: str | None) -> PublicKey:
    """Make an Ed25519 key at `path` (PKCS #8 PEM, mode 600); never overwrite one."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    lock = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    _write_new(path, pem)
    return _public(key)


def _write_new(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise SignatureError(
            "a key stands there already", where=str(path), right="Keys are never overwritten: name another"
        ) from None
    except OSError as error:
        raise SignatureError(f"the key can't be written: {error.strerror}", where=str(path)) from error
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)


def _public(key: Ed25519PrivateKey) -> PublicKey:
    from cryptography.hazmat.primitives import serialization

    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public_key(pem.decode())


def public_key(pem: str) -> PublicKey:
    """Read a public Ed25519 key; anything else raises SignatureError."""
    return PublicKey(_sslib(pem).keyid, pem)


def _sslib(pem: str) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SignatureError(f"this is no public key: {error}", right="Give its PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise SignatureError("this key is not of Ed25519", right="Make one with `create_key`")
    return SSlibKey.from_crypto(key)


def read_public_key(path: Path, passphrase: str | None) -> PublicKey:
    """Read the public half of a private key."""
    return _public(_load_key(path, passphrase))


def _load_key(path: Path, passphrase: str | None) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        content = _read_private(path)
        key = load_pem_private_key(content, passphrase.encode() if passphrase else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SignatureError(
            "the key doesn't open", where=str(path), right="Check the passphrase, and that the file is whole"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SignatureError("this key is not of Ed25519", where=str(path))
    return key


def _read_private(path: Path) -> bytes:
    """Read a key through one handle, so that the file whose mode was checked is the one that is read."""
    try:
        with path.open("rb") as stream:
            if os.fstat(stream.fileno()).st_mode & OTHERS:
                raise SignatureError(
                    "others may read this key", where=str(path), right=f"Run: chmod 600 {path}"
                )
            return stream.read()
    except OSError as error:
        raise SignatureError(f"the key can't be read: {error.strerror}", where=str(path)) from error


def sign(approval: Approval, key: Path, passphrase: str | None) -> str:
    """Sign an approval; return its DSSE envelope as JSON."""
    return seal(to_statement(approval), key, passphrase)


def seal(statement: Mapping[str, Any], key: Path, passphrase: str | None) -> str:
    """Sign an in-toto statement as it is; return its DSSE envelope as JSON."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner

    envelope = Envelope(digests.canonical(statement), PAYLOAD, {})
    envelope.sign(CryptoSigner(_load_key(key, passphrase)))
    return digests.canonical(envelope.to_dict()).decode()


def verify(envelope: str, people: People) -> Approval:
    """Verify an envelope against the enrolled people; return the approval it carries.

    The signer is whoever's key verifies; the name and role in the statement must be theirs. Whether
    the approval fits a version, a place and a day is judged in `promotion`.
    """
    person, payload = opened(envelope, people)
    approval = from_statement(payload)
    refuse_borrowed(approval.signer, approval.role, person)
    return approval


def opened(envelope: str, people: People) -> tuple[Person, bytes]:
    """Verify an envelope; give whose key signed it, and the statement, which is still to be read strictly."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError

    if len(envelope) > LARGEST:
        raise SignatureError("the envelope is larger than any statement", where="envelope")
    found = None
    # securesystemslib says nothing of what it raises on arbitrary bytes: these were seen.
    with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
        found = Envelope.from_dict(json.loads(envelope))
    if found is None:
        raise SignatureError("this is no DSSE envelope", right="Ask for the signature again")
    if found.payload_type != PAYLOAD or len(found.signatures) != 1:
        raise SignatureError("not one signature on one in-toto statement", right="One envelope per signer")
    person = people.by_keyid(next(iter(found.signatures)))
    try:
        found.verify([_sslib(person.public_key)], 1)
    except (VerificationError, ValueError):
        raise SignatureError(
            f"the signature is not {person.name}'s", where="envelope", right="Ask for it again"
        ) from None
    return person, found.payload


def refuse_borrowed(signer: str, role: str, person: Person) -> None:
    """Refuse a statement that names another signer or role than its key's owner has."""
    if signer != person.name or role not in person.roles:
        raise SignatureError(
            f"signed as {signer}, {role}",
            where=f"the key of {person.name}",
            right=f"Its owner may sign as {', '.join(person.roles)}",
        )
