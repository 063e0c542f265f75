"""The words: where we run. Place is read once, at the face, into one frozen `Settings`."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from loanbook.errors import SettingsError

PREFIX = "LOANBOOK_"
ROOT = Path(__file__).resolve().parents[1]

# The one place where every dependency's telemetry is switched off. DO_NOT_TRACK=1 would not be honoured.
QUIET = MappingProxyType(
    {
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "GX_ANALYTICS_ENABLED": "false",
    }
)


class Secret(str):
    """A text that prints as stars; `reveal` gives it to the one who needs it."""

    def __repr__(self) -> str:
        return "'**********'"

    def __str__(self) -> str:
        return "**********"

    def __format__(self, _: str) -> str:
        return "**********"

    def reveal(self) -> str:
        """Give the text itself."""
        return str.__str__(self)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# A frozen dataclass and no pydantic model: its import would cost the CLI's help a third of its time.
@dataclass(frozen=True)
class Settings:
    """Where we run: paths, addresses, sizes. Each field is a LOANBOOK_ variable of its name.

    `home` holds everything we make; `actor` is who is at work (never who signs); `environment` names this
    place and is bound into approvals; `threads` and `memory` limit DuckDB and LightGBM; `prefect_api` is a
    Prefect server kept elsewhere; `passphrase` opens the signing key in use; `commit` names the code where
    there is no git to ask; `repo` holds expectations/ and feature_repo/. `master_key` (base64, the newest
    first where there are several, by commas) or `master_key_file` (mode 600, one a line) wraps every key of
    the vault. `redis` is the address of an online store to serve from, such as redis://host:6379/0; without
    it, a SQLite file does.
    """

    home: Path = Path(".loanbook")
    actor: str = field(default_factory=getpass.getuser)
    environment: str = "local"
    threads: int = field(default_factory=_cores)
    memory: str = "4GB"
    prefect_api: str | None = None
    passphrase: Secret | None = None
    commit: str | None = None
    repo: Path = ROOT
    master_key: Secret | None = None
    master_key_file: Path | None = None
    redis: Secret | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Read every LOANBOOK_ variable, or raise SettingsError naming the one that is wrong."""
        known = {PREFIX + one.name.upper(): one.name for one in fields(cls)}
        given = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
        for name in given:
            if name not in known:
                allowed = ", ".join(known)
                raise SettingsError(f"{name} is unknown", where="environment", right=f"Known are {allowed}")
        read: dict[str, Any] = {known[name]: _value(name, text) for name, text in given.items()}
        home = read.pop("home", cls.home).expanduser().resolve()
        return cls(home=home, **read)


def _value(name: str, text: str) -> object:
    """Read one variable as the type of its field."""
    if not text:
        raise SettingsError(f"{name} is empty", where="environment", right="Unset it, or give it a value")
    match name.removeprefix(PREFIX).lower():
        case "home" | "repo" | "master_key_file":
            return Path(text)
        case "passphrase" | "master_key" | "redis":
            return Secret(text)
        case "threads":
            if not text.isdecimal() or not int(text):
                raise SettingsError(
                    f"{name} is {text}", where="environment", right="A whole number from 1 on"
                )
            return int(text)
    return text
