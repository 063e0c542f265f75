"""champion → decisions: verify the champion, join what was known, decide with reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from prefect import flow

from flows import steps
from flows.steps import do, joined
from loanbook import lines
from loanbook.features import tables
from loanbook.features.tables import FeatureSet
from loanbook.governance import promoting, shelf
from loanbook.governance.promoting import Champion
from loanbook.intake import mapping, publishing
from loanbook.intake.publishing import Publication
from loanbook.lending import book, scoring
from loanbook.lending.book import Book
from loanbook.response import book as limits
from loanbook.response import responder
from loanbook.response.book import Limits
from loanbook.schema import CUSTOMER, Amount, Line, Response, Uplift
from loanbook.settings import Settings
from loanbook.training import bundle, frame, population
from loanbook.uplift import book as offers
from loanbook.uplift import uplifter
from loanbook.uplift.book import Offers
from loanbook.valuation import book as values
from loanbook.valuation import valuer
from loanbook.valuation.book import Values


@flow(name="score")
def score(dataset: str, line: str, since: str | None = None, until: str | None = None) -> dict[str, Any]:
    """Score the line's rows of [since, until); by default a year of applications, or the book as of now."""
    place, source = steps.settings(), mapping.load(dataset)
    publication = publishing.current(place, source.name)
    features = tables.current(place, source.name, publication.id)
    wanted = lines.find(line)
    champion = do(
        "verify the champion", promoting.champion, place, f"{source.name}.{wanted.stem}", steps.now()
    )
    others: Mapping[type, Callable[..., Values | Offers | Limits]] = {
        Amount: valuing_of,
        Uplift: targeting_of,
        Response: choosing_of,
    }
    write: Callable[..., Book | Values | Offers | Limits] = others.get(type(wanted.label), scoring_of)
    made = write(place, publication, features, wanted, champion, since, until)
    return {
        "model": champion.grant.model,
        "version": champion.grant.version,
        **{name: value for name, value in asdict(made).items() if name != "path"},
        "lies": str(made.path),
    }


def scoring_of(
    place: Settings,
    publication: Publication,
    features: FeatureSet,
    line: Line,
    champion: Champion,
    since: str | None,
    until: str | None,
) -> Book:
    """Give the frozen book of decisions."""
    first, last = _period(publication, line, since, until)
    asked = do(
        "find whom to score", frame.applications, place, publication.paths, line, since=first, until=last
    )
    known = joined(place, features, line.feature_service, asked, line.grain)
    opened = bundle.read(champion.bundle, expected=champion.grant.bundle)
    most = champion.grant.conditions.max_applications
    scored = do("score with reasons", scoring.score, opened, known, most=most, threads=place.threads)
    return do(
        "freeze the decisions",
        book.freeze,
        place,
        publication.dataset,
        line.grain,
        asked,
        scored,
        model=champion.grant.model,
        version=champion.grant.version,
        bundle=champion.grant.bundle,
    )


def valuing_of(
    place: Settings,
    publication: Publication,
    features: FeatureSet,
    line: Line,
    champion: Champion,
    since: str | None,
    until: str | None,
) -> Values:
    """Give the frozen book of values."""
    first, last = _period(publication, line, since, until)
    asked = do("find the vehicles", frame.vehicles, place, publication.paths, line, since=first, until=last)
    known = joined(place, features, line.feature_service, asked, line.grain)
    opened = valuer.read(champion.bundle, expected=champion.grant.bundle)
    name, grain = publication.dataset, line.grain
    return do("freeze the values", values.freeze, place, name, grain, asked, known, opened, champion.grant)


def targeting_of(
    place: Settings,
    publication: Publication,
    features: FeatureSet,
    line: Line,
    champion: Champion,
    since: str | None,
    until: str | None,
) -> Offers:
    """Give the frozen book of offers, to every customer met so far who agreed to them."""
    asked, known = _customers(place, publication, features, line, since, until)
    opened = uplifter.read(champion.bundle, expected=champion.grant.bundle)
    menu, name = shelf.policy(place, line.name).targets, publication.dataset
    return do("freeze the offers", offers.freeze, place, name, asked, known, opened, menu, champion.grant)


def choosing_of(
    place: Settings,
    publication: Publication,
    features: FeatureSet,
    line: Line,
    champion: Champion,
    since: str | None,
    until: str | None,
) -> Limits:
    """Give the frozen book of limits, of every customer met so far."""
    asked, known = _customers(place, publication, features, line, since, until)
    opened = responder.read(champion.bundle, expected=champion.grant.bundle)
    choice, name = shelf.policy(place, line.name).choice, publication.dataset
    return do("freeze the limits", limits.freeze, place, name, asked, known, opened, choice, champion.grant)


def _customers(
    place: Settings,
    publication: Publication,
    features: FeatureSet,
    line: Line,
    since: str | None,
    until: str | None,
) -> tuple[Any, Any]:
    """Find every customer met so far whom the line may be asked of, and what was known of each."""
    _, last = _period(publication, line, since, until)
    first = steps.moment(since) or datetime.min
    asked = do("find the customers", frame.customers, place, publication.paths, line, since=first, until=last)
    return asked, joined(place, features, line.feature_service, asked, CUSTOMER)


def _period(
    publication: Publication, line: Line, since: str | None, until: str | None
) -> tuple[datetime, datetime]:
    """Read the period; by default the line's own, up to the last moment that was read."""
    end = publication.as_of + timedelta(days=line.decision_days or 1)
    last = steps.moment(until) or end
    return steps.moment(since) or population.since(line, last), last
