"""validated → features: open Feast on one feature set: its configuration comes from our settings."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loanbook.errors import FeatureError
from loanbook.features.online import address
from loanbook.features.tables import FeatureSet
from loanbook.settings import Settings

OURS = "loanbook.features.store.offline.AsOfOfflineStore"
# `file` and `dask` drop entity rows, `ray` ignores TTL: measured on Feast 0.67.
WRONG_STORES = frozenset({"file", "dask", "ray"})


def load() -> Any:
    """Import Feast, in a third of the time: typeguard doesn't rewrite each of its functions first.

    What they would check at each call, mypy and Feast's own registry check of ours.
    """
    if "feast" not in sys.modules:
        import typeguard

        rewriting: Any = typeguard.typechecked
        typeguard.typechecked = _as_it_is
        try:
            importlib.import_module("feast")
        finally:
            typeguard.typechecked = rewriting
    return sys.modules["feast"]


def _as_it_is(target: Any = None, **_: Any) -> Any:
    return target or _as_it_is


def declare(settings: Settings, features: FeatureSet) -> None:
    """Apply feature_repo/ for one feature set: registry beside the tables, online store beside them all."""
    with _repository(settings, features) as (config, contents):
        store = load().FeatureStore(config=config)
        store.apply(
            [
                *contents.entities,
                *contents.data_sources,
                *contents.feature_views,
                *contents.on_demand_feature_views,
                *contents.feature_services,
            ]
        )


def place(settings: Settings, features: FeatureSet) -> dict[str, str]:
    """Name the environment by which feature_repo/ finds its registry, tables and stores; it holds secrets."""
    return environment(settings, features.dataset, features.folder)


def environment(settings: Settings, dataset: str, folder: Path) -> dict[str, str]:
    """Name the environment for one dataset's feature tables in `folder`."""
    online = address.sqlite_path(settings, dataset)
    online.parent.mkdir(parents=True, exist_ok=True)
    served = {"type": "sqlite", "path": str(online)}
    if settings.redis:
        served = {"type": "redis", "connection_string": address.for_feast(settings.redis)}
    return {
        "FEAST_PROJECT": address.project(dataset),
        "FEAST_REGISTRY_PATH": str(folder / "registry.db"),
        "FEAST_FEATURE_SET": str(folder),
        "FEAST_ONLINE_STORE": json.dumps(served),
        "FEAST_HOME": str(settings.home),
        "FEAST_MEMORY": settings.memory,
        "FEAST_THREADS": str(settings.threads),
    }


def opened(settings: Settings, features: FeatureSet) -> Any:
    """Open Feast's store on a declared feature set."""
    feast = load()
    with _environment(place(settings, features)):
        return feast.FeatureStore(config=_config(settings.repo / "feature_repo"))


def service_of(store: Any, name: str) -> Any:
    """Find a feature service, or raise FeatureError with the known ones."""
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


def _config(repo: Path) -> Any:
    from feast.errors import FeastModuleImportError
    from feast.repo_config import load_repo_config

    try:
        config = load_repo_config(repo, repo / "feature_store.yaml")
    except FeastModuleImportError as error:
        raise FeatureError(
            f"a store can't be loaded: {error}",
            where="feature_repo/feature_store.yaml",
            right=f"Use {OURS}",
        ) from error
    if config.offline_store.type in WRONG_STORES:
        raise FeatureError(
            f"offline store {config.offline_store.type} returns wrong rows",
            where="feature_repo/feature_store.yaml, offline_store.type",
            right=f"Use {OURS}",
        )
    return config


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
    load()
    from feast.repo_operations import parse_repo

    with _environment(place(settings, features)):
        _forget(repo)
        sys.path.insert(0, str(repo))
        importlib.invalidate_caches()
        here = Path.cwd()
        os.chdir(repo)
        try:
            yield _config(repo), parse_repo(repo)
        finally:
            os.chdir(here)
            sys.path.remove(str(repo))
            _forget(repo)


def _forget(repo: Path) -> None:
    """Drop its modules and packages, and what lies in these, so that another's aren't taken for them."""
    ours = {path.stem for path in repo.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    for name in [name for name in sys.modules if name.partition(".")[0] in ours]:
        del sys.modules[name]
