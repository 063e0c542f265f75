"""candidate → reviewed: what the review found: gates, measures, stability, groups, and what stays open."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from loanbook.governance import dossier
from loanbook.governance.artefacts.documents import (
    Document,
    Section,
    at,
    document,
    each,
    leaves,
    mappings,
    said,
)
from loanbook.governance.basis import Basis

BY_WHOM = MappingProxyType(
    {
        "trained by": "evidence.trained_by",
        "requested by": "evidence.requested_by",
        "signatures asked for": "policy.signatures",
        "roles that may sign": "policy.roles",
        "predictions": "evidence.predictions.rows",
        "their digest": "evidence.predictions.digest",
        "conceptual soundness, as a person judged it": "evidence.soundness",
    }
)
# Asked for where the evidence has no section of such judgements at all.
BEYOND = MappingProxyType(
    {
        "a second model": "evidence.judged.second_model",
        "segments": "evidence.judged.segments",
        "sensitivity": "evidence.judged.sensitivity",
        "stress": "evidence.judged.stress",
    }
)
BY_GROUP = MappingProxyType(
    {
        "measures": "How far apart protected groups are",
        "proxies": "Whether the features tell a protected group",
        "alternatives": "The search for a fairer model",
    }
)
ANSWERS = ("gate", "status", "figure", "bound", "why")


def validation(basis: Basis) -> Document:
    """Write the validation report."""
    facts = basis.facts
    sections = (
        said("Who and what", facts, BY_WHOM),
        _gates(facts),
        _measures(facts),
        each("Maturity of outcomes", facts, "evidence.maturity", "sample", ("rows", "ripe")),
        said("Stability of the score", facts, {"PSI from fit to report": "evidence.stability.score_psi"}),
        _drifts(facts),
        *_groups(facts),
        *_beyond(facts),
        _limits(basis),
    )
    return document("validation", "Validation report", sections)


def _gates(facts: Mapping[str, Any]) -> Section:
    path = "evidence.gates"
    rows = tuple(tuple(gate.get(column) for column in ANSWERS) for gate in at(facts, path) or ())
    return Section("Gates of the policy", ANSWERS, rows, path, ("status",))


def _measures(facts: Mapping[str, Any]) -> Section:
    """Turn measures by sample: samples across, measures down."""
    path = "evidence.metrics"
    found = mappings(facts, path)
    names = sorted({measure for one in found.values() for measure in one})
    rows = tuple((name, *(one.get(name) for one in found.values())) for name in names)
    return Section("Measures by sample", ("measure", *found), rows, path, tuple(found))


def _drifts(facts: Mapping[str, Any]) -> Section:
    path = "evidence.stability.feature_psi"
    found = at(facts, path)
    rows = sorted(found.items(), key=lambda one: (-one[1], one[0])) if isinstance(found, Mapping) else ()
    return Section(
        "Stability of the features, the furthest first", ("feature", "PSI"), tuple(rows), path, ("PSI",)
    )


def _groups(facts: Mapping[str, Any]) -> tuple[Section, ...]:
    """Say a table for each protected attribute; without any, name what the facts say of that."""
    attributes = mappings(facts, "evidence.fairness.groups")
    if not attributes:
        return (
            said(
                "Protected groups",
                facts,
                {"attributes that were compared": "evidence.fairness.protected_attributes"},
            ),
        )
    ratios = said(
        "Protected groups", facts, {"lowest approval rate over highest": "evidence.fairness.ratios"}
    )
    path = "evidence.fairness.groups"
    return (
        ratios,
        *(each(f"Groups by {name}", facts, f"{path}.{name}", "group") for name in sorted(attributes)),
        *(leaves(title, facts, f"evidence.fairness.{part}") for part, title in BY_GROUP.items()),
    )


def _beyond(facts: Mapping[str, Any]) -> tuple[Section, ...]:
    """Say every part of what was judged beyond the measures, whatever it is called."""
    parts = at(facts, "evidence.judged")
    if not isinstance(parts, Mapping) or not parts:
        return (said("Beyond the measures", facts, BEYOND),)
    return tuple(
        leaves(f"Beyond the measures: {name.replace('_', ' ')}", facts, f"evidence.judged.{name}")
        for name in sorted(parts)
    )


def _limits(basis: Basis) -> Section:
    """Say what the facts leave open, as the dossier does."""
    rows = tuple((limit,) for limit in dossier.limits(basis.evidence.facts))
    return Section("Limits that follow from the facts", ("limit",), rows, "evidence", may_be_empty=True)
