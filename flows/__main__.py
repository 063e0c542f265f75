"""How it moves: run flows for another process: requests come in and events go out as JSON lines."""

from __future__ import annotations

import json
import select
import sys
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import asdict
from functools import partial
from importlib import import_module
from typing import IO, Any

from flows.steps import Event, listener, quietly
from loanbook.errors import LoanbookError
from loanbook.features.store import opening

VERBS = (
    "ingest",
    "backfill",
    "settle",
    "featurize",
    "train",
    "review",
    "fairness",
    "reproduce",
    "promote",
    "score",
    "monitor",
    "retrain",
    "lifecycle",
    "erase",
    "retain",
)

PAUSE = 0.2  # seconds in which who asks next, or ends, is heard first
# What the whole way needs sooner or later, the soonest first; each takes seconds.
WAY: tuple[Callable[[], object], ...] = (
    partial(import_module, "flows.lifecycle"),
    partial(import_module, "great_expectations"),
    opening.load,
    partial(import_module, "optbinning"),
    partial(import_module, "evidently"),
)


def main() -> None:
    """Answer each request in turn, until the input ends; of a verb that is announced, load what it needs."""
    out = sys.stdout
    with redirect_stdout(sys.stderr):
        loads = deque(WAY if sys.argv[1:] == ["lifecycle"] else ())
        while True:
            ahead(sys.stdin, loads)
            line = sys.stdin.readline()
            if not line:
                return
            _answer(json.loads(line), out)


def ahead(asked: IO[str], loads: deque[Callable[[], object]]) -> None:
    """Load what is left, one after another, for as long as nobody asks."""
    while loads and not select.select([asked], [], [], PAUSE)[0]:
        loads.popleft()()


def _answer(request: Mapping[str, Any], out: IO[str]) -> None:
    listener.set(lambda event: _say(out, "event", asdict(event)))
    try:
        flow = _flow(request["verb"])
        _say(out, "result", flow(**request["parameters"]))
    except LoanbookError as error:
        said = {"kind": type(error).__name__, "what": error.what, "where": error.where, "right": error.right}
        _say(out, "error", said | {"traceback": traceback.format_exc()})
    except Exception as error:  # the other side prints it; nothing is swallowed
        said = {"kind": type(error).__name__, "what": str(error), "where": "", "right": ""}
        _say(out, "error", said | {"traceback": traceback.format_exc()})


def _flow(verb: str) -> Callable[..., Any]:
    if verb not in VERBS:
        raise LoanbookError(f"there is no flow {verb}", right=f"Known are {', '.join(VERBS)}")
    return quietly(getattr(import_module(f"flows.{verb}"), verb))


def _say(out: IO[str], kind: str, value: Event | dict[str, Any]) -> None:
    out.write(json.dumps({kind: value}, default=str, ensure_ascii=False) + "\n")
    out.flush()


if __name__ == "__main__":
    main()
