"""validated → features: what a feature may serve follows from every column that it is made of."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any

from loanbook.features.store import Feature
from loanbook.schema import TABLES, Column, Privacy

CLOSEST = (Privacy.OPEN, Privacy.PERSONAL, Privacy.IDENTIFYING, Privacy.PROTECTED)


def permits(features: Iterable[Feature]) -> dict[str, dict[str, Any]]:
    """Give each feature the closest privacy class of its columns and the purposes they share."""
    return {feature.name: _permit(feature) for feature in features}


def _permit(feature: Feature) -> dict[str, Any]:
    columns = [_column(name) for name in feature.columns]
    shared = reduce(frozenset.intersection, (column.purposes for column in columns))
    return {
        "privacy": max((column.privacy for column in columns), key=CLOSEST.index).value,
        "purposes": sorted(purpose.value for purpose in shared),
        "from": list(feature.columns),
        "view": feature.view,
        "owner": feature.owner,
    }


def _column(name: str) -> Column:
    table, _, column = name.partition(".")
    return TABLES[table].column(column)
