"""features → candidate: would more data rank better? The recipe again, on parts of the fit sample.

Judged on the stopping sample. Where the recipe has patience each part's rounds are stopped by it too: the
figures are then a little bright, all alike. The report sample is not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.training import evaluation, fitting
from loanbook.training.fitting import Recipe

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
PARTS = (0.125, 0.25, 0.5, 1.0)


def curve(
    *,
    matrix: Vector,
    bad: Flags,
    stop_matrix: Vector,
    stop_bad: Flags,
    features: Sequence[str],
    categorical: Sequence[str],
    monotone: Mapping[str, int],
    seed: int,
    threads: int,
    recipe: Recipe,
) -> list[dict[str, Any]]:
    """Learn from 1/8, 1/4, 1/2 and all of the rows, each part within the next; give AUC and its interval."""
    order = np.random.default_rng(seed).permutation(len(bad))
    found = []
    for part in PARTS:
        rows = np.sort(order[: max(1, int(len(bad) * part))])
        point: dict[str, Any] = {"part": part, "rows": len(rows), "bads": int(bad[rows].sum())}
        try:
            fitted = fitting.fit(
                matrix=matrix[rows], bad=bad[rows], stop_matrix=stop_matrix, stop_bad=stop_bad,
                features=features, categorical=categorical, monotone=monotone,
                seed=seed, threads=threads, recipe=recipe,
            )  # fmt: skip
        except TrainingError as reason:
            found.append(point | {"unmeasured": str(reason)})
            continue
        area, low, high = evaluation.auc(fitting.scores(fitted.model, stop_matrix, threads=threads), stop_bad)
        found.append(point | {"rounds": fitted.rounds, "auc": area, "auc_interval": [low, high]})
    return found
