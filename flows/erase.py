"""known → erased: destroy a customer's key and rows, make again what was made of them, prove it."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows import steps
from flows.featurize import featurizing
from flows.ingest import publishing_of
from flows.steps import do
from loanbook.features import tables
from loanbook.governance.chain import Entry
from loanbook.intake import mapping, readings
from loanbook.intake.book import Book
from loanbook.intake.judging import quality
from loanbook.intake.mapping import Dataset
from loanbook.privacy import erasure, works
from loanbook.settings import Settings


@flow(name="erase")
def erase(dataset: str, customer: str) -> dict[str, Any]:
    """Carry out an erasure that was asked for; `customer` is its token: no record of a run names anybody."""
    place, source = steps.settings(), mapping.load(dataset)
    proof = erasure.proven(place, customer)
    if proof and not works.find(place, customer):
        return report(proof)
    return report(erasing(place, source, customer))


def report(proof: Entry) -> dict[str, Any]:
    """Say what was erased."""
    return {"entry": proof.seq, "at": proof.at.isoformat(), **proof.body}


def erasing(place: Settings, source: Dataset, token: str) -> Entry:
    """Give the proof; killed anywhere and run again, it is the same one."""
    do("find all that there is", erasure.begin, place, token, steps.now())
    do("destroy the key", erasure.destroy, place, token)
    stands = do("take the rows out", erasure.take_out, place, token)
    kept = made_again(place, source, stands)
    do("clear what was made of them", erasure.clear, place, token, kept)
    return do("prove it", erasure.prove, place, token, steps.now())


def made_again(place: Settings, source: Dataset, stands: Book) -> tuple[str, ...]:
    """Publish the book as it stands now, with features where it had some; give the names of both."""
    if not stands.publication:
        return ()
    suites = do("load the expectations", quality.load_suites, place.repo / "expectations")
    publication = publishing_of(
        place, source, readings.reading_of(place, stands, before=stands.digest), suites
    )
    if not tables.any_current(place, source.name):
        return (publication.id,)
    return publication.id, featurizing(place, publication).id
