"""What may be known: the vault's file and its own keys: one per purpose, wrapped by the master key."""

from __future__ import annotations

import errno
import hmac
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from loanbook import lake
from loanbook.errors import PrivacyError
from loanbook.privacy import keys
from loanbook.privacy.keys import Ring
from loanbook.schema import Purpose
from loanbook.settings import Settings

BUSY_SECONDS = 60.0
ALMOST_NOTHING = 1 << 16  # bytes left on a disk
DISK = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY")
CACHE_KIB, PAGE = 128 * 1024, 16 * 1024
CONTENT, ERASURE, DRIFT = "content", "erasure", "drift"  # keys of the vault's own, beside the purposes'
ERASED, DIGITS = "erased_", 32
USES = (*(purpose.value for purpose in Purpose), CONTENT, ERASURE, DRIFT)
TABLES_OF_IT = """
CREATE TABLE keyring (
    use TEXT PRIMARY KEY,
    key_id TEXT NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE TABLE customers (
    place INTEGER PRIMARY KEY,
    dataset TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    data_key BLOB NOT NULL,
    sealed BLOB NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (dataset, customer_id)
) STRICT;
CREATE TABLE erased (
    customer TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Vault:
    """An open vault: its keys are unwrapped, so that the master key is known to be the right one."""

    path: Path
    ring: Ring
    uses: Mapping[str, bytes] = field(repr=False)

    def token(self, dataset: str, customer_id: str) -> str:
        """Name an erased customer, for proofs and for what law keeps; nothing leads back from it."""
        said = hmac.new(self.uses[ERASURE], bound_to(dataset, customer_id), "sha256")
        return ERASED + said.hexdigest()[:DIGITS]


def path_of(settings: Settings) -> Path:
    """Find the vault of a home folder."""
    return settings.home / "vault" / "vault.sqlite"


def begun(settings: Settings) -> bool:
    """Say whether this home has a vault."""
    path = path_of(settings)
    return path.exists() and path.stat().st_size > 0


def opened(settings: Settings) -> Vault:
    """Open the vault, or make it; a wrong or missing master key raises before anything is written."""
    path, found = path_of(settings), begun(settings)
    ring = keys.load(settings, begun=found)
    known = _keyring(path, ring) if found else {}
    if set(USES) - set(known):
        known = _begin(path, ring)
    return Vault(path, ring, known)


def existing(settings: Settings) -> Vault:
    """Open the vault, or raise PrivacyError where there is none."""
    if not begun(settings):
        raise PrivacyError(
            "there is no vault", where=str(path_of(settings)), right="Ingest first: it keeps what it reads"
        )
    return opened(settings)


def _begin(path: Path, ring: Ring) -> dict[str, bytes]:
    """Make the vault, or those of its keys that it lacks; of two who do so at once, the first one's stay."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.chmod(0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, keys.ONLY_US))
    except OSError as error:
        raise lake.storage_error(error, path) from error
    with connected(path) as connection, writing(connection):
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'keyring'").fetchall():
            for statement in TABLES_OF_IT.split(";\n"):
                connection.execute(statement)
        drawn = [
            (use, ring.newest.id, keys.seal(ring.newest.cipher, ring.newest.drawn(use), use.encode()))
            for use in USES
        ]
        connection.executemany("INSERT OR IGNORE INTO keyring VALUES (?, ?, ?)", drawn)
    return _keyring(path, ring)


def _keyring(path: Path, ring: Ring) -> dict[str, bytes]:
    """Unwrap the vault's own keys, which tells whether the master key is the right one."""
    with connected(path) as connection:
        try:
            rows = connection.execute("SELECT use, key_id, sealed FROM keyring").fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            rows = []  # killed before its first transaction ended
    return {
        use: keys.unseal(ring.of(key_id, path).cipher, sealed, use.encode(), path)
        for use, key_id, sealed in rows
    }


def bound_to(dataset: str, customer_id: str) -> bytes:
    """Say whose a ciphertext is, so that it opens in no other's place."""
    return f"{dataset}|{customer_id}".encode()


@contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """Lend a connection; readers aren't blocked by a writer, and nothing deleted is left in a page."""
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
            connection.execute(f"PRAGMA page_size = {PAGE}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            yield connection
    except sqlite3.DatabaseError as error:
        if number := _disk(error, path):
            raise lake.storage_error(OSError(number, str(error)), path) from error
        raise PrivacyError(f"the vault can't be used: {error}", where=str(path)) from error


def _disk(error: sqlite3.DatabaseError, path: Path) -> int | None:
    """Tell whether the disk is to blame; SQLite calls a full one an I/O error where it can't map its log."""
    name = str(getattr(error, "sqlite_errorname", ""))
    if not name.startswith(DISK):
        return None
    full = name == "SQLITE_FULL" or shutil.disk_usage(path.parent).free < ALMOST_NOTHING
    return errno.ENOSPC if full else errno.EIO


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all of a block or nothing; writers wait for each other."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def emptied(connection: sqlite3.Connection) -> None:
    """Bring the write-ahead log into the vault and cut it off: it may hold what was there before."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
