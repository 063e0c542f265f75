"""features → candidate: boosted trees, the same bytes for the same input. The one door to LightGBM."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError

if TYPE_CHECKING:
    import lightgbm

    from loanbook.training.matrix import Plan

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sample:
    """Rows to learn from or to be stopped by: a matrix, rows × features, and who of them went bad.

    `about` gives each row's log-odds by what is known already: trees are then fitted to what is left.
    """

    matrix: Vector
    bad: Flags
    about: Vector | None = None

    def over(self, score: Vector) -> Vector:
        """Add a score to what is known already."""
        return score if self.about is None else self.about + score


@dataclass(frozen=True)
class Form:
    """What the columns are and how they may act, and what else decides the bytes: the seed, the threads."""

    features: Sequence[str]
    categorical: Sequence[str]
    monotone: Mapping[str, int]
    seed: int
    threads: int

    @classmethod
    def of(cls, plan: Plan, *, seed: int, threads: int) -> Form:
        """Take a plan's columns, in its order."""
        return cls(plan.features, tuple(plan.categories), plan.monotone, seed, threads)


@dataclass(frozen=True)
class Recipe:
    """How to fit: slow, well-shrunk trees of pairs, since bads are few and risk is close to additive."""

    learning_rate: float = 0.03
    num_leaves: int = 4
    max_depth: int = 2
    min_data_in_leaf: int = 40
    lambda_l2: float = 10.0
    feature_fraction: float = 0.7
    bagging_fraction: float = 0.8
    rounds: int = 1500
    patience: int | None = 100  # None: the rounds are fixed


FEW = 25


def recipes_for(stopping_bads: int) -> tuple[Recipe, ...]:
    """Give what to try, the simplest first: features one by one, in pairs, in triples.

    With few bads the stopping sample's loss is noise: fix the rounds, choose nothing.
    """
    if stopping_bads < FEW:
        return (Recipe(rounds=200, patience=None),)
    return Recipe(num_leaves=2, max_depth=1), Recipe(), Recipe(num_leaves=8, max_depth=3)


@dataclass(frozen=True)
class Fitted:
    """A booster in LightGBM's own text format."""

    model: str
    rounds: int
    recipe: Recipe
    stop_loss: float


Watch = Callable[[int, float], None]


def simplest(fitted: Sequence[Fitted], stop: Sample, threads: int) -> int:
    """Give the place of the first that is no standard error behind the best on the stopping sample.

    The error is that of the mean difference of two losses on the same rows (Breiman et al. 1984, the rule of
    one standard error): what is more complex must be ahead by more than chance would have it.
    """
    losses = [_losses(stop.over(scores(one.model, stop.matrix, threads=threads)), stop.bad) for one in fitted]
    best = min(losses, key=lambda one: float(one.mean()))
    behind = [one - best for one in losses]
    return next(
        place
        for place, one in enumerate(behind)
        if float(one.mean()) <= float(one.std(ddof=1)) / np.sqrt(len(one))
    )


def fit(form: Form, learn: Sample, stop: Sample, recipe: Recipe, watch: Watch | None = None) -> Fitted:
    """Fit on one sample, stop on another. Raises TrainingError when either has one class only.

    `watch` is told the rounds so far and the mean log-loss of the stopping sample, and may raise.
    """
    import lightgbm

    for name, outcome in (("fit", learn.bad), ("stop", stop.bad)):
        if outcome.all() or not outcome.any():
            raise TrainingError(
                f"the {name} sample has one outcome only ({int(outcome.sum())} bads of {len(outcome)})"
            )
    told = [_told(watch)] if watch else []
    patient = [lightgbm.early_stopping(recipe.patience, verbose=False)] if recipe.patience else []
    train = _dataset(form, learn.matrix, learn.bad.astype(float), learn.about)
    booster = lightgbm.train(
        _parameters(form, recipe),
        train,
        num_boost_round=recipe.rounds,
        valid_sets=[
            lightgbm.Dataset(stop.matrix, stop.bad.astype(float), reference=train, init_score=stop.about)
        ],
        callbacks=[*told, *patient],
    )
    rounds = booster.best_iteration if recipe.patience else booster.current_iteration()
    model = booster.model_to_string(num_iteration=rounds)
    score = np.asarray(booster.predict(stop.matrix, num_iteration=rounds, raw_score=True), dtype=float)
    return Fitted(model, rounds, recipe, float(_losses(stop.over(score), stop.bad).mean()))


def _told(watch: Watch) -> Callable[[Any], None]:
    def tell(environment: Any) -> None:
        watch(environment.iteration + 1, float(environment.evaluation_result_list[0][2]))

    return tell


def refit(form: Form, learn: Sample, chosen: Fitted) -> Fitted:
    """Fit the chosen recipe again for the chosen rounds, on more rows: those that it was stopped on too."""
    import lightgbm

    booster = lightgbm.train(
        _parameters(form, chosen.recipe),
        _dataset(form, learn.matrix, learn.bad.astype(float), learn.about),
        num_boost_round=chosen.rounds,
    )
    return replace(chosen, model=booster.model_to_string())


Slope = Callable[[Vector], tuple[Vector, Vector]]
Held = tuple[Vector, Callable[[Vector], float]]


def descend(
    form: Form, matrix: Vector, slope: Slope, recipe: Recipe, held: Held | None = None, **own: object
) -> Fitted:
    """Fit trees to any loss: `slope` gives its gradient and curvature at each row's score, from 0.

    `held` are the rows to stop on and their mean loss by score; without them the rounds are fixed, and the
    loss is NaN. `own` goes over the usual parameters.
    """
    import lightgbm

    def told(score: Vector, _: lightgbm.Dataset) -> tuple[str, float, bool]:
        assert held is not None
        return "loss", held[1](score), False

    train = _dataset(form, matrix, np.zeros(len(matrix)))
    stop = [] if held is None else [lightgbm.Dataset(held[0], np.zeros(len(held[0])), reference=train)]
    patience = recipe.patience if held is not None else None
    booster = lightgbm.train(
        _parameters(form, recipe) | {"objective": lambda score, _: slope(score), "metric": "None"} | own,
        train,
        num_boost_round=recipe.rounds,
        valid_sets=stop,
        feval=told if stop else None,
        callbacks=[lightgbm.early_stopping(patience, verbose=False)] if patience else [],
    )
    rounds = booster.best_iteration if patience else booster.current_iteration()
    model = booster.model_to_string(num_iteration=rounds)
    loss = float("nan") if held is None else held[1](scores(model, held[0], threads=form.threads))
    return Fitted(model, rounds, recipe, loss)


def _dataset(form: Form, matrix: Vector, label: Vector, about: Vector | None = None) -> lightgbm.Dataset:
    import lightgbm

    return lightgbm.Dataset(
        matrix,
        label,
        init_score=about,
        feature_name=list(form.features),
        categorical_feature=list(form.categorical),
    )


def _losses(score: Vector, bad: Flags) -> Vector:
    """Give each row's log-loss by its log-odds."""
    return np.asarray(np.logaddexp(0.0, np.where(bad, -score, score)))


def _parameters(form: Form, recipe: Recipe) -> dict[str, object]:
    kept = {key: value for key, value in asdict(recipe).items() if key not in ("rounds", "patience")}
    return kept | {
        "objective": "binary",
        "metric": "binary_logloss",
        "bagging_freq": 1,
        "seed": form.seed,
        "num_threads": form.threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
        "monotone_constraints": [form.monotone.get(name, 0) for name in form.features],
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


def thresholds(model: str) -> dict[str, Vector]:
    """Give, by feature, every number at which a tree turns: between two of them a score can't change."""
    booster = _open(model)
    names = booster.feature_name()
    found: dict[str, set[float]] = {}
    for tree in booster.dump_model()["tree_info"]:
        for place, cut in _cuts(tree["tree_structure"]):
            found.setdefault(names[place], set()).add(cut)
    return {name: np.array(sorted(cuts)) for name, cuts in found.items()}


def _cuts(node: Mapping[str, Any]) -> Iterator[tuple[int, float]]:
    if "split_feature" not in node:
        return
    if node["decision_type"] == "<=":
        yield node["split_feature"], float(node["threshold"])
    yield from _cuts(node["left_child"])
    yield from _cuts(node["right_child"])


@lru_cache(maxsize=4)  # reading the text of a thousand trees costs more than scoring a thousand rows
def _open(model: str) -> lightgbm.Booster:
    import lightgbm

    try:
        return lightgbm.Booster(model_str=model)
    except lightgbm.basic.LightGBMError as error:
        raise TrainingError(f"the model's text can't be read: {error}", where="model.txt") from error
