"""features → candidate: would more data rank better? The recipe again, on parts of the fit sample.

Judged on the stopping sample. Where the recipe has patience each part's rounds are stopped by it too: the
figures are then a little bright, all alike. The report sample is not read.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from loanbook.errors import TrainingError
from loanbook.training import evaluation, fitting
from loanbook.training.fitting import Form, Recipe, Sample

PARTS = (0.125, 0.25, 0.5, 1.0)


def curve(
    form: Form, learn: Sample, stop: Sample, recipe: Recipe, whose: evaluation.Whose | None = None
) -> list[dict[str, Any]]:
    """Learn from 1/8, 1/4, 1/2 and all of the rows, each part within the next; give AUC and its interval."""
    order = np.random.default_rng(form.seed).permutation(len(learn.bad))
    found = []
    for part in PARTS:
        rows = np.sort(order[: max(1, int(len(order) * part))])
        some = Sample(learn.matrix[rows], learn.bad[rows])
        point: dict[str, Any] = {"part": part, "rows": len(rows), "bads": int(some.bad.sum())}
        try:
            fitted = fitting.fit(form, some, stop, recipe)
        except TrainingError as reason:
            found.append(point | {"unmeasured": str(reason)})
            continue
        score = fitting.scores(fitted.model, stop.matrix, threads=form.threads)
        area, low, high = evaluation.auc(score, stop.bad, whose)
        found.append(point | {"rounds": fitted.rounds, "auc": area, "auc_interval": [low, high]})
    return found
