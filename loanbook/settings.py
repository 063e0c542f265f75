"""The words: where we run. Place is read once, at the face, into one frozen `Settings`."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from loanbook.errors import SettingsError

PREFIX = "LOANBOOK_"

# The one place where every dependency's telemetry is switched off. DO_NOT_TRACK=1 would not be honoured.
QUIET = MappingProxyType(
    {
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
        "GX_ANALYTICS_ENABLED": "false",
    }
)
ROOT = Path(__file__).resolve().parents[1]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Settings(BaseModel):
    """Where we run: paths, addresses, sizes. Secrets print as stars; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Field(default=Path(".loanbook"), description="folder of everything we make")
    actor: str = Field(default_factory=getpass.getuser, description="who is at work; never who signs")
    environment: str = Field(default="local", description="name of this place, bound into approvals")
    threads: int = Field(default_factory=_cores, ge=1, description="threads for DuckDB and LightGBM")
    memory: str = Field(default="4GB", description="memory limit of DuckDB")
    prefect_api: str | None = Field(default=None, description="address of a Prefect server kept elsewhere")
    passphrase: SecretStr | None = Field(default=None, description="opens the signing key in use")
    commit: str | None = Field(default=None, description="code commit, where there is no git to ask")
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
