"""candidate → reviewed: every figure again, by what the line predicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from loanbook.errors import EvidenceError
from loanbook.governance import recompute, responding, uplifting
from loanbook.governance.recompute import Figures
from loanbook.governance.stored import Stored, span
from loanbook.schema import Amount, Response, Uplift
from loanbook.settings import Settings
from loanbook.valuation import judging, samples, valuer
from loanbook.valuation.judging import Subject
from loanbook.valuation.valuer import Valuer

if TYPE_CHECKING:
    import pyarrow as pa


def figures(settings: Settings, stored: Stored) -> Figures:
    """Judge a version anew, or raise EvidenceError where stored and recomputed differ."""
    match stored.line.label:
        case Amount():
            return _of_amounts(settings, stored, valuer.read(stored.bundle, expected=stored.bundle_digest))
        case Uplift():
            return uplifting.figures(settings, stored)
        case Response():
            return responding.figures(settings, stored)
        case _:
            return recompute.recompute(settings, stored)


def fairness(settings: Settings, stored: Stored) -> dict[str, Any]:
    """Judge a version by protected group alone. Raises EvidenceError where its figures have no such part."""
    match stored.line.label:
        case Amount():
            raise EvidenceError(f"{stored.line.name} decides on no person", right="Name a line of people")
        case Uplift() | Response():
            raise EvidenceError(
                f"{stored.line.name} refuses nobody, and is not yet compared by group",
                right="Name a line of PDs",
            )
        case _:
            return recompute.fairness(settings, stored)


def _of_amounts(settings: Settings, stored: Stored, made: Valuer) -> Figures:
    rows, known, seen = stored.read(settings, made.card)
    subject = _subject(stored, made, rows, known, seen)
    _same(subject, rows, stored)
    samples_of = {name: span(subject.decided[mask]) for name, mask in subject.rows.items()}
    key = stored.line.grain.key
    return Figures(
        samples=samples_of,
        metrics=judging.metrics(subject),
        stability=judging.stabilities(subject),
        fairness={"not_asked": "a row is a vehicle: nothing is decided on a person"},
        maturity={name: {"rows": one["rows"], "ripe": one["rows"]} for name, one in samples_of.items()},
        judged={**judging.judge(subject), "swap_set": {"unmeasured": str(stored.rival)}},
        shared_rows=rows.num_rows - len(set(rows[key].to_pylist())),
        shared_customers=0,
        curves={},
    )


def _subject(stored: Stored, made: Valuer, rows: pa.Table, known: pa.Table, seen: pa.Table) -> Subject:
    names = np.array(rows["sample"].to_pylist())
    told = [rows[one.column].to_numpy() for one in made.quantiles]
    label = stored.line.label
    assert isinstance(label, Amount)
    return Subject(
        valuer=made,
        known=known,
        amount=seen["amount"].to_numpy(),
        level=seen["level"].to_numpy(),
        told=np.column_stack(told),
        alike=np.array(seen["alike"].to_pylist(), dtype=object),
        rows={name: names == name for name in samples.SAMPLES},
        decided=np.asarray(seen["decided_at"].to_numpy()),
        declared=stored.line.monotone,
        drawn=label.drawn,
    )


def _same(subject: Subject, rows: pa.Table, stored: Stored) -> None:
    """Hold what is stored to the publication's amounts and to what the bundle's bytes tell of the frame."""
    for name, again in (("amount", subject.amount), ("level", subject.level)):
        stored.refuse(rows[name].to_numpy() != again, f"({name}) are not what the publication says")
    told = subject.valuer.now(subject.values, subject.level, threads=subject.count("threads"))
    stored.refuse((subject.told != told).any(axis=1), "are not what the bundle gives")
