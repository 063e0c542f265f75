"""validated → features: what feature_repo/ declares, in our own words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from loanbook import digests
from loanbook.errors import FeatureError
from loanbook.features.store import opening
from loanbook.features.tables import FeatureSet
from loanbook.schema import TABLES
from loanbook.settings import Settings


@dataclass(frozen=True)
class Feature:
    """One declared feature: where it comes from and what it may serve."""

    name: str
    view: str
    type: str
    owner: str
    purpose: str
    ttl_days: int | None
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Service:
    """A line's features, in one order, with the hash of their declaration."""

    name: str
    features: tuple[Feature, ...]
    digest: str


@dataclass(frozen=True)
class View:
    """A declared view: its key, its features in order, and how long a value holds."""

    name: str
    key: str
    features: tuple[str, ...]
    ttl: timedelta


def service(settings: Settings, features: FeatureSet, name: str) -> Service:
    """Describe what a line may know, or raise FeatureError when there is no such service."""
    store = opening.opened(settings, features)
    declared = tuple(_features_of(store, opening.service_of(store, name)))
    return Service(name, declared, digests.of_json([vars(feature) for feature in declared]))


def views(settings: Settings, features: FeatureSet) -> tuple[View, ...]:
    """Give every declared view of a feature table."""
    return tuple(
        View(view.name, view.join_keys[0], tuple(field.name for field in view.features), view.ttl)
        for view in opening.opened(settings, features).list_feature_views()
    )


def _features_of(store: Any, feature_service: Any) -> Iterator[Feature]:
    for projection in feature_service.feature_view_projections:
        view = store.registry.get_any_feature_view(projection.name, store.project)
        ttl = getattr(view, "ttl", None)
        for field in projection.features:
            told = field.tags.get("from") or view.tags.get(f"from.{field.name}", "")
            columns = tuple(filter(None, told.split(",")))
            refuse_unknown(field.name, columns)
            yield Feature(
                name=field.name,
                view=view.name,
                type=str(field.dtype),
                owner=view.owner,
                purpose=view.tags["purpose"],
                ttl_days=ttl.days if ttl else None,
                columns=columns,
            )


def refuse_unknown(feature: str, columns: tuple[str, ...]) -> None:
    """Raise FeatureError unless a feature says which canonical columns it is made of."""
    for column in columns:
        table, _, name = column.partition(".")
        if table not in TABLES or name not in TABLES[table].names:
            raise FeatureError(
                f"{feature} is said to come from {column}, which the schema doesn't know",
                where="feature_repo/",
            )
    if not columns:
        raise FeatureError(
            f"{feature} doesn't say where it comes from",
            where="feature_repo/",
            right="Add its `from` columns",
        )
