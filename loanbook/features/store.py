"""validated → features: Feast declares, joins and serves feature tables. The one door to Feast."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanbook import digests
from loanbook.errors import FeatureError
from loanbook.features import online
from loanbook.features.tables import FeatureSet
from loanbook.schema import TABLES
from loanbook.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

# `file` and `dask` drop entity rows, `ray` ignores TTL: measured on Feast 0.67.
WRONG_STORES = frozenset({"file", "dask", "ray"})
AT_REQUEST = "application"


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


def declare(settings: Settings, features: FeatureSet) -> None:
    """Apply feature_repo/ for one feature set: registry beside the tables, online store beside them all."""
    with _repository(settings, features) as (config, contents):
        from feast import FeatureStore

        store = FeatureStore(config=config)
        store.apply(
            [
                *contents.entities,
                *contents.data_sources,
                *contents.feature_views,
                *contents.on_demand_feature_views,
                *contents.feature_services,
            ]
        )


def service(settings: Settings, features: FeatureSet, name: str) -> Service:
    """Describe what a line may know, or raise FeatureError when there is no such service."""
    store = _store(settings, features)
    declared = tuple(_features_of(store, _service(store, name)))
    return Service(name, declared, digests.of_json([vars(feature) for feature in declared]))


def history(settings: Settings, features: FeatureSet, name: str, entities: pa.Table) -> pa.Table:
    """Join each entity row to what was known at its `event_timestamp` (UTC), row for row.

    `entities` has one string column per join key and `event_timestamp`; its other columns pass by.
    Raises FeatureError when the store returns other rows than it was asked for.
    """
    import pyarrow as pa

    store = _store(settings, features)
    asked = entities.append_column("_row", pa.array(range(entities.num_rows), pa.int64()))
    job = store.get_historical_features(entity_df=asked.to_pandas(), features=_service(store, name))
    got = job.to_arrow()
    if got.num_rows != entities.num_rows:
        raise FeatureError(
            f"asked for {entities.num_rows} rows and got {got.num_rows}",
            where=f"feature service {name}",
            right="The offline store drops or doubles rows; use duckdb",
        )
    return got.sort_by("_row").drop_columns(["_row"])


@dataclass(frozen=True)
class View:
    """A declared view: its key, its features in order, and how long a value holds."""

    name: str
    key: str
    features: tuple[str, ...]
    ttl: timedelta


def views(settings: Settings, features: FeatureSet) -> tuple[View, ...]:
    """Give every declared view of a feature table."""
    return tuple(
        View(view.name, view.join_keys[0], tuple(field.name for field in view.features), view.ttl)
        for view in _store(settings, features).list_feature_views()
    )


def materialize(settings: Settings, features: FeatureSet, as_of: datetime) -> dict[str, int]:
    """Bring each key's latest value known by `as_of` to the online store; give keys by view.

    What is known of an application comes with the request, so its view isn't brought online.
    """
    project, path = _store(settings, features).project, Path(place(settings, features)["FEAST_ONLINE_PATH"])
    return {
        view.name: online.write(
            settings,
            path,
            online.Served(
                f"{project}_{view.name}",
                features.folder / f"{view.name}.parquet",
                view.key,
                view.features,
                view.ttl,
            ),
            as_of,
        )
        for view in views(settings, features)
        if view.name != AT_REQUEST
    }


def read_online(settings: Settings, features: FeatureSet, name: str, keys: dict[str, str]) -> dict[str, Any]:
    """Read one entity's current values."""
    store = _store(settings, features)
    answer = store.get_online_features(features=_service(store, name), entity_rows=[keys])
    return {key: values[0] for key, values in answer.to_dict().items()}


def place(settings: Settings, features: FeatureSet) -> dict[str, str]:
    """Name the environment by which feature_repo/ finds its registry, tables and online store."""
    online_store = settings.home / "feast" / features.dataset / "online.db"
    online_store.parent.mkdir(parents=True, exist_ok=True)
    return {
        "FEAST_REGISTRY_PATH": str(features.folder / "registry.db"),
        "FEAST_ONLINE_PATH": str(online_store),
        "FEAST_FEATURE_SET": str(features.folder),
    }


def _store(settings: Settings, features: FeatureSet) -> Any:
    from feast import FeatureStore

    with _environment(place(settings, features)):
        return FeatureStore(config=_config(settings.repo / "feature_repo"))


def _config(repo: Path) -> Any:
    from feast.errors import FeastModuleImportError
    from feast.repo_config import load_repo_config

    try:
        config = load_repo_config(repo, repo / "feature_store.yaml")
    except FeastModuleImportError as error:
        raise FeatureError(
            f"a store can't be loaded: {error}", where="feature_repo/feature_store.yaml", right="Use duckdb"
        ) from error
    if config.offline_store.type in WRONG_STORES:
        raise FeatureError(
            f"offline store {config.offline_store.type} returns wrong rows",
            where="feature_repo/feature_store.yaml, offline_store.type",
            right="Use duckdb",
        )
    return config


def _service(store: Any, name: str) -> Any:
    from feast.errors import FeatureServiceNotFoundException

    try:
        return store.get_feature_service(name)
    except FeatureServiceNotFoundException:
        known = ", ".join(sorted(service.name for service in store.list_feature_services()))
        raise FeatureError(
            f"there is no feature service {name}",
            where="feature_repo/services.py",
            right=f"Known are {known}",
        ) from None


def _features_of(store: Any, feature_service: Any) -> Iterator[Feature]:
    for projection in feature_service.feature_view_projections:
        view = store.registry.get_any_feature_view(projection.name, store.project)
        ttl = getattr(view, "ttl", None)
        for field in projection.features:
            told = field.tags.get("from") or view.tags.get(f"from.{field.name}", "")
            columns = tuple(filter(None, told.split(",")))
            _refuse_unknown(field.name, columns)
            yield Feature(
                name=field.name,
                view=view.name,
                type=str(field.dtype),
                owner=view.owner,
                purpose=view.tags["purpose"],
                ttl_days=ttl.days if ttl else None,
                columns=columns,
            )


def _refuse_unknown(feature: str, columns: tuple[str, ...]) -> None:
    """A feature must say which canonical columns it is made of."""
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


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _repository(settings: Settings, features: FeatureSet) -> Iterator[tuple[Any, Any]]:
    """Load feature_repo/ afresh: Feast executes its files as top-level modules."""
    repo = settings.repo / "feature_repo"
    stems = [path.stem for path in repo.glob("*.py")]
    from feast.repo_operations import parse_repo

    with _environment(place(settings, features)):
        for stem in stems:
            sys.modules.pop(stem, None)
        sys.path.insert(0, str(repo))
        importlib.invalidate_caches()
        here = Path.cwd()
        os.chdir(repo)
        try:
            yield _config(repo), parse_repo(repo)
        finally:
            os.chdir(here)
            sys.path.remove(str(repo))
            for stem in stems:
                sys.modules.pop(stem, None)
