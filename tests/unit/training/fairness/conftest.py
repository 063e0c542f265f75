"""A lender that was drawn: an ethnic group that a province tells, or that nothing does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from loanbook.training import calibration, fitting, splits
from loanbook.training.fairness.alternatives import Bounds, Model
from loanbook.training.fairness.proxies import Known
from loanbook.training.fitting import Form, Recipe, Sample

SIZES = {"fit": 4000, "stop": 1200, "calibrate": 1200, "threshold": 2400, "report": 3200}
FEATURES = ("income", "province", "debts", "chance")
RECIPE = Recipe(rounds=80, learning_rate=0.1, patience=None)
BOUNDS = Bounds(max_auc_loss=0.02, max_bad_rate=0.10, refer_band=0.02)


@dataclass(frozen=True)
class Drawn:
    """The rows as a model knows them, each one's group, and who went bad."""

    known: Known
    names: npt.NDArray[np.object_]
    bad: npt.NDArray[np.bool_]
    form: Form


@pytest.fixture(scope="session")
def drawn() -> Callable[..., Drawn]:
    """Draw: with `told`, provinces 4 and 5 are mostly the minority's; its bad rate is a little higher."""

    def draw(*, told: bool, seed: int = 1, minority: float = 0.3) -> Drawn:
        rows, chance = sum(SIZES.values()), np.random.default_rng(seed)
        own = chance.random(rows) < minority
        home = chance.integers(4, 6, rows)
        anywhere = chance.integers(0, 6, rows)
        province = np.where(own & (chance.random(rows) < 0.9), home, chance.integers(0, 4, rows))
        debts = chance.normal(size=rows)
        values = np.column_stack(
            [
                chance.normal(size=rows),
                province if told else anywhere,
                debts,
                chance.normal(size=rows),
            ]
        ).astype(float)
        odds = -2.2 - 0.8 * values[:, 0] + 0.9 * debts + 0.7 * own
        bad = chance.random(rows) < 1 / (1 + np.exp(-odds))
        sample = np.repeat(np.array(list(SIZES)), list(SIZES.values()))
        form = Form(FEATURES, ("province",), {}, 7, 1)
        known = Known.of(form, values, {name: sample == name for name in splits.SAMPLES})
        names = np.where(own, "minority", "majority").astype(object)
        return Drawn(known, names, bad, form)

    return draw


@pytest.fixture(scope="session")
def learned() -> Callable[[Drawn], Model]:
    """Learn as candidates are: fit and stop, calibrate, and a second model that ranks by chance."""

    def learn(one: Drawn) -> Model:
        values, rows = one.known.values, one.known.rows
        sample = {name: Sample(values[rows[name]], one.bad[rows[name]]) for name in ("fit", "stop")}
        first = fitting.fit(one.form, sample["fit"], sample["stop"], RECIPE)
        both = rows["fit"] | rows["stop"]
        text = fitting.refit(one.form, Sample(values[both], one.bad[both]), first).model
        score = fitting.scores(text, values, threads=1)
        pd = calibration.fit(score[rows["calibrate"]], one.bad[rows["calibrate"]]).pd(score)
        signs: Mapping[str, int] = {}
        return Model(one.known, signs, RECIPE, text, pd, one.bad, np.full(len(pd), float(one.bad.mean())))

    return learn
