"""raw → champion → watched: the whole way, unattended up to the signature and again behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow

from flows import monitor, review, score, steps, train
from flows.featurize import featurizing
from flows.ingest import ingesting
from flows.ingest import report as ingested
from flows.steps import do
from loanbook import lines
from loanbook.features.tables import FeatureSet
from loanbook.governance import promoting
from loanbook.governance.promoting import Champion
from loanbook.intake import mapping
from loanbook.intake.mapping import Dataset
from loanbook.intake.publishing import Publication
from loanbook.schema import Amount, Line, Response, Uplift
from loanbook.settings import Settings
from loanbook.training import frame


@flow(name="lifecycle")
def lifecycle(
    dataset: str,
    data: str,
    line: str | None = None,
    as_of: str | None = None,
    seed: int = 7,
    trials: int = 0,
) -> dict[str, Any]:
    """Go the whole way for one line, or for every line that the dataset has."""
    place, source = steps.settings(), mapping.load(dataset)
    publication = ingesting(place, dataset, Path(data), as_of)
    features = featurizing(place, publication)
    wanted = [lines.find(line)] if line else lines.of_products(frame.products(place, publication.paths))
    done = [_one(place, source, publication, features, each, seed, trials) for each in wanted]
    return {"ingest": ingested(publication), "lines": done}


def _one(
    place: Settings,
    source: Dataset,
    publication: Publication,
    features: FeatureSet,
    line: Line,
    seed: int,
    trials: int,
) -> dict[str, Any]:
    made = train.training(place, source, publication, features, line, seed, trials)
    reviewed = review.reviewing_of(place, made.model, made.version)
    champion = _champion(place, made.model)
    behind = _behind(place, publication, features, line, champion) if champion else {}
    return {"line": line.name, "review": review.report(reviewed), **behind}


def _champion(place: Settings, model: str) -> Champion | None:
    """Verify the champion, if the ledger has one: that nobody has signed yet is no failure."""
    if not promoting.has_champion(place, model):
        return None
    return do("verify the champion", promoting.champion, place, model, steps.now())


def _behind(
    place: Settings, publication: Publication, features: FeatureSet, line: Line, champion: Champion
) -> dict[str, Any]:
    if isinstance(line.label, Amount):
        made = score.valuing_of(place, publication, features, line, champion, None, None)
        told = {"rows": made.rows, "lies": str(made.path), "median": made.told}
        return {"champion": champion.grant.version, "values": told}
    if isinstance(line.label, Uplift):
        offered = score.targeting_of(place, publication, features, line, champion, None, None)
        picks = {"rows": offered.rows, "lies": str(offered.path), "picked": offered.picked}
        return {"champion": champion.grant.version, "offers": picks}
    if isinstance(line.label, Response):
        chosen = score.choosing_of(place, publication, features, line, champion, None, None)
        found = {"rows": chosen.rows, "lies": str(chosen.path), "picked": chosen.picked}
        return {"champion": champion.grant.version, "limits": found}
    book = score.scoring_of(place, publication, features, line, champion, None, None)
    done = {
        "champion": champion.grant.version,
        "decisions": {"rows": book.rows, "lies": str(book.path), **book.decisions},
    }
    if not monitor.anything_since(place, publication, champion):
        return done
    watched = monitor.monitoring(place, publication, features, line, champion, None, None)
    return {**done, "watched": monitor.report(watched)}
