"""The operator's face: the commands that open each tool's pages on what was made."""

from __future__ import annotations

import sys
from pathlib import Path

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
        place = {
            "FEAST_REGISTRY_PATH": registries[-1],
            "FEAST_ONLINE_PATH": settings.home / "feast" / folder.parents[1].name / "online.db",
            "FEAST_FEATURE_SET": folder,
        }
        said = " ".join(f"{name}={path}" for name, path in place.items())
        found.append(
            f"Feast:    {said} {python / 'feast'} -c {settings.repo / 'feature_repo'} ui --host 127.0.0.1"
        )
    return tuple(found)
