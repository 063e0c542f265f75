"""The words: where we run. Place is read once, at the face, into one frozen `Settings`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from loanbook.errors import SettingsError

PREFIX = "LOANBOOK_"
ROOT = Path(__file__).resolve().parents[1]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Settings(BaseModel):
    """Where we run: paths, addresses, sizes. Secrets print as stars; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Field(default=Path(".loanbook"), description="folder of everything we make")
    environment: str = Field(default="local", description="name of this place, bound into approvals")
    threads: int = Field(default_factory=_cores, ge=1, description="threads for DuckDB and LightGBM")
    memory: str = Field(default="4GB", description="memory limit of DuckDB")
    prefect_port: int = Field(default=4200, ge=1, le=65535, description="port of the Prefect server")
    passphrase: SecretStr | None = Field(default=None, description="opens the signing key in use")
    repo: Path = Field(default=ROOT, description="folder of expectations/ and feature_repo/")

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Read every LOANBOOK_ variable, or raise SettingsError naming the one that is wrong."""
        given = {
            name.removeprefix(PREFIX).lower(): value
            for name, value in environment.items()
            if name.startswith(PREFIX)
        }
        try:
            settings = cls.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            name = PREFIX + str(first["loc"][0]).upper()
            allowed = ", ".join(PREFIX + field.upper() for field in cls.model_fields)
            raise SettingsError(
                f"{name}: {first['msg']}", where="environment", right=f"Known are {allowed}"
            ) from None
        return settings.model_copy(update={"home": settings.home.expanduser().resolve()})
