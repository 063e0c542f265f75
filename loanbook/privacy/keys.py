"""What may be known: the master key, under which every other key is wrapped. The one door of AES-GCM."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from loanbook import lake
from loanbook.errors import MasterKeyError
from loanbook.settings import Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

BYTES, NONCE = 32, 12
LOCAL = "local"
ONLY_US = 0o600
USES = ("id", "wrap", "draw")
HOW = "Give base64 of 32 random bytes: `loanbook keys add FILE` makes such a file"


@dataclass(frozen=True)
class MasterKey:
    """A key that wraps others; `id` tells which it is and nothing about it."""

    id: str
    cipher: AESGCM = field(repr=False)
    seed: bytes = field(repr=False)

    def drawn(self, use: str) -> bytes:
        """Draw a vault's first key for a use: the same master key gives the same tokens in every home."""
        return hmac.new(self.seed, use.encode(), "sha256").digest()


@dataclass(frozen=True)
class Ring:
    """The master keys of this place, newest first: the first wraps, each unwraps what it wrapped."""

    keys: tuple[MasterKey, ...]

    @property
    def newest(self) -> MasterKey:
        """The key that wraps from now on."""
        return self.keys[0]

    def of(self, key_id: str, where: Path) -> MasterKey:
        """Find a key by its id, or raise MasterKeyError."""
        for key in self.keys:
            if key.id == key_id:
                return key
        raise MasterKeyError(
            f"the vault is wrapped by key {key_id}, and here are {', '.join(key.id for key in self.keys)}",
            where=str(where),
            right="Give that key too, in LOANBOOK_MASTER_KEY or LOANBOOK_MASTER_KEY_FILE",
        )


def load(settings: Settings, *, begun: bool) -> Ring:
    """Read the master keys of this place, or raise MasterKeyError.

    A local place that names none has one of its own, made when nothing is wrapped yet (`begun` is false).
    """
    if settings.master_key is not None and settings.master_key_file is not None:
        raise MasterKeyError(
            "two places name the master key",
            where="LOANBOOK_MASTER_KEY and LOANBOOK_MASTER_KEY_FILE",
            right="Set one of them",
        )
    if settings.master_key is not None:
        return _ring(settings.master_key.reveal().split(","), "LOANBOOK_MASTER_KEY")
    if settings.master_key_file is not None:
        return read(settings.master_key_file)
    if settings.environment != LOCAL:
        raise MasterKeyError(
            f"no master key is given in {settings.environment}",
            where="environment",
            right="Set LOANBOOK_MASTER_KEY or LOANBOOK_MASTER_KEY_FILE",
        )
    own = local_path(settings)
    if not own.exists() and not begun:
        _write_new(own, _drawn())
    return read(own)


def local_path(settings: Settings) -> Path:
    """Find the key that a local place makes for itself."""
    return settings.home / "keys" / "master.key"


def read(path: Path) -> Ring:
    """Read the keys of a file that only its owner may read, one a line, newest first."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode != ONLY_US:
            raise MasterKeyError(
                f"the master key has mode {mode:o}", where=str(path), right=f"chmod 600 {path}"
            )
        lines = path.read_text(encoding="ascii").split()
    except FileNotFoundError:
        raise MasterKeyError(
            "the master key is missing", where=str(path), right="Restore it: what it wraps can't be read else"
        ) from None
    except (OSError, UnicodeDecodeError):
        raise MasterKeyError("the master key can't be read", where=str(path), right=HOW) from None
    return _ring(lines, str(path))


def add(path: Path) -> Ring:
    """Draw a key and write it before those of a file, or to a new file."""
    if path.exists():
        read(path)
        _write(path, f"{_drawn()}{path.read_text(encoding='ascii')}")
    else:
        _write_new(path, _drawn())
    return read(path)


def drop(path: Path, unused: Callable[[str], bool]) -> Ring:
    """Take from a file every key that wraps nothing any more; the newest stays."""
    ring = read(path)
    lines = path.read_text(encoding="ascii").split()
    kept = [
        line for line, key in zip(lines, ring.keys, strict=True) if key is ring.newest or not unused(key.id)
    ]
    _write(path, "\n".join(kept) + "\n")
    return read(path)


def cipher(key: bytes) -> AESGCM:
    """Give the AES-GCM of a key of 32 bytes."""
    return _aesgcm()(key)


@cache
def _aesgcm() -> type[AESGCM]:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM


def seal(by: AESGCM, plain: bytes, bound: bytes) -> bytes:
    """Encrypt and bind to what it belongs to; the nonce comes first."""
    nonce = os.urandom(NONCE)
    return nonce + by.encrypt(nonce, plain, bound)


def unseal(by: AESGCM, sealed: bytes, bound: bytes, where: Path) -> bytes:
    """Decrypt what `seal` made, or raise MasterKeyError: another key, or an altered byte."""
    from cryptography.exceptions import InvalidTag

    try:
        return by.decrypt(sealed[:NONCE], sealed[NONCE:], bound)
    except (InvalidTag, ValueError):
        raise MasterKeyError(
            "what is in the vault doesn't open: the key is another, or it was altered",
            where=str(where),
            right="Give the key that it was wrapped by, or restore the vault",
        ) from None


def _ring(texts: list[str], where: str) -> Ring:
    keys = tuple(_key(text.strip(), where) for text in texts)
    if not keys:
        raise MasterKeyError("there is no master key", where=where, right=HOW)
    if len({key.id for key in keys}) != len(keys):
        raise MasterKeyError("a master key stands there twice", where=where, right="Give each once")
    return Ring(keys)


def _key(text: str, where: str) -> MasterKey:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MasterKeyError("the master key is no base64", where=where, right=HOW) from None
    if len(raw) != BYTES:
        raise MasterKeyError(f"the master key has {len(raw)} bytes", where=where, right=HOW)
    derived = {use: hmac.digest(raw, f"loanbook {use} 1".encode(), "sha256") for use in USES}
    return MasterKey(hashlib.sha256(derived["id"]).hexdigest()[:16], cipher(derived["wrap"]), derived["draw"])


def _drawn() -> str:
    return base64.b64encode(os.urandom(BYTES)).decode() + "\n"


def _write_new(path: Path, text: str) -> None:
    """Write a key that wasn't there, whole or not at all; of two who do so at once, the first one's stays."""
    with _draft(path, text) as draft, suppress(FileExistsError):
        os.link(draft, path)


def _write(path: Path, text: str) -> None:
    """Put keys in the place of others, whole or not at all."""
    with _draft(path, text) as draft:
        draft.replace(path)


@contextmanager
def _draft(path: Path, text: str) -> Iterator[Path]:
    """Lend a file beside `path` that holds the text and that nobody else may read."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, ONLY_US), "w") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        yield draft
    except OSError as error:
        raise lake.storage_error(error, path) from error
    finally:
        draft.unlink(missing_ok=True)
