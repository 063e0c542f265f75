"""features → candidate: from a frame of doses by lot to a responder and its predictions."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.response import responder, trees
from loanbook.response.responder import OUTCOMES, Part, Responder
from loanbook.response.trees import Rows
from loanbook.settings import Settings
from loanbook.training import fitting, frame, lots, matrix, orders
from loanbook.training.evaluation import Z95
from loanbook.training.fitting import Fitted, Form, Recipe
from loanbook.training.lots import LEARNED, Split
from loanbook.training.matrix import Plan
from loanbook.training.orders import Candidate, Order
from loanbook.watching import stability

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

PRICE = "price"
# A lot is small, so rounds are fixed. How steep a default is differs in log-odds by less than can be seen of
# a few hundred: its slope is shrunk most.
LEVELS = {
    "balance": Recipe(rounds=150, patience=None),
    "pd": Recipe(num_leaves=2, max_depth=1, rounds=400, patience=None),
}
SLOPES = {
    "balance": Recipe(num_leaves=2, max_depth=1, rounds=100, patience=None),
    "pd": Recipe(num_leaves=2, max_depth=1, rounds=50, patience=None),
}
SIGNS = {"balance": -1, "pd": 1}  # of the price
FOLDS = 5


@dataclass(frozen=True)
class Prepared:
    """A training set made ready: `table` holds the lot; the others are of its rows."""

    table: pa.Table
    split: Split
    plan: Plan
    values: Vector
    dose: Vector
    outcomes: Mapping[str, Vector]
    folds: npt.NDArray[np.int64]

    def weights(self, outcome: str) -> Vector:
        """Give how much each row counts: balances waver by how much may be drawn, and count the less for it.

        That is by their spread at the dose, and not by its square, or the largest doses would hardly count.
        """
        if outcome == "pd":
            return np.ones(len(self.dose))
        learned, found = self.split.rows(*LEARNED), np.ones(len(self.dose))
        for dose in np.unique(self.dose[learned]):
            found[self.dose == dose] = 1 / self.outcomes[outcome][learned & (self.dose == dose)].std()
        return np.asarray(found / found[learned].mean())

    def reference(self, outcome: str) -> float:
        """Give the mean logarithm of the doses that are learned from, each by its weight.

        From there on a lot's steps have nothing to do with anybody's level.
        """
        learned = self.split.rows(*LEARNED)
        return float(np.average(np.log(self.dose[learned]), weights=self.weights(outcome)[learned]))


def prepare(order: Order) -> Prepared:
    """Read the training set of an order, split it and encode it."""
    import pyarrow.parquet as pq

    table = frame.ripe(pq.read_table(order.frame))
    customers = np.array(table["customer_id"].to_pylist(), dtype=object)
    decided, ripe = (orders.times(table, name) for name in ("decided_at", "ripe_at"))
    split = lots.by_time(decided, ripe, customers, report_from=order.report_from)
    plan = matrix.plan(table.filter(split.rows("fit")), (*order.features, PRICE), {})
    if plan.features[-1] != PRICE:
        raise TrainingError("the lot tried one price alone", right="Draw prices by lot too")
    dose, bad = table["dose"].to_numpy(), np.array(table["bad"].to_pylist(), dtype=float)
    _refuse_alike(split, dose, bad)
    folds = [zlib.crc32(str(customer).encode()) % FOLDS for customer in customers]
    outcomes = {"balance": table["balance"].to_numpy(), "pd": bad}
    values = matrix.encode(table, plan)
    return Prepared(table, split, plan, values, dose, outcomes, np.array(folds, dtype=np.int64))


def _refuse_alike(split: Split, dose: Vector, bad: Vector) -> None:
    """Raise TrainingError for a sample with one dose, or with one outcome."""
    for name in lots.SAMPLES:
        rows = split.rows(name)
        doses, defaults = len(np.unique(dose[rows])), int(bad[rows].sum())
        if doses < 2 or not 0 < defaults < rows.sum():
            raise TrainingError(
                f"the {name} sample has {doses} doses and {defaults} defaults of {int(rows.sum())}",
                right="Draw more doses by lot, of more customers",
            )


def make(settings: Settings, order: Order, into: Path) -> Candidate:
    """Split, fit both outcomes, calibrate, and write bundle and predictions below `into`."""
    ready = prepare(order)
    fitted = {outcome: _fit(ready, outcome, order) for outcome in OUTCOMES}
    made = _responder(ready, fitted, order)
    digest = responder.write(made, into / orders.BUNDLE)
    orders.freeze(settings, _predictions(ready, made, order), order.line, into)
    counts = {name: {"rows": int(ready.split.rows(name).sum())} for name in lots.SAMPLES}
    tried = [one for outcome in OUTCOMES for one in fitted[outcome].trees]
    return orders.candidate(into, digest, ready.split.facts, counts, tried, 0)


@dataclass(frozen=True)
class Parted:
    """One outcome as it was fitted: the part, before calibration, and the trees of its level and slope."""

    part: Part
    trees: tuple[Fitted, Fitted]


@dataclass(frozen=True)
class Task:
    """One outcome that is to be fitted, in units; `steps` are logarithms of doses, less the reference."""

    ready: Prepared
    chance: bool
    target: Vector
    steps: Vector
    weight: Vector
    form: Form

    def rows(self, mask: Flags, about: Vector, times: Vector, width: int) -> Rows:
        """Give rows to learn from, about what is known of them, by their first columns."""
        own = np.ascontiguousarray(self.ready.values[mask, :width])
        return Rows(own, self.target[mask], about[mask], times[mask], self.weight[mask], self.chance)

    def fitted(self, form: Form, about: Vector, times: Vector, recipe: Recipe) -> Fitted:
        """Fit to all that is learned from; `stop_loss` is that of trees of the fit sample alone."""
        fit, stop, both = (
            self.rows(self.ready.split.rows(*names), about, times, len(form.features))
            for names in (("fit",), ("stop",), LEARNED)
        )
        alone = fitting.scores(trees.fit(form, fit, recipe).model, stop.matrix, threads=form.threads)
        return replace(trees.fit(form, both, recipe), stop_loss=float(stop.losses(alone).mean()))


def _fit(ready: Prepared, outcome: str, order: Order) -> Parted:
    """Fit the level about a slope that is everybody's; then how each one's slope differs from that."""
    learned, reference, chance = ready.split.rows(*LEARNED), ready.reference(outcome), outcome == "pd"
    unit = 1.0 if chance else float(ready.outcomes[outcome][learned].mean())
    plain = Form.of(ready.plan, seed=order.seed, threads=order.threads)
    task = Task(
        ready=ready,
        chance=chance,
        target=ready.outcomes[outcome] / unit,
        steps=np.log(ready.dose) - reference,
        weight=ready.weights(outcome),
        form=replace(plain, monotone={PRICE: SIGNS[outcome]}),
    )
    level, nothing = np.ones(len(task.target)), np.zeros(len(task.target))
    start, tilt = trees.line(task.rows(learned, nothing, level, 0), task.steps[learned])
    bare = start + tilt * task.steps
    of_level = task.fitted(task.form, bare, level, LEVELS[outcome])
    apart = _apart(task, bare, LEVELS[outcome])
    tilt += trees.constant(task.rows(learned, bare + apart, task.steps, 0))
    of_customer = replace(plain, features=plain.features[:-1], monotone={})
    about = start + apart + tilt * task.steps
    of_slope = task.fitted(of_customer, about, task.steps, SLOPES[outcome])
    part = Part(of_level.model, of_slope.model, reference, start, tilt, 0.0, unit, chance)
    return Parted(part, (of_level, of_slope))


def _apart(task: Task, bare: Vector, recipe: Recipe) -> Vector:
    """Give each row the level that other customers' rows tell.

    A slope is learned beside these: a level of one's own rows would have taken a part of what the dose did.
    """
    learned, found = task.ready.split.rows(*LEARNED), np.zeros(len(bare))
    for fold in range(FOLDS):
        held = task.ready.folds == fold
        others = task.rows(learned & ~held, bare, np.ones(len(bare)), len(task.form.features))
        model = trees.fit(task.form, others, recipe).model
        found[held] = fitting.scores(model, task.ready.values[held], threads=task.form.threads)
    return found


def _responder(ready: Prepared, fitted: Mapping[str, Parted], order: Order) -> Responder:
    learned = ready.split.rows(*LEARNED)
    prices = ready.values[learned, -1]
    bare = Responder(
        plan=ready.plan,
        balance=fitted["balance"].part,
        pd=fitted["pd"].part,
        doses=tuple(np.unique(ready.dose[learned]).tolist()),
        prices=(float(prices.min()), float(prices.max())),
        stability={},
        card=_card(order, fitted),
    )
    balance, pd = (_levelled(ready, bare, name, order.threads) for name in OUTCOMES)
    made = replace(bare, balance=balance, pd=pd)
    return replace(made, stability=_frozen(ready, made, order.threads))


def _levelled(ready: Prepared, bare: Responder, outcome: str, threads: int) -> Part:
    """Move a level to the calibration sample's where that contradicts it, and else leave it."""
    part, rows = bare.part(outcome), ready.split.rows("calibrate")
    level, slope = part.scores(ready.values[rows], threads=threads)
    about = level + slope * (np.log(ready.dose[rows]) - part.reference)
    seen, ones = ready.outcomes[outcome][rows] / part.unit, np.ones(len(about))
    left = Rows(ready.values[rows], seen, about, ones, ready.weights(outcome)[rows], part.chance)
    return replace(part, shift=shift(left))


def shift(rows: Rows) -> float:
    """Give what is to be added to a level so that it keeps what was seen.

    It is 0 unless the level differs by more than its own standard error would have it, at 95 %: of few rows
    a level is worse known than the larger fit sample's.
    """
    added = trees.constant(rows)
    gradient, weight = rows.slope(np.full(len(rows.outcome), added))
    error = float(np.sqrt((gradient**2).sum()) / weight.sum())
    return added if abs(added) > Z95 * error else 0.0


def _frozen(ready: Prepared, made: Responder, threads: int) -> Mapping[str, Mapping[str, stability.Frozen]]:
    """Freeze the fit sample's bins: each feature's, and what is told of each row at the reference."""
    fit, plan = ready.split.rows("fit"), ready.plan
    bins = {
        name: stability.freeze(ready.values[fit, place], codes=len(plan.categories.get(name, ())))
        for place, name in enumerate(plan.features)
    }
    told = {name: at_reference(made, name, ready.values[fit], threads) for name in OUTCOMES}
    return {"fit": bins, "told": {name: stability.freeze(values) for name, values in told.items()}}


def at_reference(made: Responder, outcome: str, values: Vector, threads: int) -> Vector:
    """Give an outcome of each row at the reference dose."""
    dose = np.full(len(values), np.exp(made.part(outcome).reference))
    return made.at(outcome, values, dose, threads=threads)


def _card(order: Order, fitted: Mapping[str, Parted]) -> dict[str, object]:
    return orders.card(order) | {
        "kind": "response",
        "recipe": {
            f"{outcome}_{name}": asdict(one.recipe)
            for outcome in OUTCOMES
            for name, one in zip(("level", "slope"), fitted[outcome].trees, strict=True)
        },
    }


def _predictions(ready: Prepared, made: Responder, order: Order) -> pa.Table:
    import pyarrow as pa

    kept = ready.split.sample >= 0
    names = np.array(lots.SAMPLES, dtype=object)[ready.split.sample[kept]]
    told = ("customer_id", "decided_at", "dose", PRICE, "balance", "bad")
    rows = ready.table.select([order.line.grain.key, *told]).filter(pa.array(kept))
    rows = rows.append_column("sample", pa.array(names, pa.string()))
    for name in OUTCOMES:
        values = made.at(name, ready.values[kept], ready.dose[kept], threads=order.threads)
        rows = rows.append_column(f"told_{name}", pa.array(values))
    return rows
