"""raw → validated: all that was ever read of a dataset, table by table, part by part."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from loanbook import digests
from loanbook.errors import StorageError
from loanbook.intake import book
from loanbook.intake.book import Book
from loanbook.intake.engine import text
from loanbook.schema import TABLES
from loanbook.settings import Settings


@dataclass(frozen=True)
class Frozen:
    """One part as a file: the number of its batch, from 1."""

    batch: int
    digest: str
    path: Path
    rows: int


@dataclass(frozen=True)
class Snapshot:
    """All that was ever read of one table, part by part.

    `missing_columns` are those that no delivery gives; `repeats` counts rows that stood already when they
    were delivered again, `erased` those erased since.
    """

    table: str
    digest: str
    parts: tuple[Frozen, ...]
    repeats: int
    erased: int
    missing_columns: tuple[str, ...]

    @property
    def rows(self) -> int:
        """How many rows it holds."""
        return sum(part.rows for part in self.parts)

    @property
    def read(self) -> int:
        """How many rows were ever read."""
        return self.rows + self.repeats + self.erased

    @property
    def relation(self) -> str:
        """Write the SQL of its rows; `_at` is a row's place over all parts, `_place` in its own, `_part`."""
        said, before = [], 0
        for part in self.parts:
            said.append(
                f"SELECT * EXCLUDE (file_row_number), {part.batch} AS _batch, file_row_number + {before} AS "
                f"_at, {text(part.digest[:12])} AS _part, file_row_number AS _place "
                f"FROM read_parquet({text(str(part.path))}, file_row_number = true)"
            )
            before += part.rows
        return f"({' UNION ALL '.join(said)})"


@dataclass(frozen=True)
class Reading:
    """All tables of all deliveries up to one, frozen; tables that the dataset doesn't fill are absent.

    `book` is the book as it is to stand when this reading is published, `before` the state it was made from.
    """

    dataset: str
    as_of: datetime
    snapshots: tuple[Snapshot, ...]
    book: Book
    before: str

    def snapshot(self, table: str) -> Snapshot | None:
        """Find a table's snapshot, or None where the dataset doesn't fill it."""
        return next((snapshot for snapshot in self.snapshots if snapshot.table == table), None)

    @property
    def missing(self) -> tuple[str, ...]:
        """The canonical tables that the dataset doesn't fill."""
        return tuple(name for name in TABLES if self.snapshot(name) is None)


def reading_of(settings: Settings, stands: Book, *, before: str, as_of: datetime | None = None) -> Reading:
    """Read a book's batches as one."""
    if not stands.batches:
        raise StorageError(f"nothing of {stands.dataset} was ever read", where=stands.dataset)
    days = [batch.as_of for batch in stands.batches]
    found = (snapshot(settings, stands, table) for table in TABLES)
    snapshots = tuple(each for each in found if each)
    return Reading(stands.dataset, as_of or max(days), snapshots, stands, before)


def of_file(table: str, path: Path, rows: int) -> Snapshot:
    """Take one file, shaped as a part is, for all that was ever read of a table."""
    return Snapshot(table, path.name, (Frozen(1, path.name, path, rows),), 0, 0, ())


def snapshot(settings: Settings, stands: Book, table: str) -> Snapshot | None:
    """Put a table's parts together, or give None where no batch has one."""
    found = [(number, batch.part(table)) for number, batch in enumerate(stands.batches, 1)]
    held = [(number, part) for number, part in found if part]
    if not held:
        return None
    missing = set.intersection(*(set(part.missing_columns) for _, part in held))
    return Snapshot(
        table=table,
        digest=digests.of_json([[number, part.digest] for number, part in held]),
        parts=tuple(
            Frozen(number, part.digest, book.part_path(settings, stands.dataset, part), part.rows)
            for number, part in held
        ),
        repeats=sum(part.repeats for _, part in held),
        erased=sum(part.erased for _, part in held),
        missing_columns=tuple(name for name in TABLES[table].names if name in missing),
    )
