"""One row per claim: what was measured, its figure, its target, and whether that holds."""

from __future__ import annotations

import json
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
