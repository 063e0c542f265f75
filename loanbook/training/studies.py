"""features → candidate: a search for the recipe of an order, kept as it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from loanbook.lake import Lake
from loanbook.settings import Settings
from loanbook.training import candidate, candidates, tuning
from loanbook.training.candidate import Order
from loanbook.training.fitting import Recipe
from loanbook.training.tuning import Trial


@dataclass(frozen=True)
class Study:
    """What was tried for an order, in order; `key` names the order, the data and the code."""

    key: str
    trials: tuple[Trial, ...]

    @property
    def recipe(self) -> Recipe:
        """The recipe with the lowest loss."""
        return chosen(self.facts)

    @property
    def facts(self) -> dict[str, dict[str, object]]:
        """Every trial by its number, in plain JSON."""
        return {f"{number:03}": one.facts for number, one in enumerate(self.trials, start=1)}


def chosen(tried: Mapping[str, Mapping[str, Any]]) -> Recipe:
    """Find the recipe with the lowest loss among trials told as facts; of equals the first."""
    whole = [one for _, one in sorted(tried.items()) if not one["given_up"]]
    best = min(whole, key=lambda one: float(one["stop_loss"]))
    return Recipe(**{one.name: best[one.name] for one in fields(Recipe)})


def search(
    settings: Settings, dataset: str, order: Order, context: Mapping[str, Any], *, trials: int
) -> Study:
    """Search on an order's own training set, or go on where an earlier search of it ended."""
    ready, key = candidate.prepare(order), candidates.key_of(order, context)
    journal = Lake(settings.home).studies(dataset) / f"{key}.journal"
    found = tuning.search(
        journal, ready.form(order), ready.sample("fit"), ready.sample("stop"), trials=trials
    )
    return Study(key, found[:trials])
