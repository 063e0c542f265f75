"""What is locked starts and answers, and calls nobody."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from loanbook.settings import QUIET

BIN = Path(sys.executable).parent


def _answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_prefect_server_answers_and_serves_its_pages(standing_at):
    api = standing_at["PREFECT_API_URL"]
    assert _answers(f"{api}/health")
    assert _answers(api.removesuffix("/api"))


@pytest.mark.parametrize("words", [("version",), ("work-pool", "ls")], ids=" ".join)
def test_prefects_own_command_line_works_against_it(standing_at, words):
    done = subprocess.run(
        [BIN / "prefect", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **standing_at},
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_deployments_can_be_deployed(standing_at, root, copy_repo):
    """From the declarations as they lie here, to the session's server; no worker starts."""
    given = {**os.environ, **standing_at, "LOANBOOK_REPO": str(root)}
    pool = ("work-pool", "create", "loanbook", "--type", "process")
    made = subprocess.run([BIN / "prefect", *pool], capture_output=True, text=True, check=False, env=given)
    assert made.returncode == 0, made.stdout + made.stderr
    deploy = ("--no-prompt", "deploy", "--all", "--prefect-file", "infra/prefect.yaml")
    done = subprocess.run(
        [BIN / "prefect", *deploy], capture_output=True, text=True, check=False, env=given, cwd=root
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_mlflow_server_starts_and_is_healthy(tmp_path):
    port = _free_port()
    command = [
        BIN / "mlflow", "server", "--backend-store-uri", f"sqlite:///{tmp_path / 'mlflow.db'}",
        "--artifacts-destination", str(tmp_path / "artifacts"),
        "--workers", "1", "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    given = {**os.environ, **QUIET, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=given, start_new_session=True)
    try:
        deadline = time.monotonic() + 120
        while not _answers(f"http://127.0.0.1:{port}/health"):
            assert server.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.2)
    finally:
        os.killpg(server.pid, 15)
        server.wait(timeout=60)


def test_a_prefect_server_is_started_once_found_again_and_stopped(home, standing_at):
    from loanbook import standing
    from loanbook.errors import ServiceError
    from loanbook.settings import Settings

    kept = Settings(home=home, prefect_api=standing_at["LOANBOOK_PREFECT_API"])
    assert standing.ensure(kept).pid is None
    assert standing.find(Settings(home=home)) is None
    assert standing.stop(Settings(home=home)) is False
    with pytest.raises(ServiceError, match="doesn't answer"):
        standing.ensure(Settings(home=home, prefect_api="http://127.0.0.1:9/api"))


@pytest.mark.slow
def test_a_server_of_another_home_on_the_wanted_port_is_not_taken_for_ours(home, standing_at, monkeypatch):
    from loanbook import standing
    from loanbook.settings import Settings

    taken = int(standing_at["PREFECT_API_URL"].removesuffix("/api").rpartition(":")[2])
    monkeypatch.setattr(standing, "PREFERRED_PORT", taken)
    monkeypatch.setattr(standing, "_is_free", lambda port: True)  # as it looked a moment ago
    settings, begun = Settings(home=home), list[standing.Server]()
    try:
        ours = standing.ensure(settings, begun.append)
        assert [one.api == standing_at["PREFECT_API_URL"] for one in begun] == [True, False]
        assert begun[-1] == ours
        assert ours.api != standing_at["PREFECT_API_URL"]
        assert standing.find(settings) == ours
        record = home / "prefect" / "server.json"
        record.write_text(json.dumps({"api": standing_at["PREFECT_API_URL"], "pid": ours.pid}))
        assert standing.find(settings) is None
        record.write_text(json.dumps({"api": ours.api, "pid": ours.pid}))
    finally:
        assert standing.stop(settings)


@pytest.mark.slow
def test_every_library_is_imported_by_our_settings_without_reaching_for_the_network():
    """Whatever asks for a host outside is told of as an error, on any thread."""
    script = (
        "import socket, sys, threading\n"
        "asked = []\n"
        "real = socket.socket.connect\n"
        "def connect(self, address, *more):\n"
        "    outside = self.family in (socket.AF_INET, socket.AF_INET6)\n"
        "    if outside and address[0] not in ('127.0.0.1', '::1'):\n"
        "        asked.append(address)\n"
        "        raise OSError('no network')\n"
        "    return real(self, address, *more)\n"
        "socket.socket.connect = connect\n"
        "def looked(host, *more, **other):\n"
        "    asked.append(host)\n"
        "    raise OSError('no network')\n"
        "socket.getaddrinfo = looked\n"
        "import mlflow, prefect, great_expectations, feast, evidently, time\n"
        "time.sleep(0.5)\n"
        "sys.exit(f'asked for {asked}' if asked else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **QUIET},
    )
    assert done.returncode == 0, done.stderr[-2000:]
