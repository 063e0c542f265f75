"""candidate → reviewed: every figure of an uplifter again, from the bundle's bytes and what was published.

Nothing that the trainer said of itself is believed: the frame is scored again with the bundle's bytes, arms,
terms and answers are read again from the publication, and what differs closes the review.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loanbook.errors import EvidenceError
from loanbook.training import evaluation, fitting, lots, matrix, response, segments
from loanbook.training.fitting import Form, Recipe, Sample
from loanbook.training.lots import LEARNED
from loanbook.uplift import measures, plain
from loanbook.uplift.measures import Arms
from loanbook.uplift.uplifter import Uplifter
from loanbook.watching import stability

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

TERMS, ROWS = 200, 200_000  # kinds of terms that each control stands for, and rows that may come of it
BANDS = 4
BALANCE = Recipe(num_leaves=4, max_depth=2, rounds=100, patience=None)


@dataclass(frozen=True)
class Subject:
    """An uplifter, the rows of its frame in the order of the predictions, and what the lot gave and saw.

    `known` holds the terms that the publication tells; `declared` are the signs that the line declares.
    """

    uplifter: Uplifter
    known: pa.Table
    treated: Flags
    answered: Flags
    customers: npt.NDArray[np.object_]
    rows: Mapping[str, Flags]
    decided: npt.NDArray[np.datetime64]
    declared: Mapping[str, int]

    @cached_property
    def values(self) -> Vector:
        """The rows as numbers."""
        return matrix.encode(self.known, self.uplifter.plan)

    @property
    def place(self) -> int:
        """Where the offer's columns begin."""
        return len(self.uplifter.customer)

    def count(self, name: str) -> int:
        """Read a whole number off the bundle's card."""
        found = self.uplifter.card.get(name)
        if not isinstance(found, int):
            raise EvidenceError(f"the bundle's card has {name} {found!r}", where="card.json")
        return found

    def codes(self, features: tuple[str, ...]) -> tuple[int, ...]:
        """Count the categories of each feature, 0 for a number."""
        return tuple(len(self.uplifter.plan.categories.get(name, ())) for name in features)

    @cached_property
    def lots(self) -> Mapping[str, Lot]:
        """Lay out each sample with its controls once per kind of terms."""
        return {name: Lot.of(self, mask) for name, mask in self.rows.items()}


@dataclass(frozen=True)
class Lot:
    """A sample under one law: its arms, what is told of each row, and the rows with their terms."""

    arms: Arms
    values: Vector
    uplift: Vector
    response: Vector

    @classmethod
    def of(cls, subject: Subject, mask: Flags) -> Lot:
        """Give each control every kind of terms that the sample's own offers had, by their share."""
        values, treated = subject.values[mask], subject.treated[mask]
        terms, shares = _law(
            values[treated][:, subject.place :], int((~treated).sum()), subject.count("seed")
        )
        arms, row = measures.expand(treated, subject.answered[mask], subject.customers[mask], shares)
        laid = values[row]
        laid[treated.sum() :, subject.place :] = np.tile(terms, (int((~treated).sum()), 1))
        threads = subject.count("threads")
        without, with_offer = subject.uplifter.chances(laid, threads=threads)
        return cls(arms, laid, with_offer - without, with_offer)


def _law(offers: Vector, controls: int, seed: int) -> tuple[Vector, Vector]:
    """Give the kinds of terms and their shares; where they are too many, that many offers drawn."""
    most = max(1, min(TERMS, ROWS // max(1, controls)))
    terms, counts = np.unique(np.nan_to_num(offers, nan=np.inf), axis=0, return_counts=True)
    terms = np.where(np.isinf(terms), np.nan, terms)
    if len(terms) <= most:
        return terms, counts / counts.sum()
    drawn = np.random.default_rng(seed).choice(len(offers), most, replace=False)
    return offers[np.sort(drawn)], np.full(most, 1 / most)


def metrics(subject: Subject) -> dict[str, Any]:
    """Measure every sample."""
    return {
        name: _counted(subject, mask)
        | measures.measures(lot.arms, lot.uplift, lot.response, seed=subject.count("seed"))
        for (name, mask), lot in zip(subject.rows.items(), subject.lots.values(), strict=True)
    }


def _counted(subject: Subject, mask: Flags) -> dict[str, int]:
    found: dict[str, int] = {"rows": int(mask.sum())}
    for arm, kept in (("offered", subject.treated), ("controls", ~subject.treated)):
        found[arm] = int((mask & kept).sum())
        found[f"{arm}_answered"] = int((mask & kept & subject.answered).sum())
    return found


def judge(subject: Subject) -> dict[str, Any]:
    """Give the section `judged` of the evidence."""
    return {
        "second_model": _second_model(subject),
        "bands": _bands(subject),
        "offers": _offers(subject),
        "lot": balance(subject),
        "monotone": _monotone(subject),
    }


def curves(subject: Subject) -> dict[str, Any]:
    """Give what the dossier draws: answers added by the share that is targeted, by uplift and by response."""
    lot = subject.lots["report"]
    return {
        "qini": {
            "uplift": measures.points(lot.arms, lot.uplift),
            "response": measures.points(lot.arms, lot.response),
        }
    }


def stabilities(subject: Subject) -> dict[str, Any]:
    """Give the PSI of the uplift, of every feature and of the mix of offers, from fit to report."""
    fit, report = (subject.rows[name] for name in ("fit", "report"))
    frozen, made = subject.uplifter.stability["fit"], subject.uplifter
    offered = report & subject.treated
    told = made.uplift(subject.values[offered], threads=subject.count("threads"))
    filled = sum(share > 0 for share in frozen["uplift"].shares)
    places = {name: place for place, name in enumerate(made.plan.features)}
    psi = {
        name: stability.psi(frozen[name], subject.values[report if name in made.customer else offered, place])
        for name, place in places.items()
    }
    return {
        "score_psi": stability.psi(frozen["uplift"], told),
        "score_psi_by_chance": stability.by_chance(
            filled, int((fit & subject.treated).sum()), int(offered.sum())
        ),
        "feature_psi": psi,
        "mix_psi": {
            name: segments.mix_psi(
                _named(subject, name)[fit & subject.treated], _named(subject, name)[offered]
            )
            for name in made.offer
            if name in made.plan.categories
        },
    }


def _named(subject: Subject, name: str) -> segments.Names:
    plan = subject.uplifter.plan
    column = subject.values[:, plan.features.index(name)]
    return segments.codes_named(column, plan.categories[name])


def balance(subject: Subject) -> dict[str, Any]:
    """Try to tell from the features who was a control: where a lot drew them, nothing can.

    Trees are fitted to who was offered something in the samples that the uplifter learned from, and their AUC
    taken on the report.
    """
    learned = np.any([subject.rows[name] for name in LEARNED], axis=0)
    stop, report = subject.rows["stop"], subject.rows["report"]
    own, plan = np.ascontiguousarray(subject.values[:, : subject.place]), subject.uplifter.plan
    form = Form(
        subject.uplifter.customer,
        [name for name in plan.categories if name in subject.uplifter.customer],
        {},
        subject.count("seed"),
        subject.count("threads"),
    )
    learn, held = (Sample(own[rows], subject.treated[rows]) for rows in (learned, stop))
    model = fitting.fit(form, learn, held, BALANCE).model
    score = fitting.scores(model, own[report], threads=subject.count("threads"))
    area, low, high = evaluation.auc(score, subject.treated[report])
    every = np.any(list(subject.rows.values()), axis=0)
    return {
        "auc": area,
        "auc_interval": [low, high],
        "rows": int(every.sum()),
        "controls": int((every & ~subject.treated).sum()),
        "offers": {
            name: int(np.sum(_named(subject, plan_name)[every & subject.treated] == name))
            for plan_name in subject.uplifter.offer[:1]
            for name in plan.categories.get(plan_name, ())
        },
    }


def _second_model(subject: Subject) -> dict[str, Any]:
    """Fit the plain regression to the rows that the trees learned from, and rank the report by both."""
    learned = np.any([subject.rows[name] for name in LEARNED], axis=0)
    own, offer = subject.values[:, : subject.place], subject.values[:, subject.place :]
    codes = subject.codes(subject.uplifter.customer), subject.codes(subject.uplifter.offer)
    made = plain.learn(
        own[learned], offer[learned], subject.treated[learned], subject.answered[learned], codes
    )
    lot = subject.lots["report"]
    told = made.uplift(lot.values[:, : subject.place], lot.values[:, subject.place :])
    trees, other = measures.Order.of(lot.uplift), measures.Order.of(told)

    def taken(counts: lots.Draws | None) -> dict[str, Vector]:
        one, two = measures.qini(lot.arms, trees, counts), measures.qini(lot.arms, other, counts)
        return {"qini": two, "difference": one - two}

    at = {name: float(values[0]) for name, values in taken(None).items()}
    found = measures.intervals(lot.arms, taken, seed=subject.count("seed"))
    return {"kind": "logistic regression with interactions", **at, **found}


def _bands(subject: Subject) -> list[dict[str, Any]]:
    """Cut the report by uplift told, the highest first, and hold each band to what was seen."""
    lot = subject.lots["report"]
    order = np.argsort(-lot.uplift, kind="stable")
    filled = np.cumsum(lot.arms.weight[order]) / lot.arms.weight.sum()
    band = np.empty(len(order), dtype=int)
    band[order] = np.minimum((filled * BANDS - 1e-9).astype(int), BANDS - 1)
    return [_part(subject, f"{place + 1} of {BANDS}", band == place) for place in range(BANDS)]


def _offers(subject: Subject) -> list[dict[str, Any]]:
    """Hold each offer's uplift to what was seen; each control stands for it at all its terms."""
    plan, lot = subject.uplifter.plan, subject.lots["report"]
    name = subject.uplifter.offer[0]
    if name not in plan.categories:
        return []
    named = segments.codes_named(lot.values[:, subject.place], plan.categories[name])
    return [_part(subject, each, named == each) for each in plan.categories[name]]


def _part(subject: Subject, name: str, rows: Flags) -> dict[str, Any]:
    lot = subject.lots["report"]
    controls = lot.arms.weight[rows & ~lot.arms.treated].sum()
    told = float(np.average(lot.uplift[rows], weights=lot.arms.weight[rows]))
    found = measures.intervals(
        lot.arms, lambda counts: {"seen": measures.effect(lot.arms, counts, rows)}, seed=subject.count("seed")
    )
    return {
        "part": name,
        "offered": int((rows & lot.arms.treated).sum()),
        "controls": float(controls),
        "told": told,
        "seen": float(measures.effect(lot.arms, None, rows)[0]),
        **found,
    }


def _monotone(subject: Subject) -> dict[str, Any]:
    """Hold the uplift to the declared signs, on every number where the offer's trees can turn."""
    made, threads = subject.uplifter, subject.count("threads")
    declared = {name: sign for name, sign in subject.declared.items() if name in made.plan.features}
    fit = subject.values[subject.rows["fit"] & subject.treated]
    walked = response.signs(
        lambda rows: made.uplift(rows, threads=threads),
        fit, made.plan.features, declared, fitting.thresholds(made.pull), subject.count("seed"),
    )  # fmt: skip
    return {"declared": declared, "features": {name: dict(held) for name, held in walked.items()}}
