"""raw → validated: read, freeze, judge, hold back what is broken, publish the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow

from flows import steps
from flows.steps import do, once
from loanbook.intake import mapping, publishing, quality, raw, snapshots
from loanbook.intake.publishing import Publication
from loanbook.settings import Settings


@flow(name="ingest")
def ingest(dataset: str, data: str, as_of: str | None = None) -> dict[str, Any]:
    """Bring a dataset's raw files to a publication. `as_of` is the day of the reading."""
    return report(ingesting(steps.settings(), dataset, Path(data), as_of))


def report(publication: Publication) -> dict[str, Any]:
    """Say what was read, published and held, table by table, and why."""
    return {
        "publication": publication.id,
        "as_of": publication.as_of.isoformat(),
        "tables": {
            one.table: {"read": one.read, "published": one.published.rows, "held": one.held.rows}
            for one in publication.tables
        },
        "reasons": {one.table: dict(one.reasons) for one in publication.tables if one.reasons},
        "missing": list(publication.missing),
        "lies": str(publication.folder),
        "quarantine": str(publication.quarantine),
    }


def ingesting(place: Settings, dataset: str, data: Path, as_of: str | None) -> Publication:
    """Give the publication; the same files, mapping and rules give the same one."""
    source = mapping.load(dataset)
    deliveries = do("read the raw files", raw.survey, source, data)
    suites = do("load the expectations", quality.load_suites, place.repo / "expectations")
    inputs = {
        "dataset": source.name,
        "fingerprint": snapshots.fingerprint(source, deliveries),
        "as_of": as_of,
    }

    def make() -> str:
        reading = do(
            "freeze the reading", snapshots.freeze, place, source, deliveries, as_of=steps.moment(as_of)
        )
        verdicts = [
            do(f"judge {one.table}", quality.judge, place, source, reading, suites[one.table])
            for one in reading.snapshots
        ]
        return do("hold back and publish", publishing.publish, place, source, reading, suites, verdicts).id

    made = once(
        place, "ingest", inputs, make, lambda found: publishing.open_publication(place, source.name, found)
    )
    return publishing.make_current(place, made)
