"""held → ruled: the held rows as one page for people: by rule, with reason, and with what to type."""

from __future__ import annotations

from pathlib import Path

from loanbook import lake, pages
from loanbook.held import desk, enforcing
from loanbook.held.desk import Listing, Wanted
from loanbook.held.enforcing import Open
from loanbook.intake import mapping
from loanbook.intake.publications import Publication
from loanbook.lake import Lake
from loanbook.settings import Settings

TEMPLATE = Path(__file__).parent / "templates" / "quarantine.html"
MOST = 2_000  # rows on the page: the desk lists the rest


def path_of(settings: Settings, dataset: str) -> Path:
    """Find a dataset's page."""
    return Lake(settings.home).reports(dataset) / "quarantine.html"


def write(settings: Settings, publication: Publication) -> Path:
    """Write the page of what a publication that stands holds back."""
    listing = desk.listed(settings, publication.dataset, Wanted(), MOST)
    waiting = enforcing.waiting(settings, publication.dataset)
    page = path_of(settings, publication.dataset)
    lake.write_text(page, render(listing, waiting, f"{publication.as_of:%Y-%m-%d}"))
    return page


def render(listing: Listing, waiting: tuple[Open, ...], as_of: str) -> str:
    """Write the page, with a script of its own that picks rows by rule and words."""
    facts = {
        "listing": listing,
        "where": listing.dataset if listing.dataset in mapping.shipped() else "FOLDER",
        "rules": sorted({(count.table, count.rule) for count in listing.counts}),
        "counts": _by_rule(listing),
        "waits": {subject.row: one.number for one in waiting for subject in one.proposal.rows},
        "as_of": as_of,
    }
    return pages.render(TEMPLATE, facts)


def _by_rule(listing: Listing) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for count in listing.counts:
        found[count.table, count.rule] = found.get((count.table, count.rule), 0) + count.rows
    return found
