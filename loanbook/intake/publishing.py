"""raw → validated: publish all tables of a reading at once, or nothing."""

from __future__ import annotations

import fcntl
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from loanbook import digests, lake
from loanbook.errors import BatchBlocked, StorageError
from loanbook.intake.mapping import Dataset
from loanbook.intake.publications import Publication, PublishedTable, current, open_publication
from loanbook.intake.quarantine import HELD, PUBLISHED, Divided, divide
from loanbook.intake.rules import Suite, Verdict
from loanbook.intake.snapshots import Reading
from loanbook.lake import Lake
from loanbook.settings import Settings

__all__ = ["Publication", "PublishedTable", "current", "make_current", "open_publication", "publish"]

FORMAT = 1  # of publications: raise it when the same reading and verdicts are to be published anew


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
        make_current(settings, publication)
    return publication


def make_current(settings: Settings, publication: Publication) -> Publication:
    """Make a publication the current one of its dataset, unless it is."""
    pointer = Lake(settings.home).catalog(publication.dataset) / "publication.json"
    if not pointer.exists() or lake.read_json(pointer) != {"id": publication.id}:
        lake.write_json(pointer, {"id": publication.id})
    return publication


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
