"""features → candidate: how likely a person was to be lent to, by what was known of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from loanbook.training import fitting
from loanbook.training.fitting import Form, Recipe, Sample

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
RECIPE = Recipe(learning_rate=0.1, rounds=80, patience=None)


def log_odds(form: Form, lent: Vector, unlent: Vector) -> tuple[Vector, Vector]:
    """Give everybody's log-odds of having been lent to, each learned from the other half of the door.

    A sign that is declared for a PD says nothing of whom a lender took, so none is kept.
    """
    free = replace(form, monotone={}, threads=1)  # so few rows that threads wait for one another
    rows = np.vstack([lent, unlent])
    taken = np.arange(len(rows)) < len(lent)
    half = np.random.default_rng(form.seed).permutation(len(rows)) % 2 == 0
    found = np.empty(len(rows))
    for learned in (half, ~half):
        fitted = fitting.fit(free, _sample(rows, taken, learned), _sample(rows, taken, ~learned), RECIPE)
        found[~learned] = fitting.scores(fitted.model, rows[~learned], threads=1)
    return found[taken], found[~taken]


def _sample(rows: Vector, taken: Flags, chosen: Flags) -> Sample:
    return Sample(rows[chosen], taken[chosen])
