"""raw → validated: publish all tables of a reading at once, or nothing."""

from __future__ import annotations

import fcntl
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from loanbook import digests, lake
from loanbook.errors import BatchBlocked, StorageError
from loanbook.intake.mapping import Dataset
from loanbook.intake.quarantine import HELD, PUBLISHED, Divided, Part, divide
from loanbook.intake.rules import Suite, Verdict
from loanbook.intake.snapshots import Reading
from loanbook.lake import Lake
from loanbook.settings import Settings

FORMAT = 1  # of publications: raise it when the same reading and verdicts are to be published anew


@dataclass(frozen=True)
class PublishedTable:
    """One table of a publication: what was read, what is published, what is held and why."""

    table: str
    snapshot: str
    suite: str
    read: int
    published: Part
    held: Part
    reasons: Mapping[str, int]
    missing_columns: tuple[str, ...]


@dataclass(frozen=True)
class Publication:
    """Validated tables as they were at `as_of`, and the rows that are held back from them."""

    id: str
    dataset: str
    fingerprint: str
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
            }
            for table in self.tables
        }
        return {"publication": self.id, "as_of": self.as_of.isoformat(), "tables": tables}

    @property
    def manifest(self) -> dict[str, Any]:
        """All that the id is the hash of."""
        return {
            "dataset": self.dataset,
            "fingerprint": self.fingerprint,
            "as_of": self.as_of.isoformat(),
            "tables": [asdict(table) for table in self.tables],
            "missing": list(self.missing),
        }


def publish(
    settings: Settings,
    dataset: Dataset,
    reading: Reading,
    suites: Mapping[str, Suite],
    verdicts: Sequence[Verdict],
) -> Publication:
    """Divide every table, publish them together, and make that the current publication."""
    judged = {verdict.table: verdict for verdict in verdicts}
    _refuse_blocked(dataset, reading, judged, suites)
    root = Lake(settings.home)
    with _alone(root.published(dataset.name)):
        record = root.catalog(dataset.name) / "publications" / f"{_mark(dataset, reading, judged)}.json"
        publication = _remembered(settings, dataset.name, record)
        if publication is None:
            publication = _published(settings, dataset, reading, suites, judged)
            lake.write_json(record, {"id": publication.id})
        _point(root.catalog(dataset.name) / "publication.json", publication.id)
    return publication


def _point(pointer: Path, name: str) -> None:
    """Make a publication the current one, unless it is."""
    if not pointer.exists() or lake.read_json(pointer) != {"id": name}:
        lake.write_json(pointer, {"id": name})


def current(settings: Settings, dataset: str, *, verify: bool = False) -> Publication:
    """Open what was published last, or raise StorageError."""
    pointer = Lake(settings.home).catalog(dataset) / "publication.json"
    if not pointer.exists():
        raise StorageError(
            f"nothing of {dataset} is published",
            where=str(pointer),
            right=f"loanbook ingest --dataset {dataset}",
        )
    return open_publication(settings, dataset, str(lake.read_json(pointer).get("id")), verify=verify)


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
        fingerprint=given["fingerprint"],
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
    parts = {name: Part(**given[name]) for name in ("published", "held")}
    return PublishedTable(**{**given, **parts, "missing_columns": tuple(given["missing_columns"])})


def _verify(publication: Publication) -> None:
    """Hash every published and every held file, or raise StorageError naming the one that differs."""
    for table in publication.tables:
        for path, part in (
            (publication.path(table.table), table.published),
            (publication.held_path(table.table), table.held),
        ):
            if not path.exists() or digests.of_file(path) != part.digest:
                raise StorageError(
                    "the file is not the one that was published", where=str(path), right="Ingest again"
                )


def _refuse_blocked(
    dataset: Dataset, reading: Reading, judged: Mapping[str, Verdict], suites: Mapping[str, Suite]
) -> None:
    """Publish nothing unless every table was judged, by its suite, and none is blocked."""
    for snapshot in reading.snapshots:
        verdict = judged.get(snapshot.table)
        suite = suites.get(snapshot.table)
        if (
            verdict is None
            or suite is None
            or (verdict.snapshot, verdict.suite_digest)
            != (
                snapshot.digest,
                suite.digest,
            )
        ):
            raise BatchBlocked(
                f"{snapshot.table} has no verdict on this snapshot by this suite",
                where=dataset.name,
                right="Judge every table of the reading first",
            )
    broken = [
        f"{verdict.table}: {rule.rule} ({rule.expectation} on {rule.column or 'the table'}), "
        f"{rule.broken:,} of {verdict.rows:,} rows"
        for verdict in judged.values()
        for rule in verdict.blocking
    ]
    if broken:
        raise BatchBlocked(
            "the batch is blocked by " + "; ".join(broken),
            where=dataset.name,
            right="Nothing was published. See the page of Data Docs, mend the delivery and ingest again",
        )


def _mark(dataset: Dataset, reading: Reading, judged: Mapping[str, Verdict]) -> str:
    """Name a publication by what goes into it, so that a second run finds the first one's work."""
    import duckdb

    suites = {table: verdict.suite_digest for table, verdict in judged.items()}
    snapshots = {snapshot.table: snapshot.digest for snapshot in reading.snapshots}
    place = [dataset.place.lat, dataset.place.lon] if dataset.place else None
    parts = [
        FORMAT,
        duckdb.__version__,
        reading.fingerprint,
        reading.as_of.isoformat(),
        snapshots,
        suites,
        place,
    ]
    return digests.of_json(parts)


def _remembered(settings: Settings, dataset: str, record: Path) -> Publication | None:
    """Find an earlier publication of the same, if it still stands as it was written."""
    if not record.exists():
        return None
    try:
        return open_publication(settings, dataset, str(lake.read_json(record)["id"]), verify=True)
    except StorageError:
        return None


def _published(
    settings: Settings,
    dataset: Dataset,
    reading: Reading,
    suites: Mapping[str, Suite],
    judged: Mapping[str, Verdict],
) -> Publication:
    """Write everything to a draft, then move it into place: held rows first, published rows last."""
    root = Lake(settings.home)
    draft = root.published(dataset.name) / f".{secrets.token_hex(4)}.draft"
    try:
        tables = tuple(
            _described(
                reading,
                divide(settings, dataset, reading, suites[each.table], judged[each.table], draft),
                judged[each.table],
            )
            for each in reading.snapshots
        )
        unnamed = Publication(
            "", dataset.name, reading.fingerprint, reading.as_of, draft, draft, tables, reading.missing
        )
        name = digests.of_json(unnamed.manifest)
        lake.write_json(draft / PUBLISHED / "manifest.json", {**unnamed.manifest, "id": name})
        _moved(draft / HELD, root.quarantine(dataset.name) / name, draft / "old")
        _moved(draft / PUBLISHED, root.published(dataset.name) / name, draft / "older")
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return open_publication(settings, dataset.name, name, verify=True)


def _described(reading: Reading, divided: Divided, verdict: Verdict) -> PublishedTable:
    snapshot = reading.snapshot(divided.table)
    if snapshot is None:
        raise BatchBlocked(f"{divided.table} was divided but not read", where=reading.dataset)
    return PublishedTable(
        table=divided.table,
        snapshot=snapshot.digest,
        suite=verdict.suite_digest,
        read=snapshot.rows,
        published=divided.published,
        held=divided.held,
        reasons=divided.reasons,
        missing_columns=snapshot.missing_columns,
    )


def _moved(draft: Path, target: Path, aside: Path) -> None:
    """Move a finished folder into place. One that stands there by the same name, but broken, gives way."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            target.rename(aside)
        draft.rename(target)
    except OSError as error:
        raise lake.storage_error(error, target) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Publish one reading of a dataset at a time, and clear away what a killed run left behind."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for left in folder.glob(".*.draft"):
                shutil.rmtree(left, ignore_errors=True)
            yield
    except OSError as error:
        raise lake.storage_error(error, folder) from error
