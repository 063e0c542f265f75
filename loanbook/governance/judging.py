"""candidate → reviewed: what a validation team asks beyond the measures, from the bundle's own bytes.

Nothing here is chosen: the report sample is read to report. What can't be measured is named with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loanbook.errors import EvidenceError, TrainingError
from loanbook.governance import moving
from loanbook.lending import strategy
from loanbook.training import (
    bootstrap,
    comparing,
    data_size,
    evaluation,
    fitting,
    matrix,
    response,
    segments,
    venn,
)
from loanbook.training.bundle import Bundle
from loanbook.training.fitting import Form, Recipe, Sample

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
TERM, MIX = "term_months", ("channel", "loan_purpose")
ABSENT = {"unmeasured": "it is not among what the model knows"}
TOP = 0.02  # of the report sample, the most unusual


@dataclass(frozen=True)
class Subject:
    """A bundle, the rows of its frame in the order of the predictions, and what both models gave them.

    `declared` are the signs that the line declares, whatever the bundle says of itself. `unusual` is the
    second score of a bundle that has one. `whose` gives each row's customer where customers recur by nature:
    their rows are then taken together in every interval.
    """

    bundle: Bundle
    known: pa.Table
    pd: Vector
    scorecard_pd: Vector
    bad: Flags
    rows: Mapping[str, Flags]
    decided: npt.NDArray[np.datetime64]
    ripe: Flags
    declared: Mapping[str, int]
    unusual: Vector | None = None
    whose: evaluation.Whose | None = None

    def customers(self, rows: Flags) -> evaluation.Whose | None:
        """Give the customers of some rows, where they recur."""
        return None if self.whose is None else self.whose[rows]

    @cached_property
    def values(self) -> Vector:
        """The rows as numbers."""
        return matrix.encode(self.known, self.bundle.plan)

    def count(self, name: str) -> int:
        """Read a whole number off the bundle's card."""
        found = self.bundle.card.get(name)
        if not isinstance(found, int):
            raise EvidenceError(f"the bundle's card has {name} {found!r}", where="card.json")
        return found

    def judge(self, rows: Vector) -> Vector:
        """Give rows their PD, by the bundle's bytes."""
        scores = fitting.scores(self.bundle.model, rows, threads=self.count("threads"))
        return self.bundle.calibration.pd(scores)


def judge(subject: Subject) -> dict[str, Any]:
    """Give the section `judged` of the evidence."""
    parts: dict[str, Callable[[Subject], Any]] = {
        "second_model": _second_model,
        "intervals": _intervals,
        "segments": _segments,
        "vintages": _vintages,
        "reliability": _reliability,
        "venn_abers": _venn_abers,
        "data_size": _data_size,
        "monotone": _monotone,
        "sensitivity": moving.sensitivity,
        "stress": moving.stress,
        "reasons": moving.reasons,
    }
    if subject.unusual is not None:
        parts["unusual"] = _unusual
    return {name: _or_why(part, subject) for name, part in parts.items()}


def mixes(bundle: Bundle, known: pa.Table, fit: Flags, report: Flags) -> dict[str, Any]:
    """Give the PSI of the product's mix from fit to report: terms, channels, purposes."""
    cuts = {TERM: _terms(known)} | {name: _named(bundle, known, name) for name in MIX}
    return {
        name: dict(ABSENT) if parts is None else segments.mix_psi(parts[fit], parts[report])
        for name, parts in cuts.items()
    }


def _or_why(part: Callable[[Subject], Any], subject: Subject) -> Any:
    try:
        return part(subject)
    except TrainingError as reason:
        return {"unmeasured": str(reason)}


def _second_model(subject: Subject) -> dict[str, Any]:
    """Judge the scorecard on the rows of the trees, and the two against each other, pair by pair."""
    report = subject.rows["report"]
    pd, second, bad = subject.pd[report], subject.scorecard_pd[report], subject.bad[report]
    card = subject.bundle.scorecard
    return {
        "kind": "scorecard",
        "features": [one.feature for one in card.characteristics],
        "metrics": _measures(second, bad, subject.customers(report)),
        "auc": dict(comparing.auc_difference(pd, second, bad, subject.customers(report))),
    }


def _measures(pd: Vector, bad: Flags, whose: evaluation.Whose | None) -> dict[str, Any]:
    """Measure a PD; where nobody is told apart there is no slope."""
    if np.ptp(pd) > 0:
        return dict(evaluation.measures(pd, bad, whose))
    area, low, high = evaluation.auc(pd, bad, whose)
    return {"rows": len(bad), "bads": int(bad.sum()), "auc": area, "auc_interval": [low, high]}


def _intervals(subject: Subject) -> dict[str, Any]:
    report, seed = subject.rows["report"], subject.count("seed")
    whose = subject.customers(report)
    found = bootstrap.intervals(subject.pd[report], subject.bad[report], seed=seed, whose=whose)
    said = {"sample": "report", "draws": bootstrap.TIMES, "seed": seed, "measures": found}
    return said if whose is None else said | {"customers": len(np.unique(whose))}


def _segments(subject: Subject) -> dict[str, Any]:
    report = subject.rows["report"]
    return {
        name: dict(ABSENT)
        if parts is None
        else segments.by_part(
            parts[report], subject.pd[report], subject.bad[report], whose=subject.customers(report)
        )
        for name, parts in cuts(subject).items()
    }


def cuts(subject: Subject) -> dict[str, segments.Names | None]:
    """Name every row's part by each category and by term; null where the frame doesn't tell it."""
    found = {name: _named(subject.bundle, subject.known, name) for name in subject.bundle.plan.categories}
    return {**found, TERM: _terms(subject.known)}


def _vintages(subject: Subject) -> dict[str, Any]:
    """Cut the report sample by quarter of decision; a quarter that isn't wholly ripe gives no figure."""
    report = subject.rows["report"]
    month = subject.decided[report].astype("datetime64[M]").astype(int)
    quarter = np.array([f"{1970 + one // 12}-Q{one % 12 // 3 + 1}" for one in month.tolist()], dtype=str)
    unripe = sorted(set(quarter[~subject.ripe[report]].tolist()))
    kept = ~np.isin(quarter, unripe)
    whose = subject.customers(report)
    parts = segments.by_part(
        quarter[kept],
        subject.pd[report][kept],
        subject.bad[report][kept],
        whose=None if whose is None else whose[kept],
    )
    return {"quarters": parts, "unripe": unripe}


def _reliability(subject: Subject) -> list[dict[str, Any]]:
    report = subject.rows["report"]
    return segments.by_band(subject.pd[report], subject.bad[report], whose=subject.customers(report))


def _venn_abers(subject: Subject) -> dict[str, Any]:
    """Bound each PD of the report sample by what the calibration sample allows, and sum it up by band."""
    own, report = subject.rows["calibrate"], subject.rows["report"]
    pd, bad = subject.pd[report], subject.bad[report]
    low, high = venn.bounds(subject.pd[own], subject.bad[own], pd)
    cut = subject.bundle.cut_offs.approve_below
    order = np.argsort(pd, kind="stable")
    return {
        "learned_on": int(own.sum()),
        "mean_width": float((high - low).mean()),
        "width_90": float(np.quantile(high - low, 0.9)),
        "over_the_cut_off": float(np.mean((low < cut) & (high >= cut))),
        "bands": [
            {
                "rows": len(rows),
                "mean_pd": float(pd[rows].mean()),
                "lower": float(low[rows].mean()),
                "upper": float(high[rows].mean()),
                "bad_rate": float(bad[rows].mean()),
            }
            for rows in np.array_split(order, evaluation.BANDS)
            if len(rows)
        ],
    }


def _data_size(subject: Subject) -> dict[str, Any]:
    """Learn again by the bundle's recipe from parts of the fit sample."""
    recipe = subject.bundle.card["recipe"]
    assert isinstance(recipe, Mapping)
    how = Recipe(**recipe)
    form = Form.of(subject.bundle.plan, seed=subject.count("seed"), threads=subject.count("threads"))
    fit, stop = (
        Sample(subject.values[subject.rows[name]], subject.bad[subject.rows[name]])
        for name in ("fit", "stop")
    )
    points = data_size.curve(form, fit, stop, how, subject.customers(subject.rows["stop"]))
    return {"sample": "stop", "stopped_by_it": how.patience is not None, "points": points}


def _monotone(subject: Subject) -> dict[str, Any]:
    """Hold the bundle to the signs that its line declares, on every value where it can turn."""
    features = subject.bundle.plan.features
    declared = {name: sign for name, sign in subject.declared.items() if name in features}
    found = response.signs(
        subject.judge,
        subject.values[subject.rows["fit"]],
        features,
        declared,
        fitting.thresholds(subject.bundle.model),
        subject.count("seed"),
    )
    return {"declared": declared, "features": {name: dict(one) for name, one in found.items()}}


def _unusual(subject: Subject) -> dict[str, Any]:
    """Hold the score that saw no outcome against the report sample's outcomes, and against the PD."""
    assert subject.unusual is not None
    assert subject.bundle.unusual is not None
    report = subject.rows["report"]
    score, pd, bad = subject.unusual[report], subject.pd[report], subject.bad[report]
    area, low, high = evaluation.auc(score, bad)
    top, feared = (one >= strategy.over(one, TOP) for one in (score, pd))
    return {
        "features": list(subject.bundle.unusual.tails),
        "auc": area,
        "auc_interval": [low, high],
        "share": TOP,
        "rows": int(top.sum()),
        "bads_found": float(top[bad].mean()),
        "bads_found_by_pd": float(feared[bad].mean()),
        "unseen_by_pd": int((top & ~feared).sum()),
    }


def _named(bundle: Bundle, known: pa.Table, name: str) -> segments.Names | None:
    """Name each row's category as the plan does: what it doesn't know is missing."""
    plan = bundle.plan
    if name not in plan.categories:
        return None
    codes = matrix.encode(known.select([name]), matrix.Plan((name,), {name: plan.categories[name]}, {}))
    return segments.codes_named(codes[:, 0], plan.categories[name])


def _terms(known: pa.Table) -> segments.Names | None:
    if TERM not in known.column_names or known.column(TERM).null_count == known.num_rows:
        return None
    return segments.term_bands(matrix.encode(known.select([TERM]), matrix.Plan((TERM,), {}, {}))[:, 0])
