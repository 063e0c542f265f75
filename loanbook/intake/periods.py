"""raw → validated: part a backlog of files by the month that their names speak of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from loanbook.errors import DatasetError
from loanbook.intake.relations import Delivery

_MONTH = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_./]?(0[1-9]|1[0-2])(?:[-_./]?(?:0[1-9]|[12]\d|3[01]))?(?!\d)")
_ASKED = re.compile(r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Period:
    """One month of a backlog: `files` are its own, `ends` the last microsecond before the next month."""

    name: str
    ends: datetime
    files: tuple[Delivery, ...]


def month_of(file: str) -> str | None:
    """Read the month in a file's name, as 2024-07; the last where there are several, None without one."""
    found = _MONTH.findall(file)
    return f"{found[-1][0]}-{found[-1][1]}" if found else None


def parted(deliveries: Sequence[Delivery], first: str, last: str) -> tuple[Period, ...]:
    """Give the months from `first` to `last` that brought files, in order, or raise DatasetError.

    What is older than `first`, and files whose names speak of no month, come with the first period; what
    is newer than `last` isn't read.
    """
    for name, asked in (("--from", first), ("--to", last)):
        if not _ASKED.fullmatch(asked):
            raise DatasetError(f"{name} {asked!r} is no month", right="Write it as 2024-07")
    if first > last:
        raise DatasetError(f"--from {first} is after --to {last}", right="Give the earlier month first")
    months: dict[str, list[Delivery]] = {}
    for one in deliveries:
        month = max(month_of(one.file) or first, first)
        if month <= last:
            months.setdefault(month, []).append(one)
    if not months:
        raise DatasetError(f"no file speaks of {first} to {last}", right="Look at the files' names")
    return tuple(Period(name, _end(name), tuple(files)) for name, files in sorted(months.items()))


def _end(month: str) -> datetime:
    year, number = int(month[:4]), int(month[5:])
    following = datetime(year + number // 12, number % 12 + 1, 1)
    return following - timedelta(microseconds=1)
