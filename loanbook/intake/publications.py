"""raw → validated: what was published, found again and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from loanbook import digests, lake
from loanbook.errors import StorageError
from loanbook.intake import book
from loanbook.intake.quarantine import Part
from loanbook.lake import Lake
from loanbook.settings import Settings


@dataclass(frozen=True)
class PublishedTable:
    """One table of a publication: what was read, what is published, what is held and why, what gave way.

    `read` = `published` + `held` + `superseded` + `repeats` + `erased`, in rows. `made_from` names all that
    its files follow from.
    """

    table: str
    snapshot: str
    suite: str
    read: int
    published: Part
    held: Part
    superseded: Part
    repeats: int
    erased: int
    reasons: Mapping[str, int]
    missing_columns: tuple[str, ...]
    made_from: str


@dataclass(frozen=True)
class Publication:
    """Validated tables as they were believed at `as_of`, and the rows that are held back from them.

    `book` is the state of the book of batches that it was made from.
    """

    id: str
    dataset: str
    book: str
    as_of: datetime
    folder: Path
    quarantine: Path
    tables: tuple[PublishedTable, ...]
    missing: tuple[str, ...]

    def table(self, name: str) -> PublishedTable | None:
        """Find a table, or None where the dataset doesn't fill it."""
        return next((table for table in self.tables if table.table == name), None)

    def path(self, name: str) -> Path:
        """Find a published table's Parquet file."""
        return self.folder / f"{name}.parquet"

    def held_path(self, name: str) -> Path:
        """Find the Parquet file of a table's held rows."""
        return self.quarantine / f"{name}.parquet"

    def superseded_path(self, name: str) -> Path:
        """Find the Parquet file of a table's superseded rows."""
        return self.quarantine / "superseded" / f"{name}.parquet"

    @property
    def paths(self) -> dict[str, Path]:
        """Give every published table's Parquet file."""
        return {table.table: self.path(table.table) for table in self.tables}

    @property
    def missing_columns(self) -> dict[str, tuple[str, ...]]:
        """Give the canonical columns that each table doesn't fill."""
        return {table.table: table.missing_columns for table in self.tables}

    @property
    def facts(self) -> dict[str, Any]:
        """Say what a model is bound to when it is trained on this: the evidence's `data`."""
        tables = {
            table.table: {
                "snapshot": table.snapshot,
                "published": table.published.digest,
                "rows": table.read,
                "held": table.held.rows,
                "suite": table.suite,
                "absent": list(table.missing_columns),
            }
            for table in self.tables
        }
        return {"publication": self.id, "as_of": self.as_of.isoformat(), "tables": tables}

    @property
    def manifest(self) -> dict[str, Any]:
        """All that the id is the hash of."""
        return {
            "dataset": self.dataset,
            "book": self.book,
            "as_of": self.as_of.isoformat(),
            "tables": [asdict(table) for table in self.tables],
            "missing": list(self.missing),
        }


def current(settings: Settings, dataset: str, *, verify: bool = False) -> Publication:
    """Open what was published last, or raise StorageError."""
    name = book.read(settings, dataset).publication
    if not name:
        raise StorageError(
            f"nothing of {dataset} is published",
            where=str(Lake(settings.home).catalog(dataset)),
            right=f"loanbook ingest --dataset {dataset}",
        )
    return open_publication(settings, dataset, name, verify=verify)


def open_publication(settings: Settings, dataset: str, name: str, *, verify: bool = False) -> Publication:
    """Open a publication by its id; `verify` hashes every file again."""
    root = Lake(settings.home)
    folder = root.published(dataset) / name
    given: Any = lake.read_json(folder / "manifest.json")
    content = {key: value for key, value in given.items() if key != "id"}
    if given.get("id") != name or digests.of_json(content) != name:
        raise StorageError("the manifest was altered", where=str(folder), right="Ingest again")
    publication = Publication(
        id=name,
        dataset=given["dataset"],
        book=given["book"],
        as_of=datetime.fromisoformat(given["as_of"]),
        folder=folder,
        quarantine=root.quarantine(dataset) / name,
        tables=tuple(_table_of(each) for each in given["tables"]),
        missing=tuple(given["missing"]),
    )
    if verify:
        _verify(publication)
    return publication


def _table_of(given: Mapping[str, Any]) -> PublishedTable:
    parts = {name: Part(**given[name]) for name in ("published", "held", "superseded")}
    return PublishedTable(**{**given, **parts, "missing_columns": tuple(given["missing_columns"])})


def _verify(publication: Publication) -> None:
    """Hash every published and every held file, or raise StorageError naming the one that differs."""
    for table in publication.tables:
        for path, part in (
            (publication.path(table.table), table.published),
            (publication.held_path(table.table), table.held),
            (publication.superseded_path(table.table), table.superseded),
        ):
            if not path.exists() or digests.of_file(path) != part.digest:
                raise StorageError(
                    "the file is not the one that was published", where=str(path), right="Ingest again"
                )
