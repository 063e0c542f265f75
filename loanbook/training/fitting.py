"""features → candidate: boosted trees, the same bytes for the same input. The one door to LightGBM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError

if TYPE_CHECKING:
    import lightgbm

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Recipe:
    """How to fit: small, slow, well-shrunk trees, since bads are few."""

    learning_rate: float = 0.03
    num_leaves: int = 12
    max_depth: int = 4
    min_data_in_leaf: int = 40
    lambda_l2: float = 10.0
    feature_fraction: float = 0.7
    bagging_fraction: float = 0.8
    rounds: int = 1500
    patience: int | None = 100  # None: the rounds are fixed


FEW_BADS, FEW_STOPPING = 250, 25


def recipe_for(bads: int, stopping_bads: int) -> Recipe:
    """Choose by how many bads there are, before looking at any: fewer bads, smaller trees.

    Where the stopping sample has so few that its loss is noise, the number of rounds is fixed.
    """
    small = Recipe(num_leaves=7, max_depth=3, min_data_in_leaf=50) if bads < FEW_BADS else Recipe()
    return small if stopping_bads >= FEW_STOPPING else replace(small, rounds=150, patience=None)


@dataclass(frozen=True)
class Fitted:
    """A booster in LightGBM's own text format."""

    model: str
    rounds: int


def fit(
    matrix: Vector,
    bad: npt.NDArray[np.bool_],
    stop_matrix: Vector,
    stop_bad: npt.NDArray[np.bool_],
    *,
    features: Sequence[str],
    categorical: Sequence[str],
    monotone: Mapping[str, int],
    seed: int,
    threads: int,
    recipe: Recipe,
) -> Fitted:
    """Fit on one sample, stop on another. Raises TrainingError when either has one class only."""
    import lightgbm

    for name, outcome in (("fit", bad), ("stop", stop_bad)):
        if outcome.all() or not outcome.any():
            raise TrainingError(
                f"the {name} sample has one outcome only ({int(outcome.sum())} bads of {len(outcome)})"
            )
    names, categories = list(features), list(categorical)
    train = lightgbm.Dataset(matrix, bad.astype(float), feature_name=names, categorical_feature=categories)
    stop = lightgbm.Dataset(stop_matrix, stop_bad.astype(float), reference=train)
    booster = lightgbm.train(
        _parameters(names, monotone, seed, threads, recipe),
        train,
        num_boost_round=recipe.rounds,
        valid_sets=[stop],
        callbacks=[lightgbm.early_stopping(recipe.patience, verbose=False)] if recipe.patience else [],
    )
    rounds = booster.best_iteration if recipe.patience else booster.current_iteration()
    return Fitted(booster.model_to_string(num_iteration=rounds), rounds)


def _parameters(
    names: Sequence[str], monotone: Mapping[str, int], seed: int, threads: int, recipe: Recipe
) -> dict[str, object]:
    kept = {key: value for key, value in asdict(recipe).items() if key not in ("rounds", "patience")}
    return kept | {
        "objective": "binary",
        "metric": "binary_logloss",
        "bagging_freq": 1,
        "seed": seed,
        "num_threads": threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
        "monotone_constraints": [monotone.get(name, 0) for name in names],
        "monotone_constraints_method": "intermediate",
        "max_cat_to_onehot": 8,
        "cat_smooth": 50,
    }


def scores(model: str, matrix: Vector, *, threads: int) -> Vector:
    """Give log-odds per row, before calibration."""
    return np.asarray(_open(model).predict(matrix, raw_score=True, num_threads=threads), dtype=float)


def contributions(model: str, matrix: Vector, *, threads: int) -> Vector:
    """Give each feature's part of the log-odds, rows × features; the constant is left out."""
    parts = np.asarray(_open(model).predict(matrix, pred_contrib=True, num_threads=threads), dtype=float)
    return parts[:, :-1]


def importance(model: str) -> dict[str, float]:
    """Give each feature's share of the total gain."""
    booster = _open(model)
    gain = booster.feature_importance("gain")
    total = float(gain.sum()) or 1.0
    return dict(zip(booster.feature_name(), (gain / total).tolist(), strict=True))


def _open(model: str) -> lightgbm.Booster:
    import lightgbm

    try:
        return lightgbm.Booster(model_str=model)
    except lightgbm.basic.LightGBMError as error:
        raise TrainingError(f"the model's text can't be read: {error}", where="model.txt") from error
