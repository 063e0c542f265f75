"""The locked set starts: Prefect's server and its own command line, MLflow's server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bench.measuring import Row, exactly
from loanbook import standing
from loanbook.settings import Settings

BIN = Path(sys.executable).parent


def rows(place: Settings) -> Iterator[Row]:
    """Start them, and ask."""
    server = standing.ensure(place)
    environment = os.environ | standing.environment(place, server)
    for words in (["version"], ["work-pool", "ls"], ["flow-run", "ls", "--limit", "1"]):
        done = subprocess.run([BIN / "prefect", *words], env=environment, capture_output=True, check=False)
        yield exactly(
            "way", f"`prefect {' '.join(words)}` against the standing server, exit code", done.returncode, 0
        )
    yield exactly(
        "way", "MLflow's server on what was made, answer of /health", _mlflow(place, environment), "OK"
    )


def _mlflow(place: Settings, environment: dict[str, str]) -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    store = f"sqlite:///{place.home / 'mlflow' / 'mlflow.db'}"
    command = [str(BIN / "mlflow"), "server", "--backend-store-uri", store, "--port", port, "--workers", "1"]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        for _ in range(240):
            with (
                suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer,
            ):
                return str(answer.read().decode())
            time.sleep(0.5)
        return "no answer in 120 s"
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=30)
