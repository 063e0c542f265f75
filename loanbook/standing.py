"""The words: one Prefect server that is started once and kept, since the ephemeral one loses records."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from loanbook import lake
from loanbook.errors import ServiceError
from loanbook.settings import QUIET, Settings

PREFERRED_PORT = 4200
PATIENCE_SECONDS = 180

# A server outlives its starter. Held here, its process is no forgotten child to Python, which would warn.
_started: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Server:
    """A Prefect server: its API's address, and its process where we started it."""

    api: str
    pid: int | None

    @property
    def page(self) -> str:
        """Where its pages are."""
        return self.api.removesuffix("/api")


def environment(settings: Settings, server: Server | None = None) -> dict[str, str]:
    """Name everything that a flow's process must find in its environment."""
    found = dict(QUIET) | {
        "LOANBOOK_HOME": str(settings.home),
        "PREFECT_HOME": str(settings.home / "prefect"),
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
    }
    return found | ({"PREFECT_API_URL": server.api} if server else {})


def ensure(settings: Settings, known: Callable[[Server], None] = lambda _: None) -> Server:
    """Find the server that stands, or start one; raise ServiceError when it doesn't answer.

    `known` is told where a server will answer as soon as it was begun: what asks it may be begun meanwhile.
    """
    if settings.prefect_api:
        server = Server(settings.prefect_api, None)
        if not _answers(server):
            raise ServiceError(
                "the Prefect server doesn't answer",
                where=settings.prefect_api,
                right="Check LOANBOOK_PREFECT_API",
            )
        return server
    return find(settings) or _start(settings, known)


def find(settings: Settings) -> Server | None:
    """Find the server of this home folder, if it answers."""
    record = _record(settings)
    if not record.exists():
        return None
    kept = json.loads(record.read_text(encoding="utf-8"))
    server = Server(kept["api"], kept["pid"])
    return server if _alive(kept["pid"]) and _is_of(settings, server) else None


def stop(settings: Settings) -> bool:
    """Stop the server of this home folder; say whether there was one."""
    server = find(settings)
    if server is None or server.pid is None:
        return False
    os.killpg(server.pid, signal.SIGTERM)
    deadline = time.monotonic() + 20
    while _alive(server.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    if server.pid in _started:
        _started.pop(server.pid).wait()
    _record(settings).unlink(missing_ok=True)
    return True


def _start(settings: Settings, known: Callable[[Server], None]) -> Server:
    server = _started_at(settings, PREFERRED_PORT, known) if _is_free(PREFERRED_PORT) else None
    # between the look and the start somebody else may have taken the port
    server = server or _started_at(settings, _any_port(), known)
    if server is None:
        log = _log(settings)
        raise ServiceError(
            "the Prefect server ended as it began", where=str(log), right="Read its last lines"
        )
    lake.write_json(_record(settings), {"api": server.api, "pid": server.pid})
    return server


def _started_at(settings: Settings, port: int, known: Callable[[Server], None]) -> Server | None:
    """Start a server and wait until it answers; None when it ends before, as on a port that is taken."""
    api, log = f"http://127.0.0.1:{port}/api", _log(settings)
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("ab") as stream:
        process = subprocess.Popen(
            command,
            stdout=stream,
            stderr=stream,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, **environment(settings), "PREFECT_SERVER_UI_API_URL": "/api"},
        )
    _started[process.pid] = process
    server = Server(api, process.pid)
    known(server)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            del _started[process.pid]
            return None
        if _is_of(settings, server):
            return server
        time.sleep(0.25)
    os.killpg(process.pid, signal.SIGKILL)
    raise ServiceError(f"the Prefect server doesn't answer after {PATIENCE_SECONDS} s", where=str(log))


def _log(settings: Settings) -> Path:
    return settings.home / "logs" / "prefect-server.log"


def _record(settings: Settings) -> Path:
    return settings.home / "prefect" / "server.json"


def _answers(server: Server) -> bool:
    return _asked(server, "health") is not None


def _is_of(settings: Settings, server: Server) -> bool:
    """Tell whether a server answers that works in this home folder: on its port another's may stand."""
    told = _asked(server, "admin/settings")
    return told is not None and Path(json.loads(told)["home"]) == (settings.home / "prefect").resolve()


def _asked(server: Server, path: str) -> bytes | None:
    """Give what a server answers, None when it doesn't."""
    try:
        with urllib.request.urlopen(f"{server.api}/{path}", timeout=5) as answer:
            return bytes(answer.read()) if answer.status == 200 else None
    except (urllib.error.URLError, OSError):
        return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rsplit(") ", 1)[1][0] != "Z"


def _is_free(port: int) -> bool:
    with suppress(OSError), socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
        return True
    return False


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
