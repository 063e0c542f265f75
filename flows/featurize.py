"""validated → features: compute the feature tables, declare them to Feast, bring them online."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows import steps
from flows.steps import do, once
from loanbook.features import store, tables
from loanbook.features.tables import FeatureSet
from loanbook.intake import mapping, publishing
from loanbook.intake.publishing import Publication
from loanbook.settings import Settings


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
    """Give the feature set of a publication."""

    def make() -> str:
        made = do(
            "compute feature tables",
            tables.compute,
            place,
            publication.dataset,
            publication.id,
            publication.paths,
        )
        do("declare to Feast", store.declare, place, made)
        do("bring online", store.materialize, place, made, publication.as_of)
        return made.id

    inputs = {"publication": publication.id, "recipes": tables.recipes_digest()}
    found = once(place, "featurize", inputs, make, lambda name: tables.read(place, publication.dataset, name))
    tables.point(place, found)
    return found
