"""raw → validated: the book of batches: what was delivered, in order, and what people ruled on held rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from loanbook import digests, lake
from loanbook.errors import StorageError
from loanbook.lake import Lake
from loanbook.settings import Settings

FORMAT = 2  # of parts: raise it when the same raw bytes are to give other rows

Action = Literal["release", "repair", "reject"]


@dataclass(frozen=True)
class RawFile:
    """One delivered file: known again by its content, whatever its name."""

    source: str
    file: str
    digest: str
    rows: int


@dataclass(frozen=True)
class Part:
    """One table's rows of one batch: a Parquet file named by its hash.

    `repeats` counts rows that stood already and aren't stored again, `erased` those erased since.
    """

    table: str
    digest: str
    rows: int
    repeats: int
    missing_columns: tuple[str, ...]
    erased: int = 0


@dataclass(frozen=True)
class Batch:
    """What one delivery added. `as_of` is the day of its reading, `latest` the newest clock it holds."""

    id: str
    as_of: datetime
    latest: datetime | None
    mapping: str
    files: tuple[RawFile, ...]
    parts: tuple[Part, ...]
    publication: str = ""

    def part(self, table: str) -> Part | None:
        """Find a table's part, or None where the batch holds nothing of it."""
        return next((part for part in self.parts if part.table == table), None)


@dataclass(frozen=True)
class Ruling:
    """What two people decided of one held row; `entry` is the ledger's entry that says so."""

    row: str
    table: str
    action: Action
    entry: str


@dataclass(frozen=True)
class Book:
    """All batches of a dataset in order of delivery, the rulings, and the publication that stands."""

    dataset: str
    batches: tuple[Batch, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    publication: str = ""

    @property
    def digest(self) -> str:
        """Name the state of the book: what is to be judged, whatever was published of it."""
        return state(self.batches, self.rulings)

    @property
    def known(self) -> Mapping[tuple[str, str], RawFile]:
        """Every file read so far, by source and content."""
        files = (file for batch in self.batches for file in batch.files)
        return MappingProxyType({(file.source, file.digest): file for file in files})

    @property
    def sources(self) -> frozenset[str]:
        """Every raw source that ever brought something."""
        return frozenset(source for source, _ in self.known)

    def until(self, day: datetime) -> Book:
        """Turn back to what had been read by a day; rulings stay, as they are of rows."""
        return replace(self, batches=tuple(batch for batch in self.batches if batch.as_of <= day))


def state(batches: Sequence[Batch], rulings: Sequence[Ruling]) -> str:
    """Hash the batches with their parts, and the rulings."""
    parts = [[batch.id, [[part.table, part.digest] for part in batch.parts]] for batch in batches]
    return digests.of_json([parts, sorted(digests.of_json(asdict(ruling)) for ruling in rulings)])


def batch_id(before: str, mapping: str, files: Sequence[RawFile], parts: Sequence[Part] = ()) -> str:
    """Name a batch by its files, the mapping that reads them, and the batch before it.

    A repair has no files; its rows were written by hand, and its parts name it.
    """
    named = sorted([file.source, file.file, file.digest] for file in files)
    return digests.of_json([before, mapping, named or [part.digest for part in parts]])


def read(settings: Settings, dataset: str) -> Book:
    """Open a dataset's book; one that was never begun is empty."""
    path = _path(settings, dataset)
    if not path.exists():
        return Book(dataset)
    given: Any = lake.read_json(path)
    try:
        body = {key: value for key, value in given.items() if key != "digest"}
        if given["digest"] != digests.of_json(body):
            raise StorageError("the book of batches was altered", where=str(path), right="Restore its copy")
        return Book(
            dataset=given["dataset"],
            batches=tuple(batch_of(each) for each in given["batches"]),
            rulings=tuple(Ruling(**each) for each in given["rulings"]),
            publication=given["publication"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(
            f"the book of batches can't be read: {error}", where=str(path), right="Restore its copy"
        ) from error


def write(settings: Settings, book: Book) -> Book:
    """Write the book whole; from then on it is what stands."""
    body = {
        "format": FORMAT,
        "dataset": book.dataset,
        "batches": [as_json(batch) for batch in book.batches],
        "rulings": [asdict(ruling) for ruling in book.rulings],
        "publication": book.publication,
    }
    lake.write_json(_path(settings, book.dataset), body | {"digest": digests.of_json(body)})
    return book


def part_path(settings: Settings, dataset: str, part: Part) -> Path:
    """Find a part's Parquet file."""
    return Lake(settings.home).snapshots(dataset, part.table) / f"{part.digest}.parquet"


def as_json(batch: Batch) -> dict[str, Any]:
    """Write a batch as JSON can hold it."""
    latest = batch.latest.isoformat() if batch.latest else None
    return asdict(batch) | {"as_of": batch.as_of.isoformat(), "latest": latest}


def batch_of(given: Mapping[str, Any]) -> Batch:
    """Read what `as_json` wrote."""
    latest = given["latest"]
    parts = ({**part, "missing_columns": tuple(part["missing_columns"])} for part in given["parts"])
    return Batch(
        id=given["id"],
        as_of=datetime.fromisoformat(given["as_of"]),
        latest=datetime.fromisoformat(latest) if latest else None,
        mapping=given["mapping"],
        files=tuple(RawFile(**file) for file in given["files"]),
        parts=tuple(Part(**part) for part in parts),
        publication=given["publication"],
    )


def _path(settings: Settings, dataset: str) -> Path:
    return Lake(settings.home).catalog(dataset) / "book.json"
