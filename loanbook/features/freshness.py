"""validated → features: how old is what is served, view by view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from loanbook import lake
from loanbook.errors import FeatureError
from loanbook.features.online.images import Record, Served
from loanbook.features.tables import FeatureSet
from loanbook.lake import Lake
from loanbook.settings import Settings

GAUGES = {
    "loanbook_feature_materialised_seconds": "As of when a view's values were brought online, in Unix time.",
    "loanbook_feature_newest_seconds": "When a view's newest value became known, in Unix time.",
    "loanbook_feature_ttl_seconds": "How long a view's values hold.",
    "loanbook_feature_stale": "1 when not even a view's newest value holds.",
    "loanbook_feature_keys": "Keys that a view serves.",
}


@dataclass(frozen=True)
class Freshness:
    """A view's age at a moment: stale is one whose newest value no longer holds, or that serves none."""

    view: str
    materialised: datetime
    newest: datetime | None
    age: timedelta | None
    ttl: timedelta
    stale: bool
    keys: int


def keep(settings: Settings, dataset: str, held: Iterable[tuple[Served, Record]], as_of: datetime) -> None:
    """Keep what was brought online in the catalog, and as gauges in Prometheus' text format."""
    told = {
        view.name: {
            "materialised": record.as_of,
            "newest": record.newest,
            "ttl_seconds": view.ttl.total_seconds(),
            "keys": record.keys,
        }
        for view, record in held
    }
    lake.write_json(_catalog(settings, dataset), {"views": told})
    ages = _ages(told, as_of)
    lake.write_text(Lake(settings.home).reports(dataset) / "freshness.prom", _prometheus(dataset, ages))


def freshness(settings: Settings, features: FeatureSet, as_of: datetime) -> tuple[Freshness, ...]:
    """Tell how old each served view is at a moment (UTC), or raise FeatureError when none is served."""
    path = _catalog(settings, features.dataset)
    if not path.is_file():
        raise FeatureError(
            "nothing was brought online yet",
            where=features.dataset,
            right=f"Run `loanbook featurize --dataset {features.dataset}`",
        )
    views = lake.read_json(path)["views"]
    assert isinstance(views, dict)
    return _ages(views, as_of)


def _catalog(settings: Settings, dataset: str) -> Path:
    return Lake(settings.home).catalog(dataset) / "freshness.json"


def _ages(views: Mapping[str, Mapping[str, Any]], as_of: datetime) -> tuple[Freshness, ...]:
    return tuple(_age(name, told, as_of.replace(tzinfo=None)) for name, told in sorted(views.items()))


def _age(view: str, told: Mapping[str, Any], now: datetime) -> Freshness:
    newest = datetime.fromisoformat(told["newest"]) if told["newest"] else None
    age, ttl = now - newest if newest else None, timedelta(seconds=told["ttl_seconds"])
    return Freshness(
        view=view,
        materialised=datetime.fromisoformat(told["materialised"]),
        newest=newest,
        age=age,
        ttl=ttl,
        stale=age is None or age > ttl,
        keys=told["keys"],
    )


def _prometheus(dataset: str, ages: Iterable[Freshness]) -> str:
    lines: list[str] = []
    rows = [(one.view, _figures(one)) for one in ages]
    for place, (name, meaning) in enumerate(GAUGES.items()):
        lines += [f"# HELP {name} {meaning}", f"# TYPE {name} gauge"]
        lines += [
            f'{name}{{dataset="{dataset}",view="{view}"}} {figures[place]:.15g}'
            for view, figures in rows
            if figures[place] is not None
        ]
    return "\n".join(lines) + "\n"


def _figures(one: Freshness) -> tuple[float | None, ...]:
    newest = _unix(one.newest) if one.newest else None
    return _unix(one.materialised), newest, one.ttl.total_seconds(), float(one.stale), float(one.keys)


def _unix(moment: datetime) -> float:
    return (moment - datetime(1970, 1, 1)).total_seconds()
