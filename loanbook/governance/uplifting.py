"""candidate → reviewed: an uplifter's figures again, of verified bytes, arms and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loanbook.governance.recompute import Figures
from loanbook.governance.stored import Stored, span
from loanbook.settings import Settings
from loanbook.training import lots
from loanbook.uplift import judging, making, uplifter
from loanbook.uplift.judging import Subject
from loanbook.uplift.lot import uplift_of
from loanbook.uplift.uplifter import Uplifter

if TYPE_CHECKING:
    import pyarrow as pa

Flags = npt.NDArray[np.bool_]

NOT_COMPARED = "an offer refuses nobody, and who is offered what is not yet compared by protected group"


def figures(settings: Settings, stored: Stored) -> Figures:
    """Judge an uplifter anew, or raise EvidenceError where stored and recomputed differ."""
    made = uplifter.read(stored.bundle, expected=stored.bundle_digest)
    rows, known, seen = stored.read(settings, made.card)
    subject = _subject(stored, made, rows, _with_terms(stored, known, seen), seen)
    _same(stored, subject, rows, seen)
    return Figures(
        samples={name: span(subject.decided[mask]) for name, mask in subject.rows.items()},
        metrics=judging.metrics(subject),
        stability=judging.stabilities(subject),
        fairness={"not_asked": NOT_COMPARED},
        maturity=_maturity(stored, subject, seen),
        judged={**judging.judge(subject), "swap_set": {"unmeasured": str(stored.rival)}},
        shared_rows=rows.num_rows - len(set(rows[stored.line.grain.key].to_pylist())),
        shared_customers=lots.shared(subject.customers, tuple(subject.rows.values())),
        curves=judging.curves(subject),
    )


def _with_terms(stored: Stored, known: pa.Table, seen: pa.Table) -> pa.Table:
    """Give what was known, its terms as the publication tells them."""
    for name in uplift_of(stored.line).terms:
        known = known.set_column(known.column_names.index(name), name, seen[name])
    return known


def _subject(stored: Stored, made: Uplifter, rows: pa.Table, known: pa.Table, seen: pa.Table) -> Subject:
    names = np.array(rows["sample"].to_pylist())
    return Subject(
        uplifter=made,
        known=known,
        treated=_flags(seen, "treated"),
        answered=_flags(seen, "answered"),
        customers=np.array(seen["customer_id"].to_pylist(), dtype=object),
        rows={name: names == name for name in lots.SAMPLES},
        decided=np.asarray(seen["decided_at"].to_numpy()),
        declared=stored.line.monotone,
    )


def _same(stored: Stored, subject: Subject, rows: pa.Table, seen: pa.Table) -> None:
    """Hold what is stored to the publication's lot and to what the bundle's bytes tell of the frame."""
    drawn = np.isin(seen["outcome"].to_pylist(), ("taken", "left"))
    stored.refuse(~drawn, "are of nobody whom the publication says a lot drew")
    for name in ("treated", "answered"):
        differ = _flags(rows, name) != _flags(seen, name)
        stored.refuse(differ, f"({name}) are not what the publication says")
    differ = np.array(rows["customer_id"].to_pylist(), dtype=object) != subject.customers
    stored.refuse(differ, "(customer_id) are not what the publication says")
    again = making.chances(subject.uplifter, subject.values, subject.treated, subject.count("threads"))
    for name, told in zip(making.TOLD, again, strict=True):
        held = np.asarray(rows[name].to_numpy(), dtype=float)
        stored.refuse(~((held == told) | (np.isnan(held) & np.isnan(told))), "are not what the bundle gives")


def _maturity(stored: Stored, subject: Subject, seen: pa.Table) -> dict[str, Any]:
    ripe = np.asarray(seen["ripe_at"].to_numpy()) <= np.datetime64(stored.as_of, "us")
    return {
        name: {"rows": int(mask.sum()), "ripe": int(ripe[mask].sum())} for name, mask in subject.rows.items()
    }


def _flags(table: pa.Table, name: str) -> Flags:
    return np.array(table[name].to_pylist(), dtype=bool)
