"""candidate → reviewed: every figure again, from stored predictions and the publication's own outcomes.

Nothing that the trainer said of itself is believed: what is stored was verified first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loanbook.errors import EvidenceError
from loanbook.governance import fairly, judging, verifying, weighing
from loanbook.governance.case import Case
from loanbook.governance.stored import Stored
from loanbook.governance.verifying import Verified
from loanbook.settings import Settings
from loanbook.training import evaluation, matrix, segments, splits
from loanbook.watching import stability

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


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


def recompute(settings: Settings, stored: Stored) -> Figures:
    """Judge a version anew, or raise EvidenceError where stored and recomputed differ."""
    verified = verifying.verify(settings, stored)
    predictions, bad, rows = verified.predictions, verified.bad, _samples(verified.predictions)
    pd, key = predictions["pd"].to_numpy(), stored.line.grain.key
    decided = np.asarray(predictions["decided_at"].to_numpy())
    whose = np.array(predictions["customer_id"].to_pylist(), dtype=str) if stored.line.recurs else None
    ripe = _ripe(verified.outcome, stored.as_of)
    subject = judging.Subject(
        bundle=verified.bundle,
        known=verified.known,
        pd=pd,
        scorecard_pd=predictions["scorecard_pd"].to_numpy(),
        unusual=_unusual(verified),
        bad=bad,
        rows=rows,
        decided=decided,
        ripe=ripe,
        declared=stored.line.monotone,
        whose=whose,
    )
    weighed = weighing.weigh(_case(settings, verified, subject))
    return Figures(
        samples={name: _span(decided[mask], bad[mask]) for name, mask in rows.items()},
        metrics={
            name: evaluation.measures(pd[mask], bad[mask], None if whose is None else whose[mask])
            for name, mask in rows.items()
        },
        stability=_stability(verified, pd, rows["fit"], rows["report"]),
        fairness=_fairness(settings, verified),
        maturity=_maturity(ripe, rows),
        judged={**judging.judge(subject), **weighed},
        shared_rows=predictions.num_rows - len(set(predictions[key].to_pylist())),
        shared_customers=_shared(predictions, rows),
        curves={**_curves(decided, pd, bad, ripe, rows, whose), "economics": weighed["economics"]},
    )


def _case(settings: Settings, verified: Verified, subject: judging.Subject) -> Case:
    """Put together what is weighed; protected groups are those of the report sample alone."""
    people, stored = fairly.people(settings, _parted(verified)), verified.stored
    return Case(
        settings=settings,
        subject=subject,
        frame=stored.frame,
        applications=verified.predictions[stored.line.grain.key].combine_chunks(),
        published=stored.published,
        line=stored.line,
        as_of=stored.as_of,
        terms=stored.terms,
        rival=stored.rival,
        groups={name: names[subject.rows["report"]] for name, names in people.items()},
    )


def fairness(settings: Settings, stored: Stored) -> dict[str, Any]:
    """Judge a version by protected group alone, of what was verified as for a review."""
    return _fairness(settings, verifying.verify(settings, stored))


def _samples(predictions: pa.Table) -> dict[str, Flags]:
    return {name: np.array(predictions["sample"].to_pylist()) == name for name in splits.SAMPLES}


def _unusual(verified: Verified) -> Vector | None:
    if verified.bundle.unusual is None:
        return None
    return np.asarray(verified.predictions["unusual"].to_numpy())


def _span(decided: npt.NDArray[np.datetime64], bad: Flags) -> dict[str, Any]:
    if not len(bad):
        raise EvidenceError("a sample is empty")
    return {"rows": len(bad), "bads": int(bad.sum()), "from": str(decided.min()), "to": str(decided.max())}


def _stability(verified: Verified, pd: Vector, before: Flags, report: Flags) -> dict[str, Any]:
    bundle, known = verified.bundle, verified.known
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


def _maturity(ripe: Flags, rows: Mapping[str, Flags]) -> dict[str, Any]:
    return {name: {"rows": int(mask.sum()), "ripe": int(ripe[mask].sum())} for name, mask in rows.items()}


def _ripe(outcome: pa.Table, as_of: datetime) -> Flags:
    return np.asarray(np.asarray(outcome["ripe_at"].to_numpy()) <= np.datetime64(as_of, "us"))


def _shared(predictions: pa.Table, rows: Mapping[str, Flags]) -> int:
    """Count customers who stand in more than one sample."""
    customers = np.array(predictions["customer_id"].to_pylist(), dtype=object)
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


def _fairness(settings: Settings, verified: Verified) -> dict[str, Any]:
    return fairly.judge(settings, _parted(verified), verified.stored.search)


def _parted(verified: Verified) -> fairly.Subject:
    """Put together what is judged by protected group."""
    stored = verified.stored
    return fairly.Subject(
        verified.bundle,
        stored.line.grain.key,
        verified.predictions,
        verified.known,
        verified.bad,
        _samples(verified.predictions),
        stored.published,
        stored.absent_columns,
    )
