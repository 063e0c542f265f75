"""What may be known: what an erasure has to do and did so far, kept beside the vault until it is proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from loanbook import lake
from loanbook.errors import PrivacyError
from loanbook.privacy import keyring
from loanbook.settings import Settings


@dataclass(frozen=True)
class Work:
    """One erasure, known by its token alone outside of this file.

    `rows` counts what was found, by place and table, `models` who learned from it, `files` what was
    rewritten: old hash to new.
    """

    token: str
    dataset: str
    customer: str
    because: str
    actor: str
    found: bool = False
    rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    models: tuple[Mapping[str, Any], ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    def rewrote(self, old: str, new: str) -> Work:
        """Note a file that is to take another's place."""
        return replace(self, files={**self.files, old: new}) if old != new else self


def keep(settings: Settings, work: Work) -> Work:
    """Note how far it has come."""
    lake.write_json(path_of(settings, work.token), asdict(work))
    path_of(settings, work.token).chmod(0o600)
    return work


def find(settings: Settings, token: str) -> Work | None:
    """Find an erasure that is not proven yet."""
    path = path_of(settings, token)
    if not path.exists():
        return None
    given: Any = lake.read_json(path)
    return Work(**{**given, "models": tuple(given["models"])})


def current(settings: Settings, token: str) -> Work:
    """Find an erasure that is not proven yet, or raise PrivacyError."""
    work = find(settings, token)
    if work is None:
        raise PrivacyError(
            f"nobody asked for the erasure of {token}",
            where=str(path_of(settings, token)),
            right="Ask by `loanbook erase CUSTOMER --dataset … --because …`",
        )
    return work


def done(settings: Settings, token: str) -> None:
    """Forget the work: the ledger has its proof."""
    path_of(settings, token).unlink(missing_ok=True)


def path_of(settings: Settings, token: str) -> Path:
    """Find where it is kept: in the vault's folder, which only its owner may enter."""
    return keyring.path_of(settings).parent / "erasures" / f"{token}.json"
