"""candidate → champion: the digest of a bundle: every file in the folder, by name and by content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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
