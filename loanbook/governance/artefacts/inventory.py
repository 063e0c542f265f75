"""candidate → reviewed: where a model stands among others: its inventory entry, and how much hangs on it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from loanbook.governance import predicted
from loanbook.governance.artefacts.documents import Document, Section, document, each, mappings, said
from loanbook.governance.basis import Basis

IDENTITY = MappingProxyType(
    {
        "model": "evidence.model",
        "version": "evidence.version",
        "line": "evidence.line",
        "dataset": "evidence.dataset",
        "purpose": "policy.gates.inputs.purpose",
        "jurisdiction": "policy.jurisdiction",
        "materiality": "policy.materiality",
        "trained by": "evidence.trained_by",
        "trained at": "evidence.trained_at",
        "requested by": "evidence.requested_by",
        "reviewed in": "evidence.environment.name",
    }
)
BYTES = MappingProxyType(
    {
        "bundle": "evidence.bundle.digest",
        "policy": "evidence.policy.digest",
        "publication": "evidence.data.publication",
        "feature set": "evidence.features.set",
        "training set": "evidence.split.frame",
        "predictions": "evidence.predictions.digest",
        "commit": "evidence.code.commit",
        "lockfile": "evidence.code.lockfile",
    }
)
LEARNS = MappingProxyType(
    {
        "days past due that count as bad": "evidence.split.label.days_past_due",
        "outcome window in months": "evidence.split.label.window_months",
        "ripening in months": "evidence.split.label.ripening_months",
        "data as of": "evidence.data.as_of",
        "algorithm": "bundle.card.recipe",
        "decided days after filing": "bundle.card.decision_days",
    }
)
LEARNS_AN_AMOUNT = MappingProxyType(
    {
        "amount": "evidence.split.label.column",
        "of the table": "evidence.split.label.table",
        "quantiles": "evidence.split.label.quantiles",
        "learned at an index of 100 of": "evidence.split.label.indexed",
        "data as of": "evidence.data.as_of",
        "algorithm": "bundle.card.recipe",
    }
)
LEARNS_AN_UPLIFT = MappingProxyType(
    {
        "answer": "evidence.split.label.answer",
        "to contacts of the table": "evidence.split.label.table",
        "drawn by lot where": "evidence.split.label.by_lot",
        "terms of an offer": "evidence.split.label.terms",
        "data as of": "evidence.data.as_of",
        "algorithm": "bundle.card.recipe",
    }
)
LEARNS_A_RESPONSE = MappingProxyType(
    {
        "dose": "evidence.split.label.dose",
        "its price": "evidence.split.label.price",
        "of the table": "evidence.split.label.table",
        "drawn by lot where": "evidence.split.label.by_lot",
        "days past due that count as a default": "evidence.split.label.days_past_due",
        "outcome window in months": "evidence.split.label.window_months",
        "data as of": "evidence.data.as_of",
        "algorithm": "bundle.card.recipe",
    }
)
USE = MappingProxyType(
    {
        "approve below PD": "bundle.strategy.approve_below",
        "decline from PD": "bundle.strategy.decline_from",
        "state in production": "evidence.use.state",
    }
)
EXPOSURE = MappingProxyType(
    {
        "money that it would lend of a year's applications": "evidence.judged.economics.exposure.money",
        "money that they ask for": "evidence.judged.economics.exposure.asked",
        "decisions a year": "evidence.judged.economics.exposure.decisions",
        "of these it would approve": "evidence.judged.economics.exposure.approved",
        "other models that read it": "evidence.exposure.read_by",
    }
)


def inventory(basis: Basis) -> Document:
    """Write the entry of the model inventory."""
    facts = basis.facts
    learns = predicted.by_kind(
        basis.evidence.facts,
        probability=LEARNS,
        amount=LEARNS_AN_AMOUNT,
        uplift=LEARNS_AN_UPLIFT,
        response=LEARNS_A_RESPONSE,
    )
    sections = (
        said("Identity", facts, IDENTITY),
        said("What it predicts", facts, learns),
        said("How it is used", facts, USE),
        _owners(facts),
        said("Bytes", facts, BYTES),
    )
    return document("model_inventory", "Model inventory entry", sections)


def materiality(basis: Basis) -> Document:
    """Write the materiality sheet: the class, what it asks for, and the exposure that it stands on."""
    facts = basis.facts
    asks = {
        "materiality": "policy.materiality",
        "jurisdiction": "policy.jurisdiction",
        "purpose": "policy.gates.inputs.purpose",
        "signatures": "policy.signatures",
        "roles that may sign": "policy.roles",
        "days that a signature is valid": "policy.valid_days",
        "highest bad rate of the approved": "policy.strategy.max_bad_rate",
        "approve below PD": "bundle.strategy.approve_below",
        "decline from PD": "bundle.strategy.decline_from",
    }
    sections = (
        said("Class, and what it asks for", facts, asks),
        said("Exposure", facts, EXPOSURE),
        each("Gates that the class is held to", facts, "policy.gates", "gate"),
    )
    return document("materiality", "Materiality sheet", sections)


def _owners(facts: Mapping[str, Any]) -> Section:
    """Count the features of each owner."""
    path = "evidence.features.columns"
    owned = [one.get("owner") for one in mappings(facts, path).values()]
    rows = tuple((owner, owned.count(owner)) for owner in sorted(set(owned), key=str))
    return Section("Owners of its features", ("owner", "features"), rows, path, ("owner",))
