"""raw → validated: what a raw column looks like, in counts that tell no value of a person. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SHARED = 10  # rows that must share a value before it may be told
MOST_CATEGORIES = 50
MOST_MARKS = 1000
MOST_SHAPES = 16
DECADE = 20  # bins of a power of ten: a number is told to an eighth
SMALLEST, LARGEST = -9, 18  # powers of ten between which numbers are told apart


@dataclass(frozen=True)
class Batch:
    """A column's numbers in one batch. `bins` count the values that aren't 0 by their size, sign aside.

    `rows`, `given` and `unreadable` are of all rows; the others of the `seen` ones.
    """

    rows: int
    given: int
    unreadable: int
    seen: int
    numbers: int = 0
    zeros: int = 0
    negatives: int = 0
    bins: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """A raw column: its type as it is read and in the files; what its texts look like; its last batches.

    `marks` count the rows of each value by its keyed digest; `names` say of which value a mark is, where
    enough rows share it. Both are None where the values are too many or name a person. `settled` counts the
    batches since a value was first named. A shape has A for letters and 9 for digits; `dates` counts the
    texts that a format reads, `numbers` those that are plain numbers, both of the `texts` looked at.
    """

    type: str
    own: str
    distinct: int
    whole: bool = False
    marks: Mapping[str, int] | None = None
    names: Mapping[str, str] | None = None
    settled: int = 0
    shapes: Mapping[str, int] = field(default_factory=dict)
    unshaped: int = 0
    lengths: Mapping[int, int] = field(default_factory=dict)
    dates: Mapping[str, int] = field(default_factory=dict)
    texts: int = 0
    numbers: int = 0
    batches: tuple[Batch, ...] = ()

    @property
    def categories(self) -> Mapping[str, int] | None:
        """Count the rows of each value that may be told."""
        if self.marks is None or self.names is None:
            return None
        return {name: self.marks[mark] for mark, name in self.names.items()}

    @property
    def rows(self) -> int:
        """Count the rows of the last batches."""
        return sum(batch.rows for batch in self.batches)

    @property
    def given(self) -> int:
        """Count those that have a value."""
        return sum(batch.given for batch in self.batches)


def column(given: Mapping[str, Any]) -> Column:
    """Read a column back from JSON, where every key is a text."""
    batches = tuple(Batch(**(each | {"bins": _counted(each["bins"])})) for each in given["batches"])
    return Column(**({**given} | {"lengths": _counted(given["lengths"]), "batches": batches}))


def _counted(given: Mapping[str, int]) -> dict[int, int]:
    return {int(key): count for key, count in given.items()}


def collapsed(shape: str) -> str:
    """Write each run of digits as one 9."""
    while "99" in shape:
        shape = shape.replace("99", "9")
    return shape
