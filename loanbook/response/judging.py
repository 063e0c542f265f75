"""candidate → reviewed: every figure of a responder again, from the bundle's bytes and what was published.

Nothing that the trainer said of itself is believed: the frame is scored again with the bundle's bytes, doses,
prices and outcomes are read again from the publication, and what differs closes the review.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loanbook.errors import EvidenceError
from loanbook.response import making, measures, plain
from loanbook.response.measures import Law, Seen
from loanbook.response.responder import OUTCOMES, Responder
from loanbook.training import evaluation, fitting, lots, matrix, response
from loanbook.training.fitting import Form, Recipe, Sample
from loanbook.training.lots import LEARNED, Draws
from loanbook.watching import stability

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

BALANCE = Recipe(num_leaves=4, max_depth=2, rounds=100, patience=None)
BY = ("dose", "price")


@dataclass(frozen=True)
class Subject:
    """A responder, the rows of its frame in the order of the predictions, and what the lot gave and saw.

    `known` holds the price that the publication tells; `declared` are the signs that the line declares.
    """

    responder: Responder
    known: pa.Table
    dose: Vector
    outcomes: Mapping[str, Vector]
    customers: npt.NDArray[np.object_]
    rows: Mapping[str, Flags]
    decided: npt.NDArray[np.datetime64]
    declared: Mapping[str, int]

    @cached_property
    def values(self) -> Vector:
        """The rows as numbers; the price stands last."""
        return matrix.encode(self.known, self.responder.plan)

    @property
    def codes(self) -> tuple[int, ...]:
        """Count the categories of each feature, 0 for a number."""
        return tuple(
            len(self.responder.plan.categories.get(name, ())) for name in self.responder.plan.features
        )

    @property
    def learned(self) -> Flags:
        """The rows that the trees were fitted to."""
        return np.asarray(np.any([self.rows[name] for name in LEARNED], axis=0))

    def count(self, name: str) -> int:
        """Read a whole number off the bundle's card."""
        found = self.responder.card.get(name)
        if not isinstance(found, int):
            raise EvidenceError(f"the bundle's card has {name} {found!r}", where="card.json")
        return found

    def unit(self, mask: Flags) -> npt.NDArray[np.intp]:
        """Number the customers of a sample."""
        return np.asarray(np.unique(self.customers[mask].astype(str), return_inverse=True)[1])

    def seen(self, sample: str, outcome: str) -> Seen:
        """Give an outcome of a sample as it was told and seen."""
        mask, threads = self.rows[sample], self.count("threads")
        values, dose, law = self.values[mask], self.dose[mask], Law.of(self.dose[mask])
        told = self.responder.at(outcome, values, dose, threads=threads)
        over = self.responder.over(outcome, values, law.doses, threads=threads)
        return Seen.of(law, dose, self.outcomes[outcome][mask], told, over, self.unit(mask))

    @cached_property
    def report(self) -> Mapping[str, Seen]:
        """Both outcomes of the report sample."""
        return {outcome: self.seen("report", outcome) for outcome in OUTCOMES}


def metrics(subject: Subject) -> dict[str, Any]:
    """Measure every sample."""
    found = {}
    for name, mask in subject.rows.items():
        counts = {"rows": int(mask.sum()), "defaults": int(subject.outcomes["pd"][mask].sum())}
        for outcome in OUTCOMES:
            counts |= measures.measures(outcome, subject.seen(name, outcome), seed=subject.count("seed"))
        found[name] = counts
    return found


def judge(subject: Subject) -> dict[str, Any]:
    """Give the section `judged` of the evidence."""
    mask, seed = subject.rows["report"], subject.count("seed")
    terms = {"dose": subject.dose[mask], "price": subject.values[mask, -1]}
    return {
        "second_model": {outcome: _second_model(subject, outcome) for outcome in OUTCOMES},
        "parts": {
            outcome: {name: measures.parts(one, terms[name], seed=seed) for name in BY}
            for outcome, one in subject.report.items()
        },
        "straight": measures.straight(subject.report["balance"], terms["dose"], seed=seed),
        "lot": balance(subject),
        "monotone": _monotone(subject),
    }


def curves(subject: Subject) -> dict[str, Any]:
    """Give what the dossier draws: each outcome by dose, told and seen, and the slopes of the steepest."""
    seed, mask = subject.count("seed"), subject.rows["report"]
    return {
        "responses": {
            outcome: measures.parts(one, subject.dose[mask], seed=seed)
            for outcome, one in subject.report.items()
        },
        "steepest": {outcome: measures.points(one) for outcome, one in subject.report.items()},
    }


def stabilities(subject: Subject) -> dict[str, Any]:
    """Give the PSI of both outcomes at the reference dose, and of every feature, from fit to report."""
    fit, report = (subject.rows[name] for name in ("fit", "report"))
    made, values, threads = (
        subject.responder,
        subject.values[subject.rows["report"]],
        subject.count("threads"),
    )
    told = made.stability["told"]
    moved = {
        name: stability.psi(told[name], making.at_reference(made, name, values, threads)) for name in OUTCOMES
    }
    filled = sum(share > 0 for share in told["pd"].shares)
    return {
        "score_psi": moved["pd"],
        "balance_psi": moved["balance"],
        "score_psi_by_chance": stability.by_chance(filled, int(fit.sum()), int(report.sum())),
        "feature_psi": {
            name: stability.psi(made.stability["fit"][name], values[:, place])
            for place, name in enumerate(made.plan.features)
        },
        "mix_psi": {},
    }


def balance(subject: Subject) -> dict[str, Any]:
    """Try to tell from the features who was given more than the mean: of a lot, nothing can.

    Trees are fitted in the samples that the responder learned from, and their AUC taken on the report. The
    doses are counted too: a lot draws them by shares that hang on nothing.
    """
    made, threads = subject.responder, subject.count("threads")
    own = np.ascontiguousarray(subject.values[:, :-1])
    more = np.log(subject.dose) > made.pd.reference
    form = Form(made.customer, tuple(made.plan.categories), {}, subject.count("seed"), threads)
    learn, held = (Sample(own[rows], more[rows]) for rows in (subject.learned, subject.rows["stop"]))
    model = fitting.fit(form, learn, held, BALANCE).model
    report = subject.rows["report"]
    area, low, high = evaluation.auc(fitting.scores(model, own[report], threads=threads), more[report])
    every = np.any(list(subject.rows.values()), axis=0)
    doses, counts = np.unique(subject.dose[every], return_counts=True)
    return {
        "auc": area,
        "auc_interval": [low, high],
        "rows": int(every.sum()),
        "doses": {f"{dose:g}": int(count) for dose, count in zip(doses, counts, strict=True)},
        "fewest": {
            name: int(np.unique(subject.dose[mask], return_counts=True)[1].min())
            for name, mask in subject.rows.items()
        },
    }


def _second_model(subject: Subject, outcome: str) -> dict[str, Any]:
    """Fit the plain regression to the rows that the trees learned from; compare losses on the report.

    `closer` is the mean loss of the trees less the regression's: squared errors over the outcome's variance.
    """
    steps = np.log(subject.dose) - subject.responder.part(outcome).reference
    seen = subject.outcomes[outcome]
    learned, report = subject.learned, subject.rows["report"]
    unit = 1.0 if outcome == "pd" else float(seen[learned].mean())
    made = plain.learn(
        subject.values[learned], steps[learned], seen[learned] / unit, subject.codes, chance=outcome == "pd"
    )
    told = made.told(subject.values[report], steps[report]) * unit
    one = subject.report[outcome]
    off = ((one.told - one.seen) ** 2, (told - one.seen) ** 2)
    wide = float(one.seen.var())

    def taken(counts: Draws | None) -> dict[str, Vector]:
        weight = np.ones((1, len(one.seen))) if counts is None else counts
        return {"closer": weight @ ((off[0] - off[1]) / wide) / weight.sum(axis=1)}

    trees, other = (1 - float(each.mean()) / wide for each in off)
    found = lots.intervals(one.unit, taken, seed=subject.count("seed"))
    at = {"closer": float(taken(None)["closer"][0]), "trees_explain": trees, "plain_explains": other}
    return {"kind": "logistic regression" if outcome == "pd" else "ridge regression", **at, **found}


def _monotone(subject: Subject) -> dict[str, Any]:
    """Hold both outcomes to their signs: on every price where a tree can turn, and over all doses tried."""
    made, fit = subject.responder, subject.rows["fit"]
    values = np.column_stack([subject.values[fit], subject.dose[fit]])
    features, threads = (*made.plan.features[:-1], *reversed(BY)), subject.count("threads")
    found: dict[str, dict[str, Any]] = {}
    for outcome in OUTCOMES:

        def told(rows: Vector, outcome: str = outcome) -> Vector:
            doses = np.where(np.isnan(rows[:, -1]), made.doses[0], rows[:, -1])
            own = np.ascontiguousarray(rows[:, :-1])
            return made.at(outcome, own, np.maximum(doses, made.doses[0]), threads=threads)

        signs = {name: subject.declared[f"{outcome}_by_{name}"] for name in BY}
        cuts = fitting.thresholds(made.part(outcome).level)
        walked = response.signs(told, values, features, signs, cuts, subject.count("seed"))
        found |= {f"{outcome}_by_{name}": dict(held) for name, held in walked.items()}
    return {"declared": dict(subject.declared), "features": found}
