"""validated → features: compute the feature tables, declare them to Feast, bring them online."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from prefect import flow

from flows import steps
from flows.steps import do, once
from loanbook import lines
from loanbook.errors import FeatureError, StorageError
from loanbook.features import store, tables, touching
from loanbook.features.tables import FeatureSet, Since
from loanbook.governance import promoting
from loanbook.intake import mapping, publishing
from loanbook.intake.publishing import Publication
from loanbook.settings import Settings
from loanbook.training import frame


@flow(name="featurize")
def featurize(dataset: str) -> dict[str, Any]:
    """Make the current publication's features, for history and online."""
    place = steps.settings()
    made = featurizing(place, publishing.current(place, mapping.load(dataset).name))
    return {
        "features": made.id,
        "rows": {one.name: one.rows for one in made.tables},
        "lies": str(made.folder),
    }


def featurizing(place: Settings, publication: Publication) -> FeatureSet:
    """Give the feature set of a publication; only what it touches is computed anew."""

    def make() -> str:
        since = do("see whom it touches", _since, place, publication)
        made = do(
            "compute feature tables",
            tables.compute,
            place,
            publication.dataset,
            publication.id,
            publication.paths,
            since,
        )
        do("declare to Feast", store.declare, place, made)
        return made.id

    inputs = {"publication": publication.id, "recipes": tables.recipes_digest()}
    found = once(place, "featurize", inputs, make, lambda name: tables.read(place, publication.dataset, name))
    # what is served may be another publication's: it is compared, and only what differs is written
    do("bring online", store.materialize, place, found, publication.as_of, _served(place, publication))
    tables.point(place, found)
    return found


def _served(place: Settings, publication: Publication) -> frozenset[str]:
    """Name the services that may be asked online: of the products lent on, and of what has a champion."""
    usual = lines.of_products(frame.products(place, publication.paths))
    signed = (
        line
        for line in lines.LINES.values()
        if promoting.has_champion(place, f"{publication.dataset}.{line.stem}")
    )
    return frozenset(line.feature_service for line in (*usual, *signed))


def _since(place: Settings, publication: Publication) -> Since | None:
    """Find the feature set made last and whom this publication touches against its own."""
    with suppress(StorageError, FeatureError):
        stands = tables.latest(place, publication.dataset)
        before = publishing.open_publication(place, publication.dataset, stands.publication, verify=True)
        return Since(stands, touching.touched(place, before.paths, publication.paths))
    return None
