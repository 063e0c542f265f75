"""raw → validated: publish all tables of a reading at once, or nothing."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from loanbook import digests, lake
from loanbook.errors import BatchBlocked, StorageError
from loanbook.intake import book, quarantine
from loanbook.intake.judging.rules import Suite, Verdict
from loanbook.intake.mapping import Dataset
from loanbook.intake.publications import Publication, PublishedTable, current, open_publication
from loanbook.intake.quarantine import HELD, PUBLISHED, SUPERSEDED
from loanbook.intake.readings import Reading
from loanbook.lake import Lake
from loanbook.settings import Settings

__all__ = [
    "Publication",
    "PublishedTable",
    "alone",
    "current",
    "made_from",
    "make_current",
    "open_publication",
    "publish",
]

FORMAT = 2  # of publications: raise it when the same reading and verdicts are to be published anew


def publish(
    settings: Settings,
    dataset: Dataset,
    reading: Reading,
    suites: Mapping[str, Suite],
    verdicts: Sequence[Verdict],
    *,
    stands: bool = True,
) -> Publication:
    """Divide every table and publish them together; unless it `stands` no longer, write it into the book.

    Raises BatchBlocked when a table is blocked or wasn't judged, or when another delivery came between.
    """
    judged = {verdict.table: verdict for verdict in verdicts}
    _refuse_blocked(dataset, reading, judged, suites)
    root = Lake(settings.home)
    with alone(root.published(dataset.name)):
        if stands:
            _refuse_overtaken(settings, reading)
        record = root.catalog(dataset.name) / "publications" / f"{_mark(dataset, reading, judged)}.json"
        publication = _remembered(settings, dataset.name, record)
        if publication is None:
            publication = _published(settings, dataset, reading, suites, judged)
            lake.write_json(record, {"id": publication.id})
        if stands:
            _enter(settings, reading, publication)
    return publication


def make_current(settings: Settings, publication: Publication) -> Publication:
    """Make a publication of the book as it stands the current one, unless it is."""
    stands = book.read(settings, publication.dataset)
    if stands.publication != publication.id:
        if stands.digest != publication.book:
            raise BatchBlocked(
                "the book of batches has gone on since this was published", where=publication.dataset
            )
        book.write(settings, replace(stands, publication=publication.id))
    return publication


def _enter(settings: Settings, reading: Reading, publication: Publication) -> None:
    """Write the reading's batches into the book: from now on they were delivered."""
    *before, last = reading.book.batches
    batches = (*before, replace(last, publication=publication.id))
    written = replace(reading.book, batches=batches, publication=publication.id)
    if book.read(settings, reading.dataset) != written:
        book.write(settings, written)


def _refuse_overtaken(settings: Settings, reading: Reading) -> None:
    now = book.read(settings, reading.dataset).digest
    if now not in {reading.before, reading.book.digest}:
        raise BatchBlocked(
            "another delivery was published while this one was read",
            where=reading.dataset,
            right="Nothing was published. Ingest again",
        )


def _refuse_blocked(
    dataset: Dataset, reading: Reading, judged: Mapping[str, Verdict], suites: Mapping[str, Suite]
) -> None:
    """Publish nothing unless every table was judged, by its suite, and none is blocked."""
    for snapshot in reading.snapshots:
        verdict = judged.get(snapshot.table)
        suite = suites.get(snapshot.table)
        said = (verdict.snapshot, verdict.suite_digest) if verdict else None
        if suite is None or said != (snapshot.digest, suite.digest):
            raise BatchBlocked(
                f"{snapshot.table} has no verdict on this snapshot by this suite",
                where=dataset.name,
                right="Judge every table of the reading first",
            )
    broken = [
        f"{verdict.table}: {rule.rule} ({rule.expectation} on {rule.column or 'the table'}), "
        f"{rule.told if rule.measured is not None else f'{rule.broken:,} of {verdict.rows:,} rows'}"
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
    made = {
        snapshot.table: made_from(dataset, reading, judged[snapshot.table]) for snapshot in reading.snapshots
    }
    return digests.of_json([reading.book.digest, reading.as_of.isoformat(), made])


def made_from(dataset: Dataset, reading: Reading, verdict: Verdict) -> str:
    """Name all that a table's files follow from."""
    import duckdb

    rulings = [asdict(ruling) for ruling in reading.book.rulings if ruling.table == verdict.table]
    place = [dataset.place.lat, dataset.place.lon] if dataset.place else None
    said = [verdict.snapshot, verdict.suite_digest, verdict.breaches_digest]
    return digests.of_json([FORMAT, duckdb.__version__, *said, rulings, place])


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
    before = _standing(settings, dataset.name)
    try:
        tables = tuple(
            _table(settings, dataset, reading, suites[each.table], judged[each.table], draft, before)
            for each in reading.snapshots
        )
        unnamed = Publication(
            "", dataset.name, reading.book.digest, reading.as_of, draft, draft, tables, reading.missing
        )
        name = digests.of_json(unnamed.manifest)
        lake.write_json(draft / PUBLISHED / "manifest.json", {**unnamed.manifest, "id": name})
        _moved(draft / HELD, root.quarantine(dataset.name) / name, draft / "old")
        _moved(draft / PUBLISHED, root.published(dataset.name) / name, draft / "older")
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return open_publication(settings, dataset.name, name, verify=True)


def _standing(settings: Settings, dataset: str) -> Publication | None:
    """Find the publication that stands, if its files do."""
    name = book.read(settings, dataset).publication
    try:
        return open_publication(settings, dataset, name, verify=True) if name else None
    except StorageError:
        return None


def _table(
    settings: Settings,
    dataset: Dataset,
    reading: Reading,
    suite: Suite,
    verdict: Verdict,
    draft: Path,
    before: Publication | None,
) -> PublishedTable:
    """Divide a table, or take over its files where nothing that they follow from has changed."""
    mark = made_from(dataset, reading, verdict)
    stood = before.table(suite.table) if before else None
    if before and stood and stood.made_from == mark:
        _taken_over(before, suite.table, draft)
        return stood
    divided = quarantine.divide(settings, dataset, reading, suite, verdict, draft)
    snapshot = reading.snapshot(suite.table)
    if snapshot is None:
        raise BatchBlocked(f"{suite.table} was divided but not read", where=reading.dataset)
    return PublishedTable(
        table=divided.table,
        snapshot=snapshot.digest,
        suite=verdict.suite_digest,
        read=snapshot.read,
        published=divided.published,
        held=divided.held,
        superseded=divided.superseded,
        repeats=snapshot.repeats,
        erased=snapshot.erased,
        reasons=divided.reasons,
        missing_columns=snapshot.missing_columns,
        made_from=mark,
    )


def _taken_over(before: Publication, table: str, draft: Path) -> None:
    """Link a table's files into the draft: they never change once they are written."""
    for path, part in (
        (before.path(table), PUBLISHED),
        (before.held_path(table), HELD),
        (before.superseded_path(table), SUPERSEDED),
    ):
        target = draft / part / path.name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, target)
        except OSError as error:
            raise lake.storage_error(error, target) from error


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
def alone(folder: Path) -> Iterator[None]:
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
