"""The lake: clear away what a killed process left half-written, when nobody else is at work here."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from loanbook import lake
from loanbook.settings import Settings

KEPT = frozenset({".lock", "champions"})

# The mark of being at work, by home folder. The system takes it back when the process ends, however it ends.
_at_work: dict[Path, int] = {}


def clear(settings: Settings) -> None:
    """Be at work in this home folder from now on; whoever is alone there clears up first."""
    if settings.home in _at_work:
        return
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        mark = os.open(settings.home / "at-work.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise lake.storage_error(error, settings.home) from error
    _at_work[settings.home] = mark
    if _alone(mark):
        for left in list(_leftovers(settings.home)):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
    fcntl.flock(mark, fcntl.LOCK_SH)


def _alone(mark: int) -> bool:
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _leftovers(home: Path) -> Iterator[Path]:
    """Find drafts, whose names begin with a dot, and scratch; what is finished has a name of its own."""
    yield from (path for path in (home / "lake").rglob(".*") if path.name not in KEPT)
    yield from (path for path in (home / "tmp").glob("*") if path.name not in KEPT)
