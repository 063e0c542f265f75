"""One row per claim: what was measured, its figure, its target, and whether that holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"


@dataclass(frozen=True)
class Row:
    """One measure. A figure that couldn't be taken is a text that says why, and doesn't hold."""

    name: str
    topic: str
    figure: float | int | str
    target: str
    holds: bool


def at_least(topic: str, name: str, figure: float, bound: float) -> Row:
    """Hold a figure to a floor."""
    return Row(name, topic, figure, f"at least {bound:g}", figure >= bound)


def at_most(topic: str, name: str, figure: float, bound: float) -> Row:
    """Hold a figure to a ceiling."""
    return Row(name, topic, figure, f"at most {bound:g}", figure <= bound)


def between(topic: str, name: str, figure: float, low: float, high: float) -> Row:
    """Hold a figure to a range."""
    return Row(name, topic, figure, f"{low:g} to {high:g}", low <= figure <= high)


def exactly(topic: str, name: str, figure: float | int | str, wanted: float | int | str) -> Row:
    """Hold a figure to one value."""
    return Row(name, topic, figure, str(wanted), figure == wanted)


def beside(module: str, *words: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a module of the bench in a process of its own and give the last line that it says."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", module, *words],
        capture_output=True, text=True, check=False, env=environment or os.environ, cwd=ROOT,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{module} {' '.join(words)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return (done.stdout.strip().splitlines() or [""])[-1]


def cpu() -> float:
    """Count the CPU-seconds of this process, and of those that it waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def peak() -> float:
    """Give this process' peak in GiB: getrusage also counts what its parent had before."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 2**20


def run(topics: Mapping[str, Callable[[], Iterable[Row]]], file: str) -> None:
    """Measure what was asked for, print the table, write the file; exit 1 if a row doesn't hold."""
    asked = sys.argv[1:] or list(topics)
    unknown = [topic for topic in asked if topic not in topics]
    if unknown:
        sys.exit(f"there is no topic {unknown[0]}. Known are {', '.join(topics)}")
    rows: list[Row] = []
    for topic in asked:
        for row in topics[topic]():
            rows.append(row)
            sys.stderr.write(_line(row) + "\n")
    (ROOT / file).write_text(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False) + "\n")
    width = max((len(row.name) for row in rows), default=0)
    sys.stdout.write(f"\n{'measure':<{width}}  {'figure':>26}  {'target':>16}  holds\n")
    for row in rows:
        sys.stdout.write(_line(row, width) + "\n")
    sys.stdout.flush()
    sys.exit(0 if rows and all(row.holds for row in rows) else 1)


def _line(row: Row, width: int = 0) -> str:
    figure = f"{row.figure:.4f}" if isinstance(row.figure, float) else str(row.figure)
    return f"{row.name:<{width}}  {figure:>26}  {row.target:>16}  {'yes' if row.holds else 'NO'}"
