"""features → candidate: a search for the recipe of an order, kept as it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from loanbook.lake import Lake
from loanbook.settings import Settings
from loanbook.training import candidate, candidates, fitting, tuning
from loanbook.training.candidate import Order
from loanbook.training.fitting import Recipe
from loanbook.training.tuning import Trial


@dataclass(frozen=True)
class Study:
    """What was tried for an order, and the place of the chosen; `key` names order, data and code."""

    key: str
    trials: tuple[Trial, ...]
    chosen: int

    @property
    def recipe(self) -> Recipe:
        """The recipe that was chosen."""
        return self.trials[self.chosen].recipe

    @property
    def facts(self) -> dict[str, Any]:
        """Every trial by its number, and the number of the chosen, in plain JSON."""
        tried = {f"{number:03}": one.facts for number, one in enumerate(self.trials, start=1)}
        return {"tried": tried, "chosen": f"{self.chosen + 1:03}"}


def recipe_of(method: Mapping[str, Any]) -> Recipe:
    """Find the chosen recipe in what the evidence says of the method."""
    chosen = method["tried"][method["chosen"]]
    return Recipe(**{one.name: chosen[one.name] for one in fields(Recipe)})


def search(
    settings: Settings, dataset: str, order: Order, context: Mapping[str, Any], *, trials: int
) -> Study:
    """Search on an order's own training set, or go on where an earlier search of it ended.

    What was found is chosen only where it is ahead of each of our own by more than a standard error.
    """
    ready, key = candidate.prepare(order), candidates.key_of(order, context)
    journal = Lake(settings.home).studies(dataset) / f"{key}.journal"
    form, fit, stop = ready.form(order), ready.sample("fit"), ready.sample("stop")
    found = tuning.search(journal, form, fit, stop, trials=trials)
    best = min((one for one in found if not one.given_up), key=lambda one: one.loss)
    own = range(len(fitting.recipes_for(int(stop.bad.sum()))))
    contenders = [*own, *({found.index(best)} - {*own})]
    fitted = [fitting.fit(form, fit, stop, found[place].recipe) for place in contenders]
    return Study(key, found, contenders[fitting.simplest(fitted, stop, order.threads)])
