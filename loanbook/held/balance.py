"""held → ruled: the book of batches recounted from the files: every row that was read is somewhere, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from loanbook import lake
from loanbook.errors import StorageError
from loanbook.intake import book, engine, publishing
from loanbook.intake.book import Book
from loanbook.intake.engine import text
from loanbook.intake.publications import Publication
from loanbook.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

PLACES = ("published", "held", "superseded")


@dataclass(frozen=True)
class Line:
    """Rows of one batch: `read` = `published` + `held` + `superseded` + `repeats` + `erased`.

    `files` were new, `known` had been read before. A repair has no file.
    """

    number: int
    id: str
    day: datetime
    files: int
    known: int
    read: int
    published: int
    held: int
    superseded: int
    repeats: int
    erased: int
    publication: str


@dataclass(frozen=True)
class TableLine:
    """Rows of one table over all batches; `why` says what doesn't add up, or nothing."""

    table: str
    read: int
    published: int
    held: int
    superseded: int
    repeats: int
    erased: int
    why: str


@dataclass(frozen=True)
class Balance:
    """The whole book, counted; `why` says what doesn't add up beyond any one table."""

    dataset: str
    publication: str
    batches: tuple[Line, ...]
    tables: tuple[TableLine, ...]
    why: str

    @property
    def reconciled(self) -> bool:
        """Whether every row is accounted for."""
        return not self.why and not any(table.why for table in self.tables)


def count(settings: Settings, dataset: str) -> Balance:
    """Count every file of the publication that stands and of the parts it was made from."""
    stands, publication = book.read(settings, dataset), publishing.current(settings, dataset)
    gone_on = "" if publication.book == stands.digest else "the book has gone on since it was published"
    with (
        lake.connect(settings) as connection,
        engine.guarded(publication.folder, StorageError, "the rows can't be counted"),
    ):
        names = [one.table for one in publication.tables]
        away = {
            "held": _by_batch(connection, {name: publication.held_path(name) for name in names}),
            "superseded": _by_batch(connection, {name: publication.superseded_path(name) for name in names}),
        }
        tables = tuple(_table(connection, settings, stands, publication, name, away) for name in names)
    batches = tuple(_line(stands, number, away) for number in range(1, len(stands.batches) + 1))
    return Balance(dataset, publication.id, batches, tables, gone_on)


Away = Mapping[str, Mapping[tuple[str, int], int]]


def _by_batch(connection: duckdb.DuckDBPyConnection, paths: Mapping[str, Path]) -> dict[tuple[str, int], int]:
    """Count rows by table and batch."""
    told = " UNION ALL ".join(
        f"SELECT {text(table)} AS tab, _batch FROM read_parquet({text(str(path))})"
        for table, path in paths.items()
    )
    found = connection.execute(f"SELECT tab, _batch, count(*) FROM ({told}) GROUP BY ALL").fetchall()
    return {(str(table), int(batch)): int(rows) for table, batch, rows in found}


def _table(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    stands: Book,
    publication: Publication,
    table: str,
    away: Away,
) -> TableLine:
    """Hold what lies in the parts to what lies in the publication's files, and both to what was noted."""
    parts = [part for batch in stands.batches for part in batch.parts if part.table == table]
    stored = sum(_rows(connection, book.part_path(settings, stands.dataset, part)) for part in parts)
    repeats, erased = sum(part.repeats for part in parts), sum(part.erased for part in parts)
    published = _rows(connection, publication.path(table))
    held, gone = (sum(n for (name, _), n in away[place].items() if name == table) for place in PLACES[1:])
    noted, read = publication.table(table), stored + repeats + erased
    why = ""
    if stored != published + held + gone:
        why = f"{stored:,} rows lie in its parts, {published + held + gone:,} in its publication"
    elif noted is None or (noted.read, noted.published.rows, noted.held.rows) != (read, published, held):
        why = "the files don't hold what the publication noted"
    return TableLine(table, read, published, held, gone, repeats, erased, why)


def _rows(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    found = connection.execute(f"SELECT num_rows FROM parquet_file_metadata({text(str(path))})").fetchall()
    return int(found[0][0])


def _line(stands: Book, number: int, away: Away) -> Line:
    batch = stands.batches[number - 1]
    held, gone = (sum(n for (_, of), n in away[place].items() if of == number) for place in PLACES[1:])
    stored = sum(part.rows for part in batch.parts)
    repeats, erased = sum(part.repeats for part in batch.parts), sum(part.erased for part in batch.parts)
    return Line(
        number=number,
        id=batch.id,
        day=batch.as_of,
        files=len(batch.files),
        known=sum(len(earlier.files) for earlier in stands.batches[: number - 1]),
        read=stored + repeats + erased,
        published=stored - held - gone,
        held=held,
        superseded=gone,
        repeats=repeats,
        erased=erased,
        publication=batch.publication,
    )
