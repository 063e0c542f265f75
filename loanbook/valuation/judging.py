"""candidate → reviewed: every figure of a valuer again, from stored predictions and the amounts as published.

Nothing that the trainer said of itself is believed: the frame is valued again with the bundle's bytes, the
amounts are read again from the publication, and what differs closes the review.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loanbook.errors import EvidenceError
from loanbook.training import fitting, matrix, response, segments
from loanbook.valuation import hedonic, measures
from loanbook.valuation.measures import AGES, FURTHEST, KILOMETRES, OLDEST, UNKNOWN
from loanbook.valuation.valuer import AGE, DRIVEN, Valuer
from loanbook.watching import stability

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MAKE, MODEL = "vehicle_make", "vehicle_model"
MONTHS = (12, 24, 36)
HIDDEN = 1 / 3


@dataclass(frozen=True)
class Subject:
    """A valuer, the rows of its frame in the order of the predictions, what was seen and what it told.

    `declared` are the signs that the line declares, whatever the bundle says of itself.
    """

    valuer: Valuer
    known: pa.Table
    amount: Vector
    level: Vector
    told: Vector
    alike: npt.NDArray[np.object_]
    rows: Mapping[str, Flags]
    decided: npt.NDArray[np.datetime64]
    declared: Mapping[str, int]
    drawn: bool

    @cached_property
    def values(self) -> Vector:
        """The rows as numbers."""
        return matrix.encode(self.known, self.valuer.plan)

    @property
    def levels(self) -> tuple[float, ...]:
        """Which quantiles were told."""
        return tuple(one.level for one in self.valuer.quantiles)

    def count(self, name: str) -> int:
        """Read a whole number off the bundle's card."""
        found = self.valuer.card.get(name)
        if not isinstance(found, int):
            raise EvidenceError(f"the bundle's card has {name} {found!r}", where="card.json")
        return found

    def column(self, name: str) -> Vector:
        """Give a feature's numbers; all missing where the valuer doesn't know it."""
        features = list(self.valuer.plan.features)
        if name in features:
            return np.asarray(self.values[:, features.index(name)])
        return np.full(len(self.amount), np.nan)

    def named(self, name: str) -> segments.Names:
        """Name each row's category as the plan does; all missing where the valuer doesn't know it."""
        plan = self.valuer.plan
        return segments.codes_named(self.column(name), plan.categories.get(name, ()))


def metrics(subject: Subject) -> dict[str, Any]:
    """Measure every sample."""
    return {
        name: measures.measures(subject.amount[mask], subject.told[mask], subject.levels)
        for name, mask in subject.rows.items()
    }


def judge(subject: Subject) -> dict[str, Any]:
    """Give the section `judged` of the evidence."""
    return {
        "second_model": _second_model(subject),
        "segments": _segments(subject),
        "vintages": _vintages(subject),
        "monotone": _monotone(subject),
        "crossing": _crossing(subject),
        "ahead": _ahead(subject),
        "apart": apart(subject),
    }


def stabilities(subject: Subject) -> dict[str, Any]:
    """Give the PSI of the value, of every feature and of the mix of makes, from fit to report."""
    fit, report = subject.rows["fit"], subject.rows["report"]
    frozen, valuer = subject.valuer.stability["fit"], subject.valuer
    values = subject.values[report]
    logs = np.log(subject.told[report, valuer.middle] / subject.level[report])
    filled = sum(share > 0 for share in frozen["value"].shares)
    makes = subject.named(MAKE)
    return {
        "score_psi": stability.psi(frozen["value"], logs),
        "score_psi_by_chance": stability.by_chance(filled, int(fit.sum()), int(report.sum())),
        "feature_psi": {
            name: stability.psi(frozen[name], values[:, index])
            for index, name in enumerate(valuer.plan.features)
        },
        "mix_psi": {MAKE: segments.mix_psi(makes[fit], makes[report])},
    }


def apart(subject: Subject) -> dict[str, Any]:
    """Count rows that are alike: how many there are, and how many of a kind stand in more than one sample."""
    kinds = [set(subject.alike[mask].tolist()) for mask in subject.rows.values()]
    every = set().union(*kinds)
    return {
        "drawn": subject.drawn,
        "different": len(every),
        "repeated": len(subject.alike) - len(every),
        "shared": sum(map(len, kinds)) - len(every),
    }


def _second_model(subject: Subject) -> dict[str, Any]:
    """Learn the plain curve on the rows that the trees were fitted to, and judge both on the report."""
    fit, report = subject.rows["fit"], subject.rows["report"]
    kinds = np.array([*map(str, subject.known[MODEL].to_pylist())], dtype=object)
    age, driven = subject.column(AGE), subject.column(DRIVEN)
    curve = hedonic.learn(kinds[fit], age[fit], driven[fit], np.log(subject.amount[fit] / subject.level[fit]))
    plain = curve.amounts(kinds[report], age[report], driven[report]) * subject.level[report]
    amount, middle = subject.amount[report], subject.told[report, subject.valuer.middle]
    found = measures.measures(amount, plain[:, None], (0.5,))
    kept = ("median_ape", "median_ape_interval", "mean_ape", "within_10", "mae", "bias")
    return {
        "kind": "hedonic curve",
        "kinds": len(curve.levels),
        "slopes": dict(zip(hedonic.TERMS, curve.slopes, strict=True)),
        "metrics": {name: found[name] for name in kept},
        "closer": measures.closer(middle, plain, amount),
    }


def _segments(subject: Subject) -> dict[str, Any]:
    report = subject.rows["report"]
    cuts = {
        "make": (subject.named(MAKE), ()),
        "age": (measures.banded(subject.column(AGE), AGES, OLDEST), _order(AGES, OLDEST)),
        "driven": (
            measures.banded(subject.column(DRIVEN), KILOMETRES, FURTHEST),
            _order(KILOMETRES, FURTHEST),
        ),
    }
    amount, told = subject.amount[report], subject.told[report]
    return {
        name: measures.by_part(parts[report], amount, told, subject.levels, order)
        for name, (parts, order) in cuts.items()
    }


def _order(bands: tuple[tuple[float, str], ...], last: str) -> tuple[str, ...]:
    return (*(name for _, name in bands), last, UNKNOWN)


def _vintages(subject: Subject) -> dict[str, Any]:
    """Cut the report sample by quarter of valuation, where its rows have days of their own."""
    if subject.drawn:
        return {"unmeasured": "all rows are of one moment"}
    report = subject.rows["report"]
    month = subject.decided[report].astype("datetime64[M]").astype(int)
    quarter = np.array([f"{1970 + one // 12}-Q{one % 12 // 3 + 1}" for one in month.tolist()], dtype=str)
    parts = measures.by_part(quarter, subject.amount[report], subject.told[report], subject.levels)
    return {"quarters": parts}


def _monotone(subject: Subject) -> dict[str, Any]:
    """Hold every quantile to the declared signs, on every number where any of them can turn."""
    valuer, threads = subject.valuer, subject.count("threads")
    declared = {name: sign for name, sign in subject.declared.items() if name in valuer.plan.features}
    cuts: dict[str, Vector] = {}
    for one in valuer.quantiles:
        for name, found in fitting.thresholds(one.model).items():
            cuts[name] = np.union1d(cuts[name], found) if name in cuts else found
    fit = subject.values[subject.rows["fit"]]
    walked = [
        response.signs(
            lambda rows, place=place: valuer.logs(rows, threads=threads)[:, place],  # type: ignore[misc]
            fit, valuer.plan.features, declared, cuts, subject.count("seed"),
        )
        for place in range(len(valuer.quantiles))
    ]  # fmt: skip
    worst = {name: max((one[name] for one in walked), key=lambda held: held["against"]) for name in declared}
    return {"declared": declared, "features": {name: dict(held) for name, held in worst.items()}}


def _crossing(subject: Subject) -> dict[str, Any]:
    """Count rows in which a lower quantile lies above a higher: as predicted, and with features hidden."""
    report = subject.values[subject.rows["report"]]
    chance = np.random.default_rng(subject.count("seed"))
    hidden = np.where(chance.random(report.shape) < HIDDEN, np.nan, report)
    logs = subject.valuer.logs(hidden, threads=subject.count("threads"))
    crossed = [(np.diff(each, axis=1) < 0).any(axis=1) for each in (subject.told, logs)]
    return {
        "rows": len(subject.told) + len(logs),
        "crossed": int(sum(int(one.sum()) for one in crossed)),
    }


def _ahead(subject: Subject) -> dict[str, Any]:
    """Tell what share of its value the report sample keeps, at the median, were its level to stay."""
    report = subject.rows["report"]
    values, level = subject.values[report], subject.level[report]
    last, told, rising = subject.told[report], {}, 0
    for months in MONTHS:
        after = np.full(len(values), float(months))
        then = subject.valuer.ahead(values, level, level, after, threads=subject.count("threads"))
        rising += int((then > last).any(axis=1).sum())
        share = then[:, subject.valuer.middle] / subject.told[report, subject.valuer.middle]
        told[str(months)] = {"kept": float(np.median(share)), "rows": len(then)}
        last = then
    assumed = {"index": "where it is", "km_a_year": subject.valuer.km_a_year}
    return {"months": told, "rising": rising, "assumed": assumed}
