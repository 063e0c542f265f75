"""The words: content hashes. Everything that is bound by a signature is named by one of these."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def canonical(value: object) -> bytes:
    """Write JSON in one way only: sorted keys, no spaces, UTF-8; NaN and infinity raise ValueError."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def of_bytes(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def of_json(value: object) -> str:
    """SHA-256 of the canonical JSON."""
    return of_bytes(canonical(value))


def of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as `sha256sum` prints it."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def of_files(paths: Mapping[str, Path]) -> str:
    """SHA-256 over names and contents, whatever the order or the place."""
    return of_json({name: of_file(path) for name, path in paths.items()})


def of_tree(root: Path, suffixes: Iterable[str]) -> str:
    """SHA-256 over every file below `root` with one of these suffixes, by relative path."""
    wanted = frozenset(suffixes)
    files = (path for path in root.rglob("*") if path.suffix in wanted and path.is_file())
    return of_files({path.relative_to(root).as_posix(): path for path in files})
