from __future__ import annotations

import threading
from pathlib import Path

import pytest

from loanbook import lake
from loanbook.settings import Settings

CANARY = b"CANARY-OF-THE-SPILL"
ROWS = 700_000


def spilled(settings: Settings, *, private: bool) -> tuple[int, bool]:
    """Sort more than memory holds; give the most bytes seen in the spill, and whether a canary was in it."""
    most, seen, ended = 0, False, threading.Event()

    def look() -> None:
        nonlocal most, seen
        while not ended.wait(0.05):
            for path in (settings.home / "tmp").glob("*"):
                try:
                    held = path.read_bytes()
                except OSError:
                    continue
                most, seen = max(most, len(held)), seen or CANARY in held

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        with lake.connect(settings, private=private) as connection:
            lake.copy_out(
                connection,
                f"SELECT '{CANARY.decode()}' || hash(i)::VARCHAR || repeat('x', 120) AS v "
                f"FROM range({ROWS}) _(i) ORDER BY hash(i * 7)",
                settings.home / "out.parquet",
            )
    finally:
        ended.set()
        watcher.join()
    return most, seen


@pytest.mark.parametrize("private", [False, True])
def test_what_a_private_connection_spills_shows_no_plain_value(tmp_path: Path, private: bool) -> None:
    settings = Settings(home=tmp_path, threads=1, memory="120MB")

    most, seen = spilled(settings, private=private)

    assert most > 1_000_000, "nothing was spilled, so nothing is proved"
    assert seen is not private
