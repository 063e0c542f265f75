"""features → candidate: from a frame to a bundle and its predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loanbook import digests, lake
from loanbook.lending.strategy import Strategy
from loanbook.schema import Grain, Line
from loanbook.settings import Settings
from loanbook.training import (
    binning,
    bundle,
    calibration,
    crossed,
    fitting,
    frame,
    matrix,
    reasons,
    splits,
    unusual,
)
from loanbook.training.fitting import Fitted, Form, Recipe, Sample
from loanbook.training.scorecard import Scorecard, log_odds
from loanbook.watching import stability

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Order:
    """What the trainer is asked for. The same order on the same code gives the same bytes."""

    line: Line
    recipes: tuple[Recipe, ...]  # to choose from, the simplest first; none: what the stopping bads allow
    frame: Path
    frame_digest: str
    service: str
    features: tuple[str, ...]
    reasons: tuple[reasons.Reason, ...]
    strategy: Strategy
    report_from: datetime | None
    shared_customers: bool
    seed: int
    threads: int
    newcomers: bool = False  # where customers recur: report on those first seen from `report_from` on


@dataclass(frozen=True)
class Candidate:
    """A trained model before anyone reviewed it."""

    folder: Path
    bundle: str
    predictions: Path
    predictions_digest: str
    split: Mapping[str, object]
    counts: Mapping[str, Mapping[str, object]]
    tried: Mapping[str, Mapping[str, object]]
    chosen: str


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
    times = _times(table, "entered_at"), _times(table, "ripe_at")
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
    digest = bundle.write(made, into / "bundle")
    judged = {"score": score, "pd": made.calibration.pd(score)}
    judged["scorecard_pd"] = made.scorecard.pd(ready.values, ready.plan.features)
    if made.unusual is not None:
        judged["unusual"] = made.unusual.score(ready.values, ready.plan.features)
    predictions = _predictions(settings, order.line.grain, ready, judged, into)
    split = ready.split
    facts = {
        "report_from": str(split.report_from),
        "embargoed": split.embargoed,
        "grouped_out": split.grouped_out,
    }
    counts = {name: _count(ready.table, ready.bad, split.rows(name)) for name in splits.SAMPLES}
    named = {f"{place:03}": _said(one) for place, one in enumerate(tried, start=1)}
    predicted = digests.of_file(predictions)
    return Candidate(
        into / "bundle", digest, predictions, predicted, facts, counts, named, f"{chosen + 1:03}"
    )


def _tried(ready: Prepared, order: Order) -> tuple[tuple[Fitted, ...], int]:
    """Fit what is ordered, or what the stopping sample's bads allow, and choose."""
    fit, stop = ready.sample("fit"), ready.sample("stop")
    recipes = order.recipes or fitting.recipes_for(int(stop.bad.sum()))
    tried = tuple(fitting.fit(ready.form(order), fit, stop, recipe) for recipe in recipes)
    return tried, fitting.simplest(tried, stop, order.threads)


def _said(one: Fitted) -> dict[str, object]:
    return {**asdict(one.recipe), "stopped_at": one.rounds, "stop_loss": one.stop_loss}


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
    from importlib.metadata import version

    return {
        "format": 1,
        "line": order.line.name,
        "label": asdict(order.line.label),
        "decision_days": order.line.decision_days,
        "service": order.service,
        "frame": order.frame_digest,
        "seed": order.seed,
        "threads": order.threads,
        "recipe": asdict(fitted.recipe),
        "rounds": fitted.rounds,
        "lightgbm": version("lightgbm"),
        "optbinning": version("optbinning"),
    }


def _predictions(
    settings: Settings, grain: Grain, ready: Prepared, judged: Mapping[str, Vector], into: Path
) -> Path:
    import pyarrow as pa

    kept = ready.split.sample >= 0
    names = np.array(splits.SAMPLES, dtype=object)[ready.split.sample[kept]]
    rows = ready.table.select([grain.key, "customer_id", "decided_at"]).filter(kept)
    rows = rows.append_column("sample", pa.array(names, pa.string()))
    rows = rows.append_column("bad", pa.array(ready.bad[kept]))
    for name, values in judged.items():
        rows = rows.append_column(name, pa.array(values[kept]))
    target = into / "predictions.parquet"
    with lake.connect(settings) as connection:
        connection.register("rows", rows)
        lake.copy_out(connection, f"SELECT * FROM rows ORDER BY decided_at, {grain.key}", target)
    return target


def _times(table: pa.Table, name: str) -> npt.NDArray[np.datetime64]:
    import pyarrow as pa

    return np.asarray(table[name].cast(pa.timestamp("us")).to_numpy())


def _count(table: pa.Table, bad: npt.NDArray[np.bool_], rows: npt.NDArray[np.bool_]) -> dict[str, object]:
    decided = _times(table, "decided_at")[rows]
    return {
        "rows": int(rows.sum()),
        "bads": int(bad[rows].sum()),
        "from": str(decided.min()),
        "to": str(decided.max()),
    }
