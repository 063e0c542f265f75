"""features → candidate: from a frame to a bundle and its predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loanbook.lending.strategy import Strategy
from loanbook.schema import Line
from loanbook.settings import Settings
from loanbook.training import (
    binning,
    bundle,
    calibration,
    crossed,
    fitting,
    frame,
    matrix,
    orders,
    reasons,
    splits,
    unusual,
)
from loanbook.training.fitting import Fitted, Form, Recipe, Sample
from loanbook.training.orders import Candidate
from loanbook.training.scorecard import Scorecard, log_odds
from loanbook.watching import stability

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Order(orders.Order):
    """What the trainer of a PD is asked for, beside what every trainer is."""

    recipes: tuple[Recipe, ...]  # to choose from, the simplest first; none: what the stopping bads allow
    reasons: tuple[reasons.Reason, ...]
    strategy: Strategy
    shared_customers: bool
    newcomers: bool = False  # where customers recur: report on those first seen from `report_from` on


@dataclass(frozen=True)
class Prepared:
    """A training set made ready: `table` holds its ripe rows, `bad`, `split` and `values` are of these."""

    whole: pa.Table
    table: pa.Table
    bad: npt.NDArray[np.bool_]
    split: splits.Split
    plan: matrix.Plan
    values: Vector

    def rows(self, *names: str) -> npt.NDArray[np.bool_]:
        """Which rows stand in any of these samples."""
        return np.asarray(np.logical_or.reduce([self.split.rows(name) for name in names]))

    def sample(self, *names: str) -> Sample:
        """Give the rows of these samples to learn from."""
        rows = self.rows(*names)
        return Sample(self.values[rows], self.bad[rows])

    def form(self, order: Order) -> Form:
        """Say what the columns are."""
        return Form.of(self.plan, seed=order.seed, threads=order.threads)


def prepare(order: Order) -> Prepared:
    """Read the training set of an order, split it and encode it."""
    import pyarrow.parquet as pq

    whole = pq.read_table(order.frame)
    table = frame.ripe(whole)
    bad = np.array(table["outcome"].to_pylist()) == "bad"
    split = _split(order, table)
    plan = matrix.plan(table.filter(split.rows("fit")), order.features, order.line.monotone)
    return Prepared(whole, table, bad, split, plan, matrix.encode(table, plan))


def _split(order: Order, table: pa.Table) -> splits.Split:
    """Split by time; where customers recur by nature, by customer too."""
    times = orders.times(table, "entered_at"), orders.times(table, "ripe_at")
    customers = np.array(table["customer_id"].to_pylist(), dtype=object)
    if order.line.recurs:
        return crossed.by_customer(
            *times, customers, report_from=order.report_from, newcomers=order.newcomers
        )
    return splits.by_time(
        *times, customers, report_from=order.report_from, shared_customers=order.shared_customers
    )


def make(settings: Settings, order: Order, into: Path) -> Candidate:
    """Split, fit, calibrate, find cut-offs, and write bundle and predictions below `into`."""
    ready = prepare(order)
    tried, chosen = _tried(ready, order)
    made, score = _fit(ready, tried[chosen], order)
    digest = bundle.write(made, into / orders.BUNDLE)
    judged = {"score": score, "pd": made.calibration.pd(score)}
    judged["scorecard_pd"] = made.scorecard.pd(ready.values, ready.plan.features)
    if made.unusual is not None:
        judged["unusual"] = made.unusual.score(ready.values, ready.plan.features)
    orders.freeze(settings, _predictions(ready, judged, order.line), order.line, into)
    split = ready.split
    facts = {
        "report_from": str(split.report_from),
        "embargoed": split.embargoed,
        "grouped_out": split.grouped_out,
    }
    counts = {name: _count(ready.table, ready.bad, split.rows(name)) for name in splits.SAMPLES}
    return orders.candidate(into, digest, facts, counts, tried, chosen)


def _tried(ready: Prepared, order: Order) -> tuple[tuple[Fitted, ...], int]:
    """Fit what is ordered, or what the stopping sample's bads allow, and choose."""
    fit, stop = ready.sample("fit"), ready.sample("stop")
    recipes = order.recipes or fitting.recipes_for(int(stop.bad.sum()))
    tried = tuple(fitting.fit(ready.form(order), fit, stop, recipe) for recipe in recipes)
    return tried, fitting.simplest(tried, stop, order.threads)


def _fit(ready: Prepared, chosen: Fitted, order: Order) -> tuple[bundle.Bundle, Vector]:
    values, bad, plan = ready.values, ready.bad, ready.plan
    fitted = fitting.refit(ready.form(order), ready.sample("fit", "stop"), chosen)
    score = fitting.scores(fitted.model, values, threads=order.threads)
    own = ready.rows("calibrate")
    platt = calibration.fit(score[own], bad[own])
    pd = platt.pd(score)
    threshold = ready.rows("threshold")
    cut_offs = order.strategy.cut(pd[threshold], bad[threshold])
    parts = fitting.contributions(fitted.model, values[threshold], threads=order.threads)
    reason_map = reasons.reason_map(
        order.reasons, plan.features, parts, pd[threshold], cut_offs.approve_below
    )
    at_door = matrix.encode(frame.door(ready.whole), plan)
    fit = ready.rows("fit")
    frozen = {
        "fit": _frozen(values[fit], pd[fit], plan),
        "door": _frozen(
            at_door, platt.pd(fitting.scores(fitted.model, at_door, threads=order.threads)), plan
        ),
    }
    made = bundle.Bundle(
        fitted.model, plan, platt, cut_offs, reason_map, frozen, _scorecard(ready), _card(order, fitted)
    )
    return _with_unusual(made, order, values[fit]), score


def _with_unusual(made: bundle.Bundle, order: Order, fit: Vector) -> bundle.Bundle:
    """Add the second score of a line that asks for one; the card names its features."""
    if not order.line.unusual:
        return made
    found = unusual.freeze(fit, made.plan.features, order.line.unusual)
    return replace(made, unusual=found, card={**made.card, "unusual": list(found.tails)})


def _scorecard(ready: Prepared) -> Scorecard:
    """Fit the second model on exactly the rows of the first, sample by sample."""
    plan, learned = ready.plan, ready.rows("fit", "stop")
    found = binning.learn(
        ready.values[learned],
        ready.bad[learned],
        fit=ready.rows("fit")[learned],
        features=plan.features,
        categories=plan.categories,
        monotone=plan.monotone,
    )
    own = ready.rows("calibrate")
    score = log_odds(found.intercept, found.characteristics, ready.values[own], plan.features)
    return Scorecard(found.intercept, found.characteristics, calibration.fit(score, ready.bad[own]))


def _frozen(values: Vector, pd: Vector, plan: matrix.Plan) -> dict[str, stability.Frozen]:
    bins = {
        name: stability.freeze(values[:, index], codes=len(plan.categories.get(name, ())))
        for index, name in enumerate(plan.features)
    }
    return bins | {"pd": stability.freeze(pd)}


def _card(order: Order, fitted: fitting.Fitted) -> dict[str, object]:
    made = {"recipe": asdict(fitted.recipe), "rounds": fitted.rounds}
    return orders.card(order, "optbinning") | made


def _predictions(ready: Prepared, judged: Mapping[str, Vector], line: Line) -> pa.Table:
    import pyarrow as pa

    kept = ready.split.sample >= 0
    names = np.array(splits.SAMPLES, dtype=object)[ready.split.sample[kept]]
    rows = ready.table.select([line.grain.key, "customer_id", "decided_at"]).filter(kept)
    rows = rows.append_column("sample", pa.array(names, pa.string()))
    rows = rows.append_column("bad", pa.array(ready.bad[kept]))
    for name, values in judged.items():
        rows = rows.append_column(name, pa.array(values[kept]))
    return rows


def _count(table: pa.Table, bad: npt.NDArray[np.bool_], rows: npt.NDArray[np.bool_]) -> dict[str, object]:
    decided = orders.times(table, "decided_at")[rows]
    return {
        "rows": int(rows.sum()),
        "bads": int(bad[rows].sum()),
        "from": str(decided.min()),
        "to": str(decided.max()),
    }
