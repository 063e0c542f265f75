"""The operator's face: run flows in a process of their own and watch them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

from loanbook import errors, standing
from loanbook.cli.face import Progress
from loanbook.settings import Settings


class FlowError(errors.LoanbookError):
    """A flow ended for a reason that we have no word for."""


class Runner:
    """A process that runs flows one after another, so that heavy libraries load once."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self._settings, self._progress = settings, progress
        self._process: subprocess.Popen[str] | None = None
        self.log = settings.home / "logs" / f"flows-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.log"
        self._begun: standing.Server | None = None
        self._starting = ThreadPoolExecutor(1).submit(standing.ensure, settings, self._begin)
        self.flows = 0

    def __enter__(self) -> Runner:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        return self

    @property
    def server(self) -> standing.Server:
        """The server, which starts beside whatever comes before the first flow."""
        return self._starting.result()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        if kind is not None:
            self._process.terminate()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)

    def run(self, verb: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Run one flow to its end and give what it made, or raise the error that it raised."""
        self.flows += 1
        process = self._process = self._process or self._answering(verb)
        assert process.stdin is not None
        assert process.stdout is not None
        request = {"verb": verb, "parameters": {key: _plain(value) for key, value in parameters.items()}}
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        for line in process.stdout:
            message = json.loads(line)
            if "event" in message:
                self._progress.event(**message["event"])
            elif "result" in message:
                result: dict[str, Any] = message["result"]
                return result
            else:
                raise _error(message["error"])
        raise FlowError(
            f"the flow's process ended with code {process.wait()}",
            where=str(self.log),
            right="Run the command again: finished work is not repeated",
        )

    def _begin(self, server: standing.Server) -> None:
        self._begun = server

    def _answering(self, verb: str) -> subprocess.Popen[str]:
        """Start the process; beside a server that is still starting it loads what the verb will need."""
        begun = self._begun if not self._starting.done() else None
        early = self._start(begun, ahead=verb) if begun else None
        with self._progress.step("start the Prefect server"):
            try:
                server = self.server
            finally:
                if early and (self._starting.exception() or self.server != begun):
                    early.kill()
                    early.wait()
        return early if early and server == begun else self._start(server)

    def _start(self, server: standing.Server, ahead: str | None = None) -> subprocess.Popen[str]:
        environment = {**os.environ, **standing.environment(self._settings, server)}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "flows", *([ahead] if ahead else [])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
            )


def _plain(value: object) -> object:
    """Give a parameter as JSON has it; a path is made absolute."""
    return str(value.expanduser().resolve()) if isinstance(value, Path) else value


def _error(said: Mapping[str, str]) -> errors.LoanbookError:
    kind: Callable[..., errors.LoanbookError] = getattr(errors, said["kind"], FlowError)
    what = said["what"] if kind is not FlowError else f"{said['kind']}: {said['what']}"
    error = kind(what, where=said["where"], right=said["right"])
    error.add_note(said["traceback"])
    return error
