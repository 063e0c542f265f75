"""candidate → reviewed: how the model was made: population, samples, method, code."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from loanbook.governance import predicted
from loanbook.governance.artefacts.documents import Document, Section, at, document, each, said
from loanbook.governance.basis import Basis

BY_TIME = MappingProxyType(
    {
        "report sample from": "evidence.split.report_from",
        "rows left out by the embargo": "evidence.split.embargoed",
        "rows left out so that no customer stands on both sides": "evidence.split.grouped_out",
        "rows in more than one sample": "evidence.split.shared_rows",
        "customers in more than one sample": "evidence.split.shared_customers",
        "stated by the dataset": "evidence.split.stated",
    }
)
SPLIT = MappingProxyType(
    {
        "days past due that count as bad": "evidence.split.label.days_past_due",
        "outcome window in months": "evidence.split.label.window_months",
        "ripening in months": "evidence.split.label.ripening_months",
        **BY_TIME,
    }
)
SPLIT_OF_AMOUNTS = MappingProxyType(
    {
        "drawn by what a row is, not cut by time": "evidence.judged.apart.drawn",
        "different vehicles": "evidence.judged.apart.different",
        "rows that repeat another": "evidence.judged.apart.repeated",
        "vehicles in more than one sample": "evidence.judged.apart.shared",
        "rows in more than one sample": "evidence.split.shared_rows",
        "stated by the dataset": "evidence.split.stated",
    }
)
SPLIT_OF_UPLIFTS = MappingProxyType(
    {
        "answer": "evidence.split.label.answer",
        "terms of an offer": "evidence.split.label.terms",
        **BY_TIME,
    }
)
SPLIT_OF_RESPONSES = MappingProxyType(
    {
        "dose": "evidence.split.label.dose",
        "its price": "evidence.split.label.price",
        "drawn by lot where": "evidence.split.label.by_lot",
        "days past due that count as a default": "evidence.split.label.days_past_due",
        "outcome window in months": "evidence.split.label.window_months",
        "ripening in months": "evidence.split.label.ripening_months",
        "report sample from": "evidence.split.report_from",
        "rows left out by the embargo": "evidence.split.embargoed",
        "rows left out so that no customer stands on both sides": "evidence.split.grouped_out",
        "rows in more than one sample": "evidence.split.shared_rows",
        "customers in more than one sample": "evidence.split.shared_customers",
        "stated by the dataset": "evidence.split.stated",
    }
)
MADE = MappingProxyType(
    {
        "commit": "evidence.code.commit",
        "changes that are in no commit": "evidence.code.dirty",
        "code": "evidence.code.digest",
        "lockfile": "evidence.code.lockfile",
        "seed": "evidence.seed",
        "threads": "evidence.threads",
        "training set": "evidence.split.frame",
        "feature set": "evidence.features.set",
        "feature service": "evidence.features.service",
        "reviewed on": "evidence.environment",
    }
)
METHOD = MappingProxyType(
    {
        "recipe": "bundle.card.recipe",
        "rounds": "bundle.card.rounds",
        "LightGBM": "bundle.card.lightgbm",
        "calibration": "bundle.calibration",
        "decided days after filing": "bundle.card.decision_days",
        "approve below PD": "bundle.strategy.approve_below",
        "decline from PD": "bundle.strategy.decline_from",
        "recipes searched for beyond our own": "evidence.method.searched",
        "chosen": "evidence.method.chosen",
    }
)


METHOD_OF_AMOUNTS = MappingProxyType(
    {
        "recipe": "bundle.card.recipe",
        "rounds by quantile": "bundle.card.rounds",
        "LightGBM": "bundle.card.lightgbm",
        "kilometres a year that are usual": "bundle.quantiles.km_a_year",
        "chosen": "evidence.method.chosen",
    }
)


METHOD_OF_UPLIFTS = MappingProxyType(
    {
        "recipe of what an offer adds": "bundle.card.recipe",
        "recipe of what customers answer": "bundle.card.recipe_of_customers",
        "rounds": "bundle.card.rounds",
        "LightGBM": "bundle.card.lightgbm",
        "level of the controls, and its calibration, in log-odds": "bundle.arms.control",
        "calibration of the offered, in log-odds": "bundle.arms.treated",
        "chosen": "evidence.method.chosen",
    }
)
METHOD_OF_RESPONSES = MappingProxyType(
    {
        "recipes of levels and slopes": "bundle.card.recipe",
        "doses that the lot tried": "bundle.doses.doses",
        "balance without trees, and its calibration": "bundle.doses.balance",
        "PD without trees, and its calibration, in log-odds": "bundle.doses.pd",
        "LightGBM": "bundle.card.lightgbm",
    }
)


def development(basis: Basis) -> Document:
    """Write the development document."""
    facts, evidence = basis.facts, basis.evidence.facts
    split = predicted.by_kind(
        evidence,
        probability=SPLIT,
        amount=SPLIT_OF_AMOUNTS,
        uplift=SPLIT_OF_UPLIFTS,
        response=SPLIT_OF_RESPONSES,
    )
    method = predicted.by_kind(
        evidence,
        probability=METHOD,
        amount=METHOD_OF_AMOUNTS,
        uplift=METHOD_OF_UPLIFTS,
        response=METHOD_OF_RESPONSES,
    )
    bare = ("rows", "from", "to")
    told = predicted.by_kind(
        evidence, probability=("rows", "bads", "from", "to"), amount=bare, uplift=bare, response=bare
    )
    sections = (
        said("Population and label", facts, split),
        _outcomes(facts),
        each("Samples", facts, "evidence.samples", "sample", told),
        said("Method", facts, method),
        each("Recipes that were tried", facts, "evidence.method.tried", "trial", ("stopped_at", "stop_loss")),
        _features(facts),
        said("What it was made with", facts, MADE),
    )
    return document("development", "Development document", sections)


def _outcomes(facts: Mapping[str, Any]) -> Section:
    path = "evidence.split.outcomes"
    found = at(facts, path)
    rows = tuple(sorted(found.items())) if isinstance(found, Mapping) else ()
    return Section("Applications by outcome", ("outcome", "rows"), rows, path)


def _features(facts: Mapping[str, Any]) -> Section:
    """List the model's features in order, with the direction each is held to and its categories."""
    path = "bundle.features"
    monotone, categories = (at(facts, f"{path}.{part}") or {} for part in ("monotone", "categories"))
    rows = tuple(
        (name, monotone.get(name), len(categories[name]) if name in categories else None)
        for name in at(facts, f"{path}.features") or ()
    )
    return Section(
        "Features, in order", ("feature", "may only raise (1) or lower (-1) the PD", "categories"), rows, path
    )
