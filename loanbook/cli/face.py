"""The operator's face: how progress, a summary and an error look."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """What every command takes."""

    json: Annotated[bool, Parameter(help="Print the outcome as JSON, and nothing else.", negative="")] = False
    traceback: Annotated[bool, Parameter(help="Show the traceback of an error.", negative="")] = False


@dataclass(frozen=True)
class Told:
    """A closing summary: what was made, where it lies, what to do next."""

    title: str
    made: Mapping[str, Any] = field(default_factory=dict)
    lies: Mapping[str, Path | str] = field(default_factory=dict)
    next: tuple[str, ...] = ()


class Progress:
    """Tell of steps as they go: a line each, alive on a terminal, plain elsewhere, silent for JSON."""

    def __init__(self, *, silent: bool) -> None:
        self._silent, self._live = silent, sys.stderr.isatty()
        self.took: list[tuple[str, float, float]] = []

    def event(self, step: str, state: str, seconds: float, orchestration: float = 0.0) -> None:
        """Tell of one event of a step: began, ended or failed; some of its seconds may be Prefect's."""
        if state != "began":
            self.took.append((step, seconds, orchestration))
        if self._silent:
            return
        mark = {"began": "…", "ended": "✓", "failed": "✗"}[state]
        if state == "began":
            if self._live:
                sys.stderr.write(f"\r\x1b[2K  {mark} {step}")
        else:
            clear = "\r\x1b[2K" if self._live else ""
            sys.stderr.write(f"{clear}  {mark} {step:<58} {seconds:6.1f} s\n")
        sys.stderr.flush()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Tell of a step of this process."""
        began = time.monotonic()
        self.event(name, "began", 0.0)
        try:
            yield
        except BaseException:
            self.event(name, "failed", time.monotonic() - began)
            raise
        self.event(name, "ended", time.monotonic() - began)

    def say(self, text: str = "") -> None:
        """Print a line of narration."""
        if not self._silent:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()


def tell(told: Told, *, as_json: bool) -> None:
    """Print a summary for people, or as JSON for machines."""
    if as_json:
        body = {
            "title": told.title,
            "made": dict(told.made),
            "lies": {name: str(path) for name, path in told.lies.items()},
            "next": list(told.next),
        }
        sys.stdout.write(json.dumps(body, indent=2, ensure_ascii=False, default=str) + "\n")
        return
    lines = ["", told.title]
    lines += [f"  {name:<22} {shown(value)}" for name, value in told.made.items()]
    if told.lies:
        lines += ["", "Where it lies", *(f"  {name:<22} {_near(path)}" for name, path in told.lies.items())]
    if told.next:
        lines += ["", "Next", *(f"  {command}" for command in told.next)]
    sys.stdout.write("\n".join(lines) + "\n")


def shown(value: object) -> str:
    """Write a value for people."""
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {shown(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(shown(inner) for inner in value)
    return str(value)


def _near(path: Path | str) -> str:
    """Shorten a path below the working folder."""
    if isinstance(path, Path) and path.is_relative_to(Path.cwd()):
        return str(path.relative_to(Path.cwd()))
    return str(path)
