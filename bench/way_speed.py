"""The whole way, in seconds: the demo's stages, the orchestration's share, the simulated lender."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measuring import ROOT, Row, at_most

LOANBOOK = Path(sys.executable).parent / "loanbook"
EMPTY_FLOW = """
import time
from prefect import flow
from flows.steps import quietly
@flow
def empty() -> None: pass
call = quietly(empty)
call()
began = time.monotonic()
for _ in range(5): call()
print((time.monotonic() - began) / 5)
"""
SIMULATE = """
import resource, sys, time
from pathlib import Path
from loanbook.world import WorldSpec, simulate
began = time.monotonic()
simulate(WorldSpec(applications=1_000_000), Path(sys.argv[1]))
print(time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


def rows() -> Iterator[Row]:
    """Measure on this machine, as it is now."""
    yield at_most("way", "`loanbook --help`, median of 5, seconds", _help(), 0.5)
    with tempfile.TemporaryDirectory() as scratch:
        yield from _demo(Path(scratch))
    with tempfile.TemporaryDirectory() as scratch:
        seconds, gigabytes = _python(SIMULATE, scratch).split()
        yield at_most("way", "simulate 1 million applications, minutes", float(seconds) / 60, 5)
        yield at_most("way", "the same, peak memory, GiB", float(gigabytes), 8)


def _help() -> float:
    took = []
    for _ in range(5):
        began = time.monotonic()
        subprocess.run([LOANBOOK, "--help"], check=True, capture_output=True)
        took.append(time.monotonic() - began)
    return statistics.median(took)


def _demo(home: Path) -> Iterator[Row]:
    environment = os.environ | {"LOANBOOK_HOME": str(home)}
    subprocess.run([LOANBOOK, "demo"], check=True, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    told = json.loads((home / "demo" / "demo.json").read_text(encoding="utf-8"))
    server = next(seconds for name, seconds, _ in told["steps"] if name == "start the Prefect server")
    empty = float(_python(EMPTY_FLOW, env=_server(home)))
    spent = sum(orchestration for _, _, orchestration in told["steps"]) + told["flows"] * empty
    subprocess.run([LOANBOOK, "down"], check=True, env=environment | {"LOANBOOK_HOME": str(home / "demo")})
    yield at_most("way", "the demo in all, seconds", told["total"], 180)
    for name, seconds in told["chapters"].items():
        yield at_most("way", f"  {name}, seconds", seconds, 180)
    yield at_most("way", "  start of the Prefect server, seconds", server, 120)
    share = spent / (told["total"] - server)
    yield at_most("way", "orchestration, share of the demo beyond the server's start", share, 0.05)


def _server(home: Path) -> dict[str, str]:
    kept = json.loads((home / "demo" / "prefect" / "server.json").read_text(encoding="utf-8"))
    return {"PREFECT_API_URL": kept["api"], "PREFECT_HOME": str(home / "demo" / "prefect")}


def _python(code: str, *words: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *words],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | (env or {}),
        cwd=ROOT,
    )
    return done.stdout.strip().splitlines()[-1]
