"""held → ruled: do what was ruled: publish the book of batches anew, and make its features."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows import steps
from flows.featurize import featurizing
from flows.ingest import publishing_of, report
from flows.steps import do
from loanbook.features import tables
from loanbook.held import enforcing, page
from loanbook.intake import mapping, publishing, snapshots
from loanbook.intake.judging import quality
from loanbook.intake.mapping import Dataset
from loanbook.intake.publishing import Publication
from loanbook.settings import Settings


@flow(name="settle")
def settle(dataset: str) -> dict[str, Any]:
    """Bring what was ruled on held rows into the publication, and into the features where there are any."""
    place, source = steps.settings(), mapping.load(dataset)
    publication = settling(place, source)
    made = featurizing(place, publication).id if tables.any_current(place, source.name) else None
    return {**report(publication), "features": made}


def settling(place: Settings, source: Dataset) -> Publication:
    """Give the publication of the book with all rulings, as of the same day as the one before."""
    before = publishing.current(place, source.name)
    stands = do("bring in what was ruled", enforcing.bring_in, place, source.name)
    suites = do("load the expectations", quality.load_suites, place.repo / "expectations")
    reading = snapshots.reading_of(place, stands, before=stands.digest, as_of=before.as_of)
    publication = publishing.make_current(place, publishing_of(place, source, reading, suites))
    do("write the page of held rows", page.write, place, publication)
    return publication
