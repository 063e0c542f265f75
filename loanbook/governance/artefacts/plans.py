"""candidate → reviewed: what is told to an applicant, what is watched in production, what the law asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any

from loanbook.governance.artefacts.documents import SAID, Document, Section, at, document, said
from loanbook.governance.basis import Basis
from loanbook.governance.duties import Answer, Duty
from loanbook.governance.obligations import Obligations

# Which figure of the review each bound of the watch is set against.
AT_REVIEW = MappingProxyType(
    {
        "score_psi_watch": "evidence.stability.score_psi",
        "score_psi_alarm": "evidence.stability.score_psi",
        "auc_fall_alarm": "evidence.metrics.report.auc",
        "bad_rate_ratio_alarm": "evidence.metrics.report.bad_rate",
        "min_rows": "evidence.samples.report.rows",
    }
)
ANSWERED = ("obligation", "answer", "why", "demands", "read as")
CITED = (
    "obligation", "source", "article", "jurisdiction", "force", "effective", "until", "superseded by",
    "fresh for months", "citation is certain", "doubt",
)  # fmt: skip
# What a reader looks for first comes first.
ORDER = (Answer.NOT_MET, Answer.STALE, Answer.NOT_SHOWN, Answer.MET, Answer.NOT_APPLICABLE)


def reasons(basis: Basis) -> Document:
    """Write the map from features to the reasons that an applicant is told."""
    facts = basis.facts
    sections = (_worded(facts), _silent(facts), _reference(facts))
    return document("reason_map", "Reason map", sections)


def monitoring(basis: Basis) -> Document:
    """Write the monitoring plan: each bound of the policy beside the review's figure."""
    facts = basis.facts
    bounds = at(facts, "policy.watching") or {}
    rows = tuple(
        (name, bound, at(facts, AT_REVIEW[name]) if name in AT_REVIEW else None, AT_REVIEW.get(name))
        for name, bound in bounds.items()
    )
    against = {
        "outcome window in months": "evidence.split.label.window_months",
        "ripening in months": "evidence.split.label.ripening_months",
        "data as of": "evidence.data.as_of",
        "frozen bins": "evidence.bundle.files",
        "how often it is watched": "policy.watching.every",
        "who is told of an alarm": "policy.watching.told",
    }
    sections = (
        Section("Bounds", ("bound", "is", "at the review", "read at"), rows, "policy.watching"),
        said("Against what, by whom", facts, against),
    )
    return document("monitoring_plan", "Monitoring plan", sections)


def obligations(asked: Obligations, duties: Sequence[Duty], on: date) -> Document:
    """Write how each obligation stands on a day, and what the file itself is."""
    counts = tuple((answer.value, sum(duty.answer is answer for duty in duties)) for answer in ORDER)
    first = sorted(duties, key=lambda duty: ORDER.index(duty.answer))
    file = (
        ("day", str(on), "asked"),
        ("version", asked.version, "obligations.version"),
        ("digest", asked.digest, "obligations"),
    )
    sections = (
        Section("The day, and the file of obligations", SAID, file),
        Section("How they stand", ("answer", "obligations"), counts, "obligations"),
        Section("Each obligation", ANSWERED, tuple(_answered(duty) for duty in first), "obligations"),
        Section("Where each stands", CITED, tuple(_cited(duty) for duty in duties), "obligations"),
    )
    return document("obligations", "Obligations", sections)


def _answered(duty: Duty) -> tuple[Any, ...]:
    one = duty.obligation
    return one.name, duty.answer.value, duty.why, one.demands, one.read_as or None


def _cited(duty: Duty) -> tuple[Any, ...]:
    one = duty.obligation
    until = str(one.until) if one.until else None
    return (
        one.name, one.source, one.article, one.jurisdiction, one.force, str(one.effective), until,
        one.superseded_by or None, one.fresh_months, one.certain, one.doubt or None,
    )  # fmt: skip


def _worded(facts: Mapping[str, Any]) -> Section:
    path = "bundle.reasons.reasons"
    columns = ("code", "en", "zh", "features")
    rows = tuple(tuple(one.get(column) for column in columns) for one in at(facts, path) or ())
    return Section("Reasons and their wording", columns, rows, path, columns)


def _silent(facts: Mapping[str, Any]) -> Section:
    """Name the model's features that no reason speaks for."""
    spoken = {name for one in at(facts, "bundle.reasons.reasons") or () for name in one.get("features") or ()}
    silent = sorted(set(at(facts, "bundle.features.features") or ()) - spoken)
    rows = tuple((name,) for name in silent)
    return Section(
        "Features of the model without a reason",
        ("feature",),
        rows,
        "bundle.reasons.reasons",
        may_be_empty=True,
    )


def _reference(facts: Mapping[str, Any]) -> Section:
    """Say what a reason is measured against, in log-odds: the approved nearest the cut-off."""
    path = "bundle.reasons.reference"
    found = at(facts, path)
    rows = tuple(sorted(found.items())) if isinstance(found, Mapping) else ()
    columns = ("feature", "mean part of the log-odds")
    return Section("What a reason is measured against", columns, rows, path, columns[1:])
