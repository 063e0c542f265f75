"""watched → retrained: a challenger on the newest data, reviewed, waiting for its signature."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows import review, steps, train
from flows.featurize import featurizing
from loanbook import lines
from loanbook.intake import mapping, publishing


@flow(name="retrain")
def retrain(dataset: str, line: str, seed: int = 7, trials: int = 0) -> dict[str, Any]:
    """Train and review a challenger on the current publication. Nobody but a person can promote it."""
    place, source = steps.settings(), mapping.load(dataset)
    publication = publishing.current(place, source.name)
    features = featurizing(place, publication)
    made = train.training(place, source, publication, features, lines.find(line), seed, trials)
    return review.report(review.reviewing_of(place, made.model, made.version))
