"""candidate → reviewed: which code, lockfile and place a version was made with."""

from __future__ import annotations

import platform
import subprocess
import sys
from typing import Any

from loanbook import digests
from loanbook.settings import Settings

CODE = ("loanbook", "flows", "feature_repo", "expectations")
SUFFIXES = (".py", ".sql", ".toml", ".yaml", ".html")


def code(settings: Settings) -> dict[str, Any]:
    """Give commit, whether something isn't in it, and the hashes of our own code and of the lockfile.

    What can't be found is null, which the reproducibility gate refuses.
    """
    lockfile = settings.repo / "uv.lock"
    return {
        "commit": settings.commit or _git(settings, "rev-parse", "HEAD"),
        "dirty": False if settings.commit else _dirty(settings),
        "digest": code_digest(settings),
        "lockfile": digests.of_file(lockfile) if lockfile.exists() else None,
    }


def code_digest(settings: Settings) -> str:
    """Hash every file of ours that can change a result."""
    return digests.of_json({name: digests.of_tree(settings.repo / name, SUFFIXES) for name in CODE})


def environment(settings: Settings) -> dict[str, str]:
    """Name what the figures were computed on."""
    return {
        "name": settings.environment,
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
    }


def _dirty(settings: Settings) -> bool | None:
    changed = _git(settings, "status", "--porcelain", "--", *CODE, "uv.lock")
    return None if changed is None else bool(changed)


def _git(settings: Settings, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(settings.repo), *words], capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
