"""candidate → reviewed: every figure again, by what the line predicts: a PD, or an amount."""

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
from loanbook.governance import recompute
from loanbook.governance.fairly import Search
from loanbook.governance.recompute import Figures
from loanbook.governance.rivals import Rival
from loanbook.governance.verifying import NOBODY, Material
from loanbook.lending.economics import Terms
from loanbook.schema import Amount, Line
from loanbook.settings import Settings
from loanbook.training import bundle, frame
from loanbook.valuation import judging, samples, valuer
from loanbook.valuation.judging import Subject
from loanbook.valuation.valuer import Valuer

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Stored:
    """What is reviewed, as it lies there: bundle, predictions, frame, and what was published."""

    bundle: Path
    bundle_digest: str
    predictions: Path
    predictions_digest: str
    frame: Path
    published: Mapping[str, Path]
    absent_columns: Mapping[str, Sequence[str]]
    line: Line
    as_of: datetime
    terms: Terms | None = None
    search: Search | None = None
    rival: Rival | str = NOBODY


def figures(settings: Settings, stored: Stored) -> Figures:
    """Judge a version anew, or raise EvidenceError where stored and recomputed differ."""
    if isinstance(stored.line.label, Amount):
        return _of_amounts(settings, stored, valuer.read(stored.bundle, expected=stored.bundle_digest))
    return recompute.recompute(settings, _material(stored))


def fairness(settings: Settings, stored: Stored) -> dict[str, Any]:
    """Judge a version by protected group alone. Raises EvidenceError where nothing is decided on a person."""
    if isinstance(stored.line.label, Amount):
        raise EvidenceError(f"{stored.line.name} decides on no person", right="Name a line of people")
    return recompute.fairness(settings, _material(stored))


def _material(stored: Stored) -> Material:
    return Material(
        bundle=bundle.read(stored.bundle, expected=stored.bundle_digest),
        predictions=stored.predictions,
        predictions_digest=stored.predictions_digest,
        frame=stored.frame,
        published=stored.published,
        absent_columns=stored.absent_columns,
        line=stored.line,
        as_of=stored.as_of,
        terms=stored.terms,
        search=stored.search,
        rival=stored.rival,
    )


def _of_amounts(settings: Settings, stored: Stored, made: Valuer) -> Figures:
    import pyarrow.parquet as pq

    if digests.of_file(stored.predictions) != stored.predictions_digest:
        raise EvidenceError("the stored predictions were changed", where=str(stored.predictions))
    rows = pq.read_table(stored.predictions)
    known = _in_order(stored, rows, _frame(stored, made), "stand in no training set")
    seen = frame.outcomes(settings, stored.published, stored.line, stored.as_of)
    seen = _in_order(stored, rows, seen, "have no row in the publication")
    subject = _subject(stored, made, rows, known, seen)
    _same(subject, rows, stored)
    span = {name: _span(subject.decided[mask]) for name, mask in subject.rows.items()}
    key = stored.line.grain.key
    return Figures(
        samples=span,
        metrics=judging.metrics(subject),
        stability=judging.stabilities(subject),
        fairness={"not_asked": "a row is a vehicle: nothing is decided on a person"},
        maturity={name: {"rows": one["rows"], "ripe": one["rows"]} for name, one in span.items()},
        judged={**judging.judge(subject), "swap_set": {"unmeasured": str(stored.rival)}},
        shared_rows=rows.num_rows - len(set(rows[key].to_pylist())),
        shared_customers=0,
        curves={},
    )


def _frame(stored: Stored, made: Valuer) -> pa.Table:
    import pyarrow.parquet as pq

    if digests.of_file(stored.frame) != made.card["frame"]:
        raise EvidenceError("the training set is not the one that the bundle names", where=str(stored.frame))
    return pq.read_table(stored.frame)


def _in_order(stored: Stored, rows: pa.Table, table: pa.Table, fault: str) -> pa.Table:
    """Give a table's rows in the order of the stored predictions."""
    import pyarrow as pa
    import pyarrow.compute as pc

    key = stored.line.grain.key
    places = pc.index_in(rows[key], value_set=table[key].combine_chunks())
    if places.null_count:
        raise EvidenceError(f"{places.null_count} stored predictions {fault}", where=str(stored.predictions))
    return table.take(pa.array(places.to_numpy(zero_copy_only=False)))


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
        _refuse(rows[name].to_numpy() != again, f"({name}) are not what the publication says", stored)
    again = subject.valuer.now(subject.values, subject.level, threads=subject.count("threads"))
    _refuse((subject.told != again).any(axis=1), "are not what the bundle gives", stored)


def _refuse(differ: Any, fault: str, stored: Stored) -> None:
    if int(differ.sum()):
        raise EvidenceError(
            f"{int(differ.sum())} of {len(differ)} stored predictions {fault}",
            where=str(stored.predictions),
            right="Train again: the predictions belong to another bundle or to other data",
        )


def _span(decided: npt.NDArray[np.datetime64]) -> dict[str, Any]:
    if not len(decided):
        raise EvidenceError("a sample is empty")
    return {"rows": len(decided), "from": str(decided.min()), "to": str(decided.max())}
