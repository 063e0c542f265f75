"""candidate → reviewed: every figure again, from stored predictions and the publication's own outcomes.

Nothing that the trainer said of itself is believed: the frame is scored again with the bundle's bytes, the
labels are made again from the publication, and what differs closes the review.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loanbook import digests
from loanbook.errors import EvidenceError
from loanbook.governance import fairly, judging, weighing
from loanbook.governance.case import Case
from loanbook.governance.fairly import Search
from loanbook.governance.rivals import Rival
from loanbook.lending import scoring
from loanbook.lending.economics import Terms
from loanbook.schema import Line
from loanbook.settings import Settings
from loanbook.training import evaluation, frame, matrix, segments, splits
from loanbook.training.bundle import Bundle
from loanbook.watching import stability

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

NOBODY = "no champion was asked for"


@dataclass(frozen=True)
class Material:
    """What is reviewed: the bundle, its stored predictions and frame, and the published tables.

    `terms` are the policy's, by which profit is counted; `rival` is the champion, or why there is none.
    """

    bundle: Bundle
    predictions: Path
    predictions_digest: str
    frame: Path
    published: Mapping[str, Path]
    absent_columns: Mapping[str, Sequence[str]]
    line: Line
    as_of: datetime
    terms: Terms | None = None
    rival: Rival | str = NOBODY
    search: Search | None = None  # for a fairer model, where the policy demands one


@dataclass(frozen=True)
class Figures:
    """What the review found, as the evidence holds it, and the curves that the dossier draws."""

    samples: dict[str, Any]
    metrics: dict[str, Any]
    stability: dict[str, Any]
    fairness: dict[str, Any]
    maturity: dict[str, Any]
    judged: dict[str, Any]
    shared_rows: int
    shared_customers: int
    curves: dict[str, Any]


def recompute(settings: Settings, material: Material) -> Figures:
    """Judge a version anew, or raise EvidenceError where stored and recomputed differ."""
    stored, known, outcome = _verified(settings, material)
    pd, bad, rows = stored["pd"].to_numpy(), _bad(stored), _samples(stored)
    decided = np.asarray(stored["decided_at"].to_numpy())
    whose = np.array(stored["customer_id"].to_pylist(), dtype=str) if material.line.recurs else None
    ripe = _ripe(outcome, material.as_of)
    subject = judging.Subject(
        bundle=material.bundle,
        known=known,
        pd=pd,
        scorecard_pd=stored["scorecard_pd"].to_numpy(),
        unusual=_unusual(material.bundle, stored),
        bad=bad,
        rows=rows,
        decided=decided,
        ripe=ripe,
        declared=material.line.monotone,
        whose=whose,
    )
    weighed = weighing.weigh(_case(settings, material, stored, subject))
    return Figures(
        samples={name: _span(decided[mask], bad[mask]) for name, mask in rows.items()},
        metrics={
            name: evaluation.measures(pd[mask], bad[mask], None if whose is None else whose[mask])
            for name, mask in rows.items()
        },
        stability=_stability(material.bundle, known, pd, rows["fit"], rows["report"]),
        fairness=_fairness(settings, material, stored, known),
        maturity=_maturity(outcome, rows, material.as_of),
        judged={**judging.judge(subject), **weighed},
        shared_rows=stored.num_rows - len(set(stored[material.line.grain.key].to_pylist())),
        shared_customers=_shared(stored, rows),
        curves={**_curves(decided, pd, bad, ripe, rows, whose), "economics": weighed["economics"]},
    )


def _case(settings: Settings, material: Material, stored: pa.Table, subject: judging.Subject) -> Case:
    """Put together what is weighed; protected groups are those of the report sample alone."""
    people = fairly.people(settings, _parted(material, stored, subject.known))
    return Case(
        settings=settings,
        subject=subject,
        frame=material.frame,
        applications=stored[material.line.grain.key].combine_chunks(),
        published=material.published,
        line=material.line,
        as_of=material.as_of,
        terms=material.terms,
        rival=material.rival,
        groups={name: names[subject.rows["report"]] for name, names in people.items()},
    )


def fairness(settings: Settings, material: Material) -> dict[str, Any]:
    """Judge a version by protected group alone, of what was verified as for a review."""
    stored, known, _ = _verified(settings, material)
    return _fairness(settings, material, stored, known)


def _verified(settings: Settings, material: Material) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Give stored predictions, their frame and their outcomes, or raise where any came out otherwise."""
    import pyarrow.parquet as pq

    if digests.of_file(material.predictions) != material.predictions_digest:
        raise EvidenceError("the stored predictions were changed", where=str(material.predictions))
    stored = pq.read_table(material.predictions)
    known = _frame(material, stored)
    _same_scores(settings, material, stored, known)
    return stored, known, _same_labels(settings, material, stored)


def _bad(stored: pa.Table) -> Flags:
    return np.asarray(stored["bad"].to_numpy(zero_copy_only=False), dtype=bool)


def _samples(stored: pa.Table) -> dict[str, Flags]:
    return {name: np.array(stored["sample"].to_pylist()) == name for name in splits.SAMPLES}


def _frame(material: Material, stored: pa.Table) -> pa.Table:
    """Give the frame's rows in the order of the stored predictions."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    if digests.of_file(material.frame) != material.bundle.card["frame"]:
        raise EvidenceError(
            "the training set is not the one that the bundle names", where=str(material.frame)
        )
    table = pq.read_table(material.frame)
    key = material.line.grain.key
    places = pc.index_in(stored[key], value_set=table[key].combine_chunks())
    if places.null_count:
        raise EvidenceError(
            f"{places.null_count} stored predictions stand in no training set", where=str(material.frame)
        )
    return table.take(pa.array(places.to_numpy(zero_copy_only=False)))


def _same_scores(settings: Settings, material: Material, stored: pa.Table, known: pa.Table) -> None:
    threads = material.bundle.card["threads"]
    for column, again in _scored(material.bundle, known, threads, settings).items():
        if column not in stored.column_names:
            raise EvidenceError(f"{column} is no stored prediction", where=str(material.predictions))
        differ = int(np.sum(again != stored[column].to_numpy()))
        if differ:
            raise EvidenceError(
                f"{differ} of {len(again)} stored predictions ({column}) are not what the bundle gives",
                where=str(material.predictions),
                right="Train again: the predictions belong to another bundle",
            )


def _scored(bundle: Bundle, known: pa.Table, threads: object, settings: Settings) -> dict[str, Vector]:
    """Score the frame again by everything in the bundle that scores."""
    values = matrix.encode(known, bundle.plan)
    found = {
        "pd": scoring.pds(bundle, known, threads=threads if isinstance(threads, int) else settings.threads),
        "scorecard_pd": bundle.scorecard.pd(values, bundle.plan.features),
    }
    if bundle.unusual is not None:
        found["unusual"] = bundle.unusual.score(values, bundle.plan.features)
    return found


def _unusual(bundle: Bundle, stored: pa.Table) -> Vector | None:
    return None if bundle.unusual is None else np.asarray(stored["unusual"].to_numpy())


def _same_labels(settings: Settings, material: Material, stored: pa.Table) -> pa.Table:
    """Give the outcomes made anew, in the order of the stored predictions."""
    import pyarrow as pa
    import pyarrow.compute as pc

    again = frame.outcomes(settings, material.published, material.line, material.as_of)
    key = material.line.grain.key
    places = pc.index_in(stored[key], value_set=again[key].combine_chunks())
    if places.null_count:
        raise EvidenceError(f"{places.null_count} stored labels have no loan in the publication")
    outcome = again.take(pa.array(places.to_numpy(zero_copy_only=False)))
    bad = np.array(outcome["outcome"].to_pylist()) == "bad"
    differ = int(np.sum(bad != np.asarray(stored["bad"].to_numpy(zero_copy_only=False), dtype=bool)))
    if differ:
        raise EvidenceError(
            f"{differ} stored labels are not what the publication says", where=str(material.predictions)
        )
    return outcome


def _span(decided: npt.NDArray[np.datetime64], bad: Flags) -> dict[str, Any]:
    if not len(bad):
        raise EvidenceError("a sample is empty")
    return {"rows": len(bad), "bads": int(bad.sum()), "from": str(decided.min()), "to": str(decided.max())}


def _stability(bundle: Bundle, known: pa.Table, pd: Vector, before: Flags, report: Flags) -> dict[str, Any]:
    values, fit = matrix.encode(known.filter(report), bundle.plan), bundle.stability["fit"]
    drift = {
        name: stability.psi(fit[name], values[:, index]) for index, name in enumerate(bundle.plan.features)
    }
    mix = judging.mixes(bundle, known, before, report)
    filled = sum(share > 0 for share in fit["pd"].shares)
    return {
        "score_psi": stability.psi(fit["pd"], pd[report]),
        "score_psi_by_chance": stability.by_chance(filled, int(before.sum()), int(report.sum())),
        "feature_psi": drift,
        "mix_psi": mix,
    }


def _maturity(outcome: pa.Table, rows: Mapping[str, Flags], as_of: datetime) -> dict[str, Any]:
    ripe = _ripe(outcome, as_of)
    return {name: {"rows": int(mask.sum()), "ripe": int(ripe[mask].sum())} for name, mask in rows.items()}


def _ripe(outcome: pa.Table, as_of: datetime) -> Flags:
    return np.asarray(np.asarray(outcome["ripe_at"].to_numpy()) <= np.datetime64(as_of, "us"))


def _shared(stored: pa.Table, rows: Mapping[str, Flags]) -> int:
    """Count customers who stand in more than one sample."""
    customers = np.array(stored["customer_id"].to_pylist(), dtype=object)
    seen = [customer for mask in rows.values() for customer in set(customers[mask])]
    return len(seen) - len(set(seen))


def _curves(
    decided: npt.NDArray[np.datetime64],
    pd: Vector,
    bad: Flags,
    ripe: Flags,
    rows: Mapping[str, Flags],
    whose: evaluation.Whose | None,
) -> dict[str, Any]:
    fit, report = rows["fit"], rows["report"]
    edges = np.unique(np.quantile(pd[fit], np.linspace(0, 1, 21)))
    return {
        "roc": evaluation.roc(pd[report], bad[report]),
        "reliability": segments.by_band(
            pd[report], bad[report], whose=None if whose is None else whose[report]
        ),
        "distribution": {
            "edges": edges.tolist(),
            "fit": (np.histogram(pd[fit], edges)[0] / fit.sum()).tolist(),
            "report": (np.histogram(pd[report], edges)[0] / report.sum()).tolist(),
        },
        "vintages": evaluation.vintages(decided[report], pd[report], bad[report], ripe[report]),
    }


def _fairness(settings: Settings, material: Material, stored: pa.Table, known: pa.Table) -> dict[str, Any]:
    return fairly.judge(settings, _parted(material, stored, known), material.search)


def _parted(material: Material, stored: pa.Table, known: pa.Table) -> fairly.Subject:
    """Put together what is judged by protected group."""
    return fairly.Subject(
        material.bundle,
        material.line.grain.key,
        stored,
        known,
        _bad(stored),
        _samples(stored),
        material.published,
        material.absent_columns,
    )
