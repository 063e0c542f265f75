"""validated → features: bring views online, and read them back, through what Feast declares."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from loanbook import lake
from loanbook.errors import FeatureError
from loanbook.features import freshness
from loanbook.features.online import address, encoding, on_redis, on_sqlite
from loanbook.features.online.images import Record, Served
from loanbook.features.online.reading import (
    OnDemand,
    Question,
    Reader,
    RedisShelf,
    SqliteShelf,
    Value,
)
from loanbook.features.store import opening
from loanbook.features.tables import FeatureSet
from loanbook.settings import Settings

AT_REQUEST = "application"


def materialize(
    settings: Settings, features: FeatureSet, as_of: datetime, services: Collection[str] | None = None
) -> dict[str, int]:
    """Bring each key's latest value known by `as_of` to the online store; give keys by view.

    Of some `services` what they ask for, and nothing else is left there; without any named, all that is
    declared. Only what changed since the last time is written, one run at a time; a run that was cut short
    is made good by the next. What is known of an application comes with the request, so its view isn't
    written.
    """
    with _alone(address.sqlite_path(settings, features.dataset).parent):
        declared = served(settings, features, services)
        held = [(view, _write(settings, features, view, as_of)) for view in declared]
        _retire(settings, features, {view.name for view in declared})
        freshness.keep(settings, features.dataset, held, as_of)
    return {view.name: record.keys for view, record in held}


def served(
    settings: Settings, features: FeatureSet, services: Collection[str] | None = None
) -> tuple[Served, ...]:
    """Give every declared view that is brought online, with what some services ask of it, or with all."""
    store = opening.opened(settings, features)
    declared = {
        view.name: (view, [field.name for field in view.features])
        for view in store.list_feature_views()
        if view.name != AT_REQUEST
    }
    if services is not None:
        asked = _asked(store, features, services)
        declared = {
            name: (view, [one for one in names if one in asked[name]])
            for name, (view, names) in declared.items()
            if name in asked
        }
    return tuple(_served(store, features, view, names) for view, names in declared.values())


def _asked(store: Any, features: FeatureSet, services: Collection[str]) -> dict[str, set[str]]:
    asked: dict[str, set[str]] = {}
    for name in sorted(services):
        for view in _question(store, features, opening.service_of(store, name)).views:
            asked.setdefault(view.name, set()).update(view.names)
    return asked


def reader(settings: Settings, features: FeatureSet, name: str) -> Reader:
    """Open a service's way to the online store, for many reads."""
    store = opening.opened(settings, features)
    question = _question(store, features, opening.service_of(store, name))
    if settings.redis:
        with address.connected(settings.redis) as client:
            _refuse_absent(question, on_redis.standing(client, address.project(features.dataset)), name)
        return Reader(question, RedisShelf(address.client(settings.redis), question))
    path = address.sqlite_path(settings, features.dataset)
    if not path.is_file():
        raise FeatureError(
            "nothing was brought online yet",
            where=features.dataset,
            right=f"Run `loanbook featurize --dataset {features.dataset}`",
        )
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=60)
    _refuse_absent(question, on_sqlite.standing(connection), name)
    return Reader(question, SqliteShelf(connection, question))


def _refuse_absent(question: Question, held: Mapping[str, Record], service: str) -> None:
    """Raise FeatureError where the store holds not all that a service asks: its silence would say nothing."""
    absent = [
        view.name
        for view in question.views
        if view.name not in held or not {*view.names} <= {*held[view.name].names}
    ]
    if absent:
        raise FeatureError(
            f"{', '.join(absent)}: not all that it asks of them was brought online",
            where=f"service {service}",
            right="Online are the lines of the lender's products and those with a champion: featurize again "
            "once a version of this line is promoted",
        )


def read_online(
    settings: Settings, features: FeatureSet, name: str, keys: dict[str, str], at: datetime
) -> dict[str, Value]:
    """Read one entity's values that hold at a moment. To read many, open a `reader`."""
    with reader(settings, features, name) as opened:
        return opened.read(keys, at)


def forget(settings: Settings, dataset: str, join_key: str, key: str) -> int:
    """Erase one key, such as a customer, from wherever it is served; give how many values it had."""
    store, project = address.sqlite_path(settings, dataset), address.project(dataset)
    with _alone(store.parent):
        values = on_sqlite.forget(settings, store, join_key, key)
        if settings.redis:
            with address.connected(settings.redis) as client:
                values += on_redis.forget(settings, client, project, join_key, key, _images(store))
    return values


def _write(settings: Settings, features: FeatureSet, view: Served, as_of: datetime) -> Record:
    store = address.sqlite_path(settings, features.dataset)
    if not settings.redis:
        return on_sqlite.write(settings, store, view, features.id, as_of)
    with address.connected(settings.redis) as client:
        return on_redis.write(settings, client, view, features.id, as_of, _images(store) / view.name)


def _retire(settings: Settings, features: FeatureSet, declared: set[str]) -> None:
    store, project = address.sqlite_path(settings, features.dataset), address.project(features.dataset)
    if not settings.redis:
        return on_sqlite.retire(store, project, declared)
    with address.connected(settings.redis) as client:
        return on_redis.retire(client, project, declared, _images(store))


def _images(store: Path) -> Path:
    return store.parent / "served" / "redis"


def _served(store: Any, features: FeatureSet, view: Any, names: list[str]) -> Served:
    kinds = {field.name: str(field.dtype) for field in view.features}
    for name in names:
        if kinds[name] not in encoding.KINDS:
            raise FeatureError(
                f"{name} is declared as {kinds[name]}",
                where=f"feature_repo/views/, {view.name}",
                right=f"What is brought online is {' or '.join(encoding.KINDS)}",
            )
    return Served(
        name=view.name,
        project=store.project,
        path=features.folder / f"{view.name}.parquet",
        key=view.join_keys[0],
        features=tuple((name, kinds[name]) for name in names),
        ttl=view.ttl,
    )


def _question(store: Any, features: FeatureSet, service: Any) -> Question:
    """Collect what a service needs: its own features, and those that its on-demand features are made of."""
    wanted: dict[str, dict[str, None]] = {}
    made: list[OnDemand] = []
    told: list[str] = []
    for projection in service.feature_view_projections:
        names = [field.name for field in projection.features]
        told += names
        view = store.registry.get_any_feature_view(projection.name, store.project)
        sources = getattr(view, "source_feature_view_projections", None)
        if sources is None:
            wanted.setdefault(view.name, {}).update(dict.fromkeys(names))
            continue
        made.append(_on_demand(view, names))
        for source in sources.values():
            wanted.setdefault(source.name, {}).update(dict.fromkeys(one.name for one in source.features))
    declared = {name: store.get_feature_view(name) for name in wanted}
    views = (
        _served(store, features, declared[name], list(names))
        for name, names in wanted.items()
        if name != AT_REQUEST
    )
    keys = dict.fromkeys(view.join_keys[0] for view in declared.values())
    return Question(tuple(keys), tuple(views), tuple(made), tuple(told))


def _on_demand(view: Any, names: list[str]) -> OnDemand:
    if view.mode != "python":
        raise FeatureError(
            f"on-demand view {view.name} is in mode {view.mode}",
            where="feature_repo/on_demand.py",
            right="Use mode python: it is the fastest for one row",
        )
    inputs = (one.name for source in view.source_feature_view_projections.values() for one in source.features)
    return OnDemand(tuple(dict.fromkeys(inputs)), tuple(names), view.feature_transformation.udf)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Write a dataset's online store one run at a time."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise lake.storage_error(error, folder) from error
