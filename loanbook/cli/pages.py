"""The operator's face: the commands that open each tool's pages on what was made."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path

from loanbook.features import store as features
from loanbook.settings import Settings
from loanbook.standing import Server


def pages(settings: Settings, server: Server | None) -> tuple[str, ...]:
    """Give a command or an address for Prefect's, MLflow's and Feast's pages."""
    python = Path(sys.executable).parent
    store = f"--backend-store-uri sqlite:///{settings.home / 'mlflow' / 'mlflow.db'}"
    found = [
        f"Prefect:  {server.page}" if server else "Prefect:  loanbook up",
        f"MLflow:   DO_NOT_TRACK=true {python / 'mlflow'} ui {store} --port 5000 --workers 1",
    ]
    registries = sorted(
        settings.home.glob("lake/*/features/*/registry.db"), key=lambda path: path.stat().st_mtime
    )
    if registries:
        folder = registries[-1].parent
        # its pages need no Redis, and nobody its password
        place = features.environment(replace(settings, redis=None), folder.parents[1].name, folder)
        said = " ".join(f"{name}={shlex.quote(value)}" for name, value in place.items())
        found.append(
            f"Feast:    {said} {python / 'feast'} -c {settings.repo / 'feature_repo'} ui --host 127.0.0.1"
        )
    return tuple(found)
