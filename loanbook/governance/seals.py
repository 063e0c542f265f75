"""candidate → champion: a bundle's files: their digest, by name and by content, and the reading of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loanbook import digests
from loanbook.errors import AlteredError


@dataclass(frozen=True)
class Seal:
    """A folder's digest, and the SHA-256 of each file by its relative name."""

    digest: str
    files: Mapping[str, str]


def of_folder(folder: Path) -> Seal:
    """Hash every file below `folder`; a file more, less or other changes the digest.

    A missing or empty folder and a symbolic link raise AlteredError: what a link leads to is not
    what was signed.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise AlteredError("there is no bundle", where=str(folder), right="Train or fetch it again")
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise AlteredError("a bundle holds plain files only, this is a link", where=str(path))
        if path.is_file():
            files[path.relative_to(folder).as_posix()] = digests.of_file(path)
    if not files:
        raise AlteredError("the bundle is empty", where=str(folder), right="Train or fetch it again")
    return Seal(digests.of_json(files), files)


@dataclass(frozen=True)
class Opened:
    """A bundle's folder, whose bytes are those that were asked for."""

    folder: Path

    def text(self, name: str) -> str:
        """Read a file, or raise AlteredError where there is none."""
        if not (self.folder / name).is_file():
            raise AlteredError(f"the bundle lacks {name}", where=str(self.folder))
        return (self.folder / name).read_text(encoding="utf-8")

    def part(self, name: str) -> dict[str, Any]:
        """Read a file of JSON, or raise AlteredError where there is none."""
        found: dict[str, Any] = json.loads(self.text(name))
        return found


def opened(folder: Path, *, expected: str | None = None) -> Opened:
    """Open a bundle's folder; with `expected`, raise AlteredError unless its bytes are exactly those."""
    found = of_folder(folder).digest
    if expected is not None and found != expected:
        raise AlteredError(
            f"the bundle's digest is {found[:16]}… and {expected[:16]}… was signed",
            where=str(folder),
            right="Restore the signed files, or train and review again",
        )
    return Opened(folder)
