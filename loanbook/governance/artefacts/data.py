"""candidate → reviewed: whose data, and what of it the model may know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loanbook.governance.artefacts.documents import Document, Section, at, document, each, mappings, said
from loanbook.governance.basis import Basis
from loanbook.schema import TABLES, Privacy

TABLE_FACTS = ("snapshot", "published", "rows", "held", "suite", "absent")
FEATURE_FACTS = ("from", "privacy", "owner", "view", "purposes")


def register(basis: Basis) -> Document:
    """Write the register of data sources and consents."""
    facts = basis.facts
    read = {
        "publication": "evidence.data.publication",
        "as of": "evidence.data.as_of",
        "dataset": "evidence.dataset",
        "purpose": "policy.gates.inputs.purpose",
        "contract or licence of each source": "evidence.data.contracts",
        "where each source comes from": "evidence.data.origins",
    }
    sections = (
        said("Sources", facts, read),
        each("Tables of the publication", facts, "evidence.data.tables", "table", TABLE_FACTS),
        each(
            "Consents, in rows by their customer's word",
            facts,
            "evidence.data.consents",
            "table",
            ("yes", "no", "unsaid"),
        ),
        _columns(facts),
    )
    return document("data_register", "Data-source and consent register", sections)


def dictionary(basis: Basis) -> Document:
    """Write the feature dictionary, each feature flagged by whether a prohibited basis is in it."""
    facts = basis.facts
    sections = (_features(facts, basis.purpose), _absent(facts))
    return document("feature_dictionary", "Feature dictionary", sections)


def prohibited(columns: object) -> bool | None:
    """Say whether any source column is classed as protected; null where none is known."""
    if not isinstance(columns, list | tuple) or not columns:
        return None
    classes = [_privacy(str(one)) for one in columns]
    return None if None in classes else Privacy.PROTECTED in classes


def _privacy(column: str) -> Privacy | None:
    table, _, name = column.partition(".")
    known = table in TABLES and name in TABLES[table].names
    return TABLES[table].column(name).privacy if known else None


def _columns(facts: Mapping[str, Any]) -> Section:
    """List the columns that the features are made of, with class and purposes by the schema."""
    path = "evidence.features.columns"
    used = set(at(facts, "evidence.features.used") or ())
    readers: dict[str, list[str]] = {}
    for feature, told in sorted(mappings(facts, path).items()):
        for column in told.get("from") or () if feature in used else ():
            readers.setdefault(str(column), []).append(feature)
    rows = tuple((column, *_classed(column), len(features)) for column, features in sorted(readers.items()))
    return Section(
        "Source columns of the features used",
        ("column", "privacy", "may serve", "features"),
        rows,
        path,
        ("privacy",),
    )


def _classed(column: str) -> tuple[str | None, list[str] | None]:
    privacy = _privacy(column)
    if privacy is None:
        return None, None
    table, _, name = column.partition(".")
    return privacy.value, sorted(one.value for one in TABLES[table].column(name).purposes)


def _features(facts: Mapping[str, Any], purpose: str) -> Section:
    path = "evidence.features.columns"
    told, used = mappings(facts, path), at(facts, "evidence.features.used") or ()
    codes = {
        name: reason.get("code")
        for reason in at(facts, "bundle.reasons.reasons") or ()
        for name in reason.get("features") or ()
    }
    learned = frozenset(at(facts, "bundle.features.features") or ())
    columns = ("feature", "prohibited basis", "may serve this line", "in the model", "reason", *FEATURE_FACTS)
    rows = tuple(
        (
            name,
            *_flags(told.get(name, {}), purpose),
            name in learned,
            codes.get(name),
            *_told(told.get(name, {})),
        )
        for name in used
    )
    return Section("Features used", columns, rows, path, ("prohibited basis", *FEATURE_FACTS))


def _flags(told: Mapping[str, Any], purpose: str) -> tuple[bool | None, bool | None]:
    purposes = told.get("purposes")
    return prohibited(told.get("from")), purpose in purposes if isinstance(purposes, list | tuple) else None


def _told(told: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(told.get(name) for name in FEATURE_FACTS)


def _absent(facts: Mapping[str, Any]) -> Section:
    path = "evidence.features.absent"
    told = mappings(facts, "evidence.features.columns")
    names = at(facts, path)
    rows = tuple(
        (name, prohibited(told.get(name, {}).get("from")), told.get(name, {}).get("from"))
        for name in names or ()
    )
    columns = ("feature", "prohibited basis", "from")
    asks = ("prohibited basis",)
    return Section("Features left out as absent", columns, rows, path, asks, may_be_empty=names is not None)
