"""Feast's own pages open on what was declared, with the words that the summary prints."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from loanbook.features import store, tables
from loanbook.settings import ROOT, Settings


def test_feasts_pages_open_on_what_was_declared(tmp_path: Path) -> None:
    place = Settings(home=tmp_path)
    features = tables.compute(place, "empty", "nothing", {})
    store.declare(place, features)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [Path(sys.executable).parent / "feast", "-c", ROOT / "feature_repo", "ui"]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        env=os.environ | store.place(place, features),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert _answer(f"http://127.0.0.1:{port}/") == 200
    finally:
        process.terminate()
        process.wait(timeout=30)


def _answer(url: str) -> int | None:
    for _ in range(240):
        with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
        time.sleep(0.5)
    return None
