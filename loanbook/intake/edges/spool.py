"""raw → validated: what was fetched waits here, sealed by a key that lives and dies with this process."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from weakref import WeakValueDictionary, finalize

from loanbook.lake import storage_error

if TYPE_CHECKING:
    import duckdb

BLOCK = 1 << 18  # bytes of plain text that are sealed together
SEAL = 16  # bytes that AES-GCM adds to a block
SCHEME = "held"

_shelf: WeakValueDictionary[str, Held] = WeakValueDictionary()


class Held(io.RawIOBase):
    """One fetched file: written once, then read from any place, by DuckDB too, as `held://<name>`.

    It lies sealed in a scratch file that has no name in the file system, so that nothing of it is left when
    the last reference goes, or the process is killed. `digest` is of the plain bytes.
    """

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self.name, self.size = secrets.token_hex(8), 0
        self._seal = AESGCM(AESGCM.generate_key(bit_length=256))
        self._hash, self._tail, self._blocks = hashlib.sha256(), bytearray(), 0
        try:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this does
        except OSError as error:
            raise storage_error(error, Path(tempfile.gettempdir())) from error
        finalize(self, self._file.close)
        _shelf[self.name] = self

    @property
    def address(self) -> str:
        """The name by which a connection that was shown the shelf reads it."""
        return f"{SCHEME}://{self.name}"

    @property
    def digest(self) -> str:
        """SHA-256 of what was written."""
        return self._hash.hexdigest()

    def writable(self) -> bool:
        """Say so to whoever writes through a file object."""
        return True

    def write(self, data: Any, /) -> int:
        """Take bytes; whole blocks are sealed at once."""
        view = memoryview(data).cast("B")
        self._hash.update(view)
        self._tail += view
        self.size += len(view)
        while len(self._tail) >= BLOCK:
            self._put(bytes(self._tail[:BLOCK]))
            del self._tail[:BLOCK]
        return len(view)

    def tell(self) -> int:
        """Say how much was written."""
        return self.size

    def close(self) -> None:
        """Stay open: a writer that ends closes its file, and reading begins then."""

    def done(self) -> Held:
        """Seal what is left; nothing is written after."""
        if self._tail:
            self._put(bytes(self._tail))
            self._tail.clear()
        return self

    def _put(self, block: bytes) -> None:
        try:
            self._file.write(self._seal.encrypt(self._blocks.to_bytes(12, "big"), block, None))
            self._file.flush()
        except OSError as error:
            raise storage_error(error, Path(tempfile.gettempdir())) from error
        self._blocks += 1

    def block(self, number: int) -> bytes:
        """Open one block."""
        sealed = os.pread(self._file.fileno(), BLOCK + SEAL, number * (BLOCK + SEAL))
        return self._seal.decrypt(number.to_bytes(12, "big"), sealed, None)

    def open(self) -> BinaryIO:
        """Read from the start."""
        return io.BufferedReader(_Reading(self), BLOCK)


class _Reading(io.RawIOBase):
    """A place in a held file."""

    def __init__(self, held: Held) -> None:
        self._held, self._at, self._last = held, 0, (-1, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._held.size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        room = memoryview(buffer).cast("B")
        number, skip = divmod(self._at, BLOCK)
        if self._at >= self._held.size:
            return 0
        if self._last[0] != number:
            self._last = (number, self._held.block(number))
        part = self._last[1][skip : skip + len(room)]
        room[: len(part)] = part
        self._at += len(part)
        return len(part)


def show(connection: duckdb.DuckDBPyConnection) -> None:
    """Let a connection read what is held, while it is held."""
    if SCHEME not in connection.list_filesystems():
        connection.register_filesystem(_filesystem())


def _filesystem() -> Any:
    """Make the file system that DuckDB reads through; it can do nothing but read."""
    from fsspec import AbstractFileSystem  # type: ignore[import-untyped]

    class Shelf(AbstractFileSystem):  # type: ignore[misc] # fsspec ships no types
        protocol = SCHEME
        cachable = False

        def _open(self, path: str, *_: Any, **__: Any) -> BinaryIO:
            return self._held(path).open()

        def info(self, path: str, **_: Any) -> dict[str, Any]:
            return {"name": path, "size": self._held(path).size, "type": "file"}

        def glob(self, path: str, **_: Any) -> list[str]:
            return [path] if path.removeprefix(f"{SCHEME}://") in _shelf else []

        def modified(self, _: str) -> Any:
            from datetime import UTC, datetime

            return datetime(2000, 1, 1, tzinfo=UTC)  # what is held never changes

        def _held(self, path: str) -> Held:
            return _shelf[path.removeprefix(f"{SCHEME}://")]

    return Shelf()
