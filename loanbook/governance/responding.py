"""candidate → reviewed: a responder's figures again, of verified bytes, doses and outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from loanbook.governance.recompute import Figures
from loanbook.governance.stored import Stored, span
from loanbook.response import doses, judging, responder
from loanbook.response.judging import Subject
from loanbook.response.making import PRICE
from loanbook.response.responder import OUTCOMES, Responder
from loanbook.settings import Settings
from loanbook.training import lots

if TYPE_CHECKING:
    import pyarrow as pa

NOT_COMPARED = "a limit is chosen and refused to nobody, and who is given which is not yet compared by group"


def figures(settings: Settings, stored: Stored) -> Figures:
    """Judge a responder anew, or raise EvidenceError where stored and recomputed differ."""
    made = responder.read(stored.bundle, expected=stored.bundle_digest)
    rows, known, seen = stored.read(settings, made.card)
    known = known.set_column(known.column_names.index(PRICE), PRICE, seen[PRICE])
    subject = _subject(stored, made, rows, known, seen)
    _same(stored, subject, rows, seen)
    ripe = np.asarray(seen["ripe_at"].to_numpy()) <= np.datetime64(stored.as_of, "us")
    return Figures(
        samples={name: span(subject.decided[mask]) for name, mask in subject.rows.items()},
        metrics=judging.metrics(subject),
        stability=judging.stabilities(subject),
        fairness={"not_asked": NOT_COMPARED},
        maturity={
            name: {"rows": int(mask.sum()), "ripe": int(ripe[mask].sum())}
            for name, mask in subject.rows.items()
        },
        judged={**judging.judge(subject), "swap_set": {"unmeasured": str(stored.rival)}},
        shared_rows=rows.num_rows - len(set(rows[stored.line.grain.key].to_pylist())),
        shared_customers=lots.shared(subject.customers, tuple(subject.rows.values())),
        curves=judging.curves(subject),
    )


def _subject(stored: Stored, made: Responder, rows: pa.Table, known: pa.Table, seen: pa.Table) -> Subject:
    names = np.array(rows["sample"].to_pylist())
    return Subject(
        responder=made,
        known=known,
        dose=seen["dose"].to_numpy(),
        outcomes={"balance": seen["balance"].to_numpy(), "pd": _defaults(seen)},
        customers=np.array(seen["customer_id"].to_pylist(), dtype=object),
        rows={name: names == name for name in lots.SAMPLES},
        decided=np.asarray(seen["decided_at"].to_numpy()),
        declared=stored.line.monotone,
    )


def _same(stored: Stored, subject: Subject, rows: pa.Table, seen: pa.Table) -> None:
    """Hold what is stored to the publication's lot and to what the bundle's bytes tell of the frame."""
    drawn = np.isin(seen["outcome"].to_pylist(), doses.RIPE)
    stored.refuse(~drawn, "are of nobody whom the publication says a lot drew")
    for name in ("dose", PRICE, "balance"):
        differ = rows[name].to_numpy() != seen[name].to_numpy()
        stored.refuse(differ, f"({name}) are not what the publication says")
    stored.refuse(_defaults(rows) != subject.outcomes["pd"], "(bad) are not what the publication says")
    differ = np.array(rows["customer_id"].to_pylist(), dtype=object) != subject.customers
    stored.refuse(differ, "(customer_id) are not what the publication says")
    for name in OUTCOMES:
        told = subject.responder.at(name, subject.values, subject.dose, threads=subject.count("threads"))
        stored.refuse(rows[f"told_{name}"].to_numpy() != told, "are not what the bundle gives")


def _defaults(table: pa.Table) -> Any:
    return np.array(table["bad"].to_pylist(), dtype=float)
