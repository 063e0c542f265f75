"""raw → validated: read, freeze, judge, hold back what is broken, publish the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import flow

from flows import steps
from flows.steps import do, once
from loanbook import digests
from loanbook.governance.ledger import of_home
from loanbook.held import enforcing, page
from loanbook.intake import book, mapping, publishing, raw, snapshots
from loanbook.intake.drift import kept
from loanbook.intake.drift.kept import Look
from loanbook.intake.judging import docs_index, quality
from loanbook.intake.judging.rules import Suite
from loanbook.intake.mapping import Dataset
from loanbook.intake.publishing import Publication
from loanbook.intake.raw import Delivery
from loanbook.intake.readings import Reading
from loanbook.settings import Settings


@flow(name="ingest")
def ingest(
    dataset: str, data: str, as_of: str | None = None, accept_drift: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Bring a dataset's raw files to a publication. `as_of` is the day of the reading.

    `accept_drift` names changes of a source, by their ids, that somebody looked at and takes.
    """
    place = steps.settings()
    made = ingesting(place, dataset, Path(data), as_of, tuple(accept_drift))
    return {**report(made), "data_docs": str(docs_index.path(place, made.dataset))}


def report(publication: Publication) -> dict[str, Any]:
    """Say what was read, published and held, table by table, and why."""
    return {
        "publication": publication.id,
        "as_of": publication.as_of.isoformat(),
        "tables": {
            one.table: {
                "read": one.read,
                "published": one.published.rows,
                "held": one.held.rows,
                "superseded": one.superseded.rows + one.repeats,
                "erased": one.erased,
            }
            for one in publication.tables
        },
        "reasons": {one.table: dict(one.reasons) for one in publication.tables if one.reasons},
        "missing": list(publication.missing),
        "lies": str(publication.folder),
        "quarantine": str(publication.quarantine),
    }


def ingesting(
    place: Settings, dataset: str, data: Path, as_of: str | None, accepted: tuple[str, ...] = ()
) -> Publication:
    """Give the publication of a folder; the same files, mapping, rules and rulings give the same one."""
    source = mapping.load(dataset)
    do("bring in what was ruled", enforcing.bring_in, place, source.name)
    deliveries = do("read the raw files", raw.survey, snapshots.due(place, source), data)
    return delivering(place, source, deliveries, steps.moment(as_of), accepted)


def delivering(
    place: Settings,
    source: Dataset,
    deliveries: tuple[Delivery, ...],
    as_of: datetime | None,
    accepted: tuple[str, ...] = (),
) -> Publication:
    """Give the publication of what was delivered beside all that came before."""
    suites = do("load the expectations", quality.load_suites, place.repo / "expectations")
    batches = snapshots.expected(place, source, deliveries)
    inputs = {
        "dataset": source.name,
        "batches": batches,
        "rulings": digests.of_json([asdict(ruling) for ruling in book.read(place, source.name).rulings]),
        "as_of": as_of.isoformat() if as_of else None,
    }

    def make() -> str:
        look = do("look for changes of the sources", kept.look, place, source, deliveries, accepted)
        kept.keep(place, source.name, batches[-1], look.past)
        _told(place, source.name, batches[-1], look)
        reading = do("freeze the reading", snapshots.freeze, place, source, deliveries, as_of=as_of)
        return publishing_of(place, source, reading, suites).id

    made = once(
        place, "ingest", inputs, make, lambda found: publishing.open_publication(place, source.name, found)
    )
    publication = publishing.make_current(place, made)
    do("write the page of held rows", page.write, place, publication)
    return publication


def _told(place: Settings, dataset: str, batch: str, look: Look) -> None:
    """Write into the ledger which changes of a source somebody accepted."""
    if look.accepted:
        said = [asdict(drift) for drift in look.accepted]
        body = {"dataset": dataset, "batch": batch, "drifts": said}
        of_home(place.home).append("drift", place.actor, body, steps.now(), once=f"drift {batch}")


def publishing_of(
    place: Settings, source: Dataset, reading: Reading, suites: Mapping[str, Suite], *, stands: bool = True
) -> Publication:
    """Judge every table of a reading and publish them, if every ruling on them is one that was signed."""
    do("hold the rulings to the ledger", enforcing.hold, place, reading.book)
    verdicts = [
        do(f"judge {one.table}", quality.judge, place, source, reading, suites[one.table])
        for one in reading.snapshots
    ]
    do("write the index of Data Docs", docs_index.write_index, place, source.name, reading.as_of, verdicts)
    return do(
        "hold back and publish", publishing.publish, place, source, reading, suites, verdicts, stands=stands
    )


def believed(place: Settings, dataset: str, day: datetime) -> Publication:
    """Give the publication of what had been delivered by a day, judged by today's rules and rulings."""
    source = mapping.load(dataset)
    stood = book.read(place, source.name)
    reading = snapshots.reading_of(place, stood.until(day), before=stood.digest)
    suites = do("load the expectations", quality.load_suites, place.repo / "expectations")
    return publishing_of(place, source, reading, suites, stands=False)
