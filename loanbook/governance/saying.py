"""candidate → champion: a table of the dossier, and how its facts are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loanbook.governance import reading
from loanbook.governance.reading import Facts, UnreadableFact


@dataclass(frozen=True)
class Table:
    """A table of the page: its heads, rows, and a sentence; or the reason why it is not there."""

    title: str
    about: str
    heads: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    absent: str = ""


def or_absent(title: str, make: Callable[[Facts], Table], facts: Facts) -> Table:
    """Make a table; where its facts aren't there, say so in its place."""
    try:
        return make(facts)
    except UnreadableFact as reason:
        return Table(title, "", (), (), str(reason))


def judged(facts: Facts, name: str) -> Any:
    """Give a part of what was judged, or raise UnreadableFact with the reason why it wasn't."""
    found = reading.at(facts, "judged", name)
    if isinstance(found, Mapping) and isinstance(found.get("unmeasured"), str):
        raise UnreadableFact(f"{name} could not be measured: {found['unmeasured']}")
    return found


def listed(found: Any, name: str) -> list[Mapping[str, Any]]:
    """Give a list of facts."""
    every = reading.at(found, name)
    if not isinstance(every, list | tuple) or not all(isinstance(one, Mapping) for one in every):
        raise UnreadableFact(f"{name} is no list of facts")
    return list(every)


def ends(found: Any, *path: str) -> tuple[float, float]:
    """Give an interval's two ends."""
    both = reading.at(found, *path)
    if not isinstance(both, list | tuple) or len(both) != 2:
        raise UnreadableFact(f"{'.'.join(path)} is no interval")
    return reading.finite(both[0], path[-1]), reading.finite(both[1], path[-1])
