"""What may be known: take rows out of the book of batches, and let every record that names a part follow."""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from loanbook import lake
from loanbook.intake import book
from loanbook.intake.book import Batch, Book, Part, Ruling
from loanbook.lake import Lake
from loanbook.privacy import rewriting
from loanbook.privacy.rewriting import Change, Count
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb

NAMED = 12  # digits of a part's hash by which a ruling names it


@dataclass(frozen=True)
class Taken:
    """A part that was rewritten: its table, its old and new hash, and what became of its rows."""

    table: str
    old: str
    new: str
    count: Count


Changes = Callable[[str, tuple[str, ...]], Change | None]


def planned(settings: Settings, stands: Book, changes: Changes) -> dict[str, Count]:
    """Count by table what `changes` would do; it gives the change of a table with these columns."""
    found: dict[str, Count] = {}
    with lake.connect(settings) as connection:
        for _, part, change in _concerned(connection, settings, stands, changes):
            counted = rewriting.count(connection, _path(settings, stands, part), change)
            before = found.get(part.table, Count(0, 0))
            if counted:
                found[part.table] = Count(before.removed + counted.removed, before.hidden + counted.hidden)
    return found


def rewritten(settings: Settings, stands: Book, changes: Changes) -> tuple[Book, tuple[Taken, ...]]:
    """Write the parts that change beside the old ones; give the book that names them, not yet written."""
    taken: list[Taken] = []
    rulings, parts = stands.rulings, {}
    with lake.connect(settings) as connection:
        for number, part, change in _concerned(connection, settings, stands, changes):
            path = _path(settings, stands, part)
            counted = rewriting.count(connection, path, change)
            if not counted:
                continue
            new, _ = rewriting.frozen(connection, path, change)
            rulings = tuple(_moved(connection, path, change, rulings, part, new))
            parts[number, part.table] = replace(
                part, digest=new, rows=part.rows - counted.removed, erased=part.erased + counted.removed
            )
            taken.append(Taken(part.table, part.digest, new, counted))
    batches = tuple(
        replace(batch, parts=tuple(parts.get((number, part.table), part) for part in batch.parts))
        for number, batch in enumerate(stands.batches)
    )
    return replace(stands, batches=_renamed(_filled(batches)), rulings=rulings), tuple(taken)


@contextmanager
def alone(settings: Settings, dataset: str) -> Iterator[None]:
    """Keep deliveries from being published meanwhile."""
    folder = Lake(settings.home).published(dataset)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise lake.storage_error(error, folder) from error


def named(stands: Book) -> frozenset[tuple[str, str]]:
    """Give table and hash of every part that the book names."""
    return frozenset((part.table, part.digest) for batch in stands.batches for part in batch.parts)


def _concerned(
    connection: duckdb.DuckDBPyConnection, settings: Settings, stands: Book, changes: Changes
) -> Iterator[tuple[int, Part, Change]]:
    for number, batch in enumerate(stands.batches):
        for part in batch.parts:
            names = rewriting.columns(connection, _path(settings, stands, part))
            change = changes(part.table, names)
            if change is not None:
                yield number, part, change


def _path(settings: Settings, stands: Book, part: Part) -> Path:
    return book.part_path(settings, stands.dataset, part)


def _moved(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    change: Change,
    rulings: tuple[Ruling, ...],
    part: Part,
    new: str,
) -> Iterator[Ruling]:
    """Let the rulings on a part's rows follow to their new places; of a row that goes, the ruling goes."""
    for ruling in rulings:
        file, _, place = ruling.row.partition("-")
        if ruling.table != part.table or file != part.digest[:NAMED]:
            yield ruling
            continue
        before = rewriting.places_before(connection, path, change, int(place))
        if before is not None:
            yield replace(ruling, row=f"{new[:NAMED]}-{int(place) - before}")


def _filled(batches: tuple[Batch, ...]) -> tuple[Batch, ...]:
    """Leave out the parts of a table of which no row is left: an empty table would block every batch."""
    rows = Counter[str]()
    for batch in batches:
        rows.update({part.table: part.rows for part in batch.parts})
    return tuple(
        replace(batch, parts=tuple(part for part in batch.parts if rows[part.table])) for batch in batches
    )


def _renamed(batches: tuple[Batch, ...]) -> tuple[Batch, ...]:
    """Name every batch anew: a repair is named by its parts, and what follows it by it."""
    named: list[Batch] = []
    for batch in batches:
        last = named[-1].id if named else ""
        named.append(replace(batch, id=book.batch_id(last, batch.mapping, batch.files, batch.parts)))
    return tuple(named)
