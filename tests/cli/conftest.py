"""The real command line, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

LOANBOOK = Path(sys.executable).parent / "loanbook"


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code and what it wrote."""

    code: int
    out: str
    err: str


@pytest.fixture
def loanbook(home: Path, tmp_path: Path) -> Callable[..., Ended]:
    """Type a command in a new home folder; `environment` is set beside what the test's own process has."""

    def run(*words: str | Path, environment: dict[str, str] | None = None) -> Ended:
        done = subprocess.run(
            [LOANBOOK, *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "LOANBOOK_HOME": str(home), **(environment or {})},
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run
