"""features → candidate: from a frame of amounts to a valuer and its predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loanbook.settings import Settings
from loanbook.training import frame, matrix, orders
from loanbook.training.fitting import Fitted, Form, Recipe
from loanbook.training.orders import Candidate, Order
from loanbook.valuation import quantiles, samples, valuer
from loanbook.valuation.quantiles import Amounts
from loanbook.valuation.samples import Split
from loanbook.valuation.seen import amount_of
from loanbook.valuation.valuer import AGE, DRIVEN, Quantile, Valuer
from loanbook.watching import stability

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]

# With few rows the stopping sample chooses by the median's pinball loss; with many the deep trees were ahead.
SHALLOW = Recipe(0.1, 8, 3, 40, 10.0, 0.8, 0.8, 1000, 50)
DEEP = Recipe(0.1, 63, -1, 10, 5.0, 0.8, 0.8, 1500, 50)
FEW = 20_000
USED = 1.0  # years from which kilometres over age say how far a vehicle is driven in one


@dataclass(frozen=True)
class Prepared:
    """A training set made ready: `table` holds the rows that have an amount; the others are of these."""

    table: pa.Table
    split: Split
    plan: matrix.Plan
    values: Vector
    amount: Vector
    level: Vector

    def sample(self, name: str) -> Amounts:
        """Give the rows of a sample to learn from: logarithms at an index of 100."""
        rows = self.split.rows(name)
        return Amounts(self.values[rows], np.log(self.amount[rows] / self.level[rows]))


def prepare(order: Order) -> Prepared:
    """Read the training set of an order, split it and encode it."""
    import pyarrow.parquet as pq

    table = frame.ripe(pq.read_table(order.frame))
    alike = np.array(table["alike"].to_pylist(), dtype=object)
    if amount_of(order.line).drawn:
        split = samples.drawn(alike)
    else:
        split = samples.by_time(orders.times(table, "decided_at"), alike, report_from=order.report_from)
    plan = matrix.plan(table.filter(split.rows("fit")), order.features, order.line.monotone)
    values = matrix.encode(table, plan)
    return Prepared(table, split, plan, values, table["amount"].to_numpy(), table["level"].to_numpy())


def make(settings: Settings, order: Order, into: Path) -> Candidate:
    """Split, fit each quantile, calibrate, and write bundle and predictions below `into`."""
    ready = prepare(order)
    tried, chosen = _tried(ready, order)
    made = _fit(ready, tried[chosen], order)
    digest = valuer.write(made, into / orders.BUNDLE)
    orders.freeze(settings, _predictions(ready, made, order), order.line, into)
    counts = {name: {"rows": int(ready.split.rows(name).sum())} for name in samples.SAMPLES}
    return orders.candidate(into, digest, ready.split.facts, counts, tried, chosen)


def _tried(ready: Prepared, order: Order) -> tuple[tuple[Fitted, ...], int]:
    """Fit the median by each recipe; the first stands unless a later one's loss is smaller."""
    recipes = (SHALLOW, DEEP) if int(ready.split.rows("fit").sum()) < FEW else (DEEP,)
    fitted = tuple(_quantile(ready, order, recipe, 0.5) for recipe in recipes)
    return fitted, min(range(len(fitted)), key=lambda place: fitted[place].stop_loss)


def _quantile(ready: Prepared, order: Order, recipe: Recipe, level: float) -> Fitted:
    form = Form.of(ready.plan, seed=order.seed, threads=order.threads)
    start = _start(ready, level)
    learn, stop = (
        Amounts(one.matrix, one.logs - start) for one in (ready.sample("fit"), ready.sample("stop"))
    )
    return quantiles.fit_quantile(form, learn, stop, recipe, level)


def _start(ready: Prepared, level: float) -> float:
    return float(np.quantile(ready.sample("fit").logs, level))


def _fit(ready: Prepared, chosen: Fitted, order: Order) -> Valuer:
    levels = amount_of(order.line).quantiles
    fitted = [chosen if one == 0.5 else _quantile(ready, order, chosen.recipe, one) for one in levels]
    bare = tuple(
        Quantile(level, one.model, _start(ready, level), 0.0)
        for level, one in zip(levels, fitted, strict=True)
    )
    own = ready.sample("calibrate")
    raw = valuer.sorted_logs(bare, own.matrix, threads=order.threads)
    quantiles = tuple(
        Quantile(one.level, one.model, one.start, shift(raw[:, place], own.logs, one.level))
        for place, one in enumerate(bare)
    )
    made = Valuer(ready.plan, quantiles, _driven(ready), {}, _card(order, levels, fitted))
    return Valuer(made.plan, quantiles, made.km_a_year, _frozen(ready, made, order.threads), made.card)


def shift(said: Vector, seen: Vector, level: float) -> float:
    """Give what is to be added to a quantile so that its share of new rows lies below it.

    Conformal: the quantile of the residuals on rows that it was not fitted to, one row more conservative on
    either side (Romano, Patterson and Candès 2019).
    """
    rows, residual = len(seen), np.sort(seen - said)
    if level == 0.5:
        return float(np.median(residual))
    place = np.floor((rows + 1) * level) if level < 0.5 else np.ceil((rows + 1) * level)
    return float(residual[int(np.clip(place, 1, rows)) - 1])


def _driven(ready: Prepared) -> float | None:
    """Give what a used vehicle of the fit sample is driven in a year, at the median."""
    features, own = list(ready.plan.features), ready.split.rows("fit")
    if AGE not in features or DRIVEN not in features:
        return None
    age, driven = (ready.values[own, features.index(name)] for name in (AGE, DRIVEN))
    used = (age >= USED) & ~np.isnan(driven)
    return float(np.median(driven[used] / age[used])) if used.any() else None


def _frozen(ready: Prepared, made: Valuer, threads: int) -> Mapping[str, Mapping[str, stability.Frozen]]:
    fit, plan = ready.values[ready.split.rows("fit")], ready.plan
    bins = {
        name: stability.freeze(fit[:, index], codes=len(plan.categories.get(name, ())))
        for index, name in enumerate(plan.features)
    }
    return {"fit": bins | {"value": stability.freeze(made.logs(fit, threads=threads)[:, made.middle])}}


def _card(order: Order, levels: tuple[float, ...], fitted: list[Fitted]) -> dict[str, object]:
    return orders.card(order) | {
        "kind": "amount",
        "recipe": asdict(fitted[0].recipe),
        "rounds": {f"{level:g}": one.rounds for level, one in zip(levels, fitted, strict=True)},
        "stop_loss": {f"{level:g}": one.stop_loss for level, one in zip(levels, fitted, strict=True)},
    }


def _predictions(ready: Prepared, made: Valuer, order: Order) -> pa.Table:
    import pyarrow as pa

    key, kept = order.line.grain.key, ready.split.sample >= 0
    names = np.array(samples.SAMPLES, dtype=object)[ready.split.sample[kept]]
    rows = ready.table.select([key, "decided_at", "alike", "amount", "level"]).filter(kept)
    rows = rows.append_column("sample", pa.array(names, pa.string()))
    told = made.now(ready.values[kept], ready.level[kept], threads=order.threads)
    for place, one in enumerate(made.quantiles):
        rows = rows.append_column(one.column, pa.array(told[:, place]))
    return rows
