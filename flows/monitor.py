"""decisions → watched: measure what came since the champion was trained, report it, and judge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from prefect import flow

from flows import steps
from flows.steps import do, joined
from loanbook import lake, lines
from loanbook.features import store, tables
from loanbook.features.tables import FeatureSet
from loanbook.governance import promoting, shelf
from loanbook.governance.evidence import Evidence
from loanbook.governance.promoting import Champion
from loanbook.intake import mapping, publishing
from loanbook.intake.publishing import Publication
from loanbook.schema import Line
from loanbook.settings import Settings
from loanbook.training import bundle, frame
from loanbook.watching import drift, production, verdict
from loanbook.watching.production import Reviewed
from loanbook.watching.verdict import Verdict

YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Watched:
    """What a watch left: the verdict, its record and Evidently's page."""

    verdict: Verdict
    rows: int
    record: Path
    page: Path


@flow(name="monitor")
def monitor(dataset: str, line: str, since: str | None = None, until: str | None = None) -> dict[str, Any]:
    """Judge a line's production in [since, until); by default all that came since its training data."""
    place, source = steps.settings(), mapping.load(dataset)
    publication = publishing.current(place, source.name)
    features = tables.current(place, source.name, publication.id)
    wanted = lines.find(line)
    model = f"{source.name}.{wanted.stem}"
    champion = do("verify the champion", promoting.champion, place, model, steps.now())
    return report(monitoring(place, publication, features, wanted, champion, since, until))


def report(watched: Watched) -> dict[str, Any]:
    """Say what a watch found."""
    return {**watched.verdict.to_json(), "rows": watched.rows, "record": watched.record, "page": watched.page}


def anything_since(place: Settings, publication: Publication, champion: Champion) -> bool:
    """Say whether the publication reaches beyond the data that the champion was trained on."""
    return publication.as_of > _trained_as_of(_evidence(place, champion))


def monitoring(
    place: Settings,
    publication: Publication,
    features: FeatureSet,
    line: Line,
    champion: Champion,
    since: str | None,
    until: str | None,
) -> Watched:
    """Give the verdict, with Evidently's page on a sample beside it."""
    bounds, evidence = shelf.policy(place, line.name).watch, _evidence(place, champion)
    first = steps.moment(since) or _trained_as_of(evidence)
    last = steps.moment(until) or publication.as_of + timedelta(days=line.decision_days)
    known = {
        name: _known(place, publication, features, line, start, end)
        for name, (start, end) in {"before": (first - YEAR, first), "since": (first, last)}.items()
    }
    opened = bundle.read(champion.bundle, expected=champion.grant.bundle)
    figures = do(
        "measure all of production",
        production.measure,
        opened,
        known["since"],
        expected_rows=known["before"].num_rows * ((last - first) / YEAR),
        mix_psi=production.mix(place, publication.paths, before=first - YEAR, since=first, until=last),
        ripe=_ripened(place, publication, features, line, evidence),
        reviewed=_reviewed(evidence),
        threads=place.threads,
        recurs=line.recurs,
    )
    judged = verdict.judge(figures, bounds)
    folder = lake.Lake(place.home).reports(publication.dataset) / champion.grant.model / "watching"
    stem = f"v{champion.grant.version}-{first:%Y%m%d}-{last:%Y%m%d}"
    columns = list(opened.plan.features)
    page = do(
        "draw Evidently's page",
        drift.report,
        known["before"].select(columns),
        known["since"].select(columns),
        folder / f"{stem}.html",
        seed=int(evidence.facts["seed"]),
    )
    record = lake.write_json(
        folder / f"{stem}.json", {**judged.to_json(), "rows": figures.rows, "outcomes": figures.outcomes}
    )
    return Watched(judged, figures.rows, record, page)


def _evidence(place: Settings, champion: Champion) -> Evidence:
    grant = champion.grant
    return shelf.evidence(place, grant.model, grant.version, grant.evidence)


def _trained_as_of(evidence: Evidence) -> datetime:
    return datetime.fromisoformat(evidence.facts["data"]["as_of"])


def _known(
    place: Settings,
    publication: Publication,
    features: FeatureSet,
    line: Line,
    start: datetime,
    end: datetime,
) -> Any:
    asked = frame.alike(place, publication.paths, line, since=start, until=end)
    span = f", {start:%Y-%m} to {end:%Y-%m}"
    return joined(place, features, line.feature_service, asked, line.grain, span)


def _ripened(
    place: Settings, publication: Publication, features: FeatureSet, line: Line, evidence: Evidence
) -> Any:
    """Give the loans decided after the report sample whose outcome is ripe by now, with what was known."""
    after = datetime.fromisoformat(evidence.facts["samples"]["report"]["to"])
    outcome = frame.ripe(frame.outcomes(place, publication.paths, line, publication.as_of))
    later = frame.after(outcome, after)
    if not later.num_rows:
        return None
    entities = frame.entities(later, line.grain)
    history = do("join the newly ripe", store.history, place, features, line.feature_service, entities)
    return history.append_column("outcome", later["outcome"])


def _reviewed(evidence: Evidence) -> Reviewed:
    measures = evidence.facts["metrics"]["report"]
    return Reviewed(auc=measures["auc"], bad_rate=measures["bad_rate"], mean_pd=measures["mean_pd"])
