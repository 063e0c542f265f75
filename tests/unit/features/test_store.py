"""Which stores may join what was known, and why the others may not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pytest
from pyarrow import parquet

from loanbook.errors import FeatureError, SettingsError
from loanbook.features import store
from loanbook.features.store import opening
from loanbook.settings import ROOT, Secret

DAY = datetime(2024, 1, 1)
OFFLINE = f"  type: {opening.OURS}\n"

VERSION = "entity_key_serialization_version: 3\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "feature_repo", tmp_path / "repo" / "feature_repo")
    return tmp_path / "repo"


@pytest.mark.parametrize("kind", ["file", "dask", "ray", ""])
def test_a_store_that_returns_wrong_rows_is_refused(small: Any, repo: Path, kind: str) -> None:
    """Without a type, Feast takes dask."""
    settings = replace(small.settings, repo=repo)
    path = repo / "feature_repo" / "feature_store.yaml"
    text = path.read_text(encoding="utf-8")
    assert OFFLINE in text
    chosen = f"offline_store:\n  type: {kind}\n" if kind else ""
    path.write_text(text[: text.index("offline_store:")] + chosen + VERSION, encoding="utf-8")

    with pytest.raises(FeatureError, match=r"feature_store\.yaml.*Use loanbook\.features\.store\.offline"):
        store.declare(settings, small.features)
    with pytest.raises(FeatureError, match=r"feature_store\.yaml.*Use loanbook\.features\.store\.offline"):
        store.history(settings, small.features, "underwriting_consumer", small.asked())


@pytest.mark.parametrize(("kind", "told"), [("dask", 1), ("duckdb", 3)])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of ibis and dask, within Feast
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_dask_drops_who_was_not_yet_known_and_who_is_long_past_and_duckdb_does_not(
    tmp_path: Path, kind: str, told: int
) -> None:
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
    from feast.repo_config import RepoConfig
    from feast.types import Float64

    known = pa.table(
        {
            "customer_id": ["known", "later", "past"],
            "available_at": pa.array([DAY, DAY + timedelta(days=9), DAY - timedelta(days=900)]),
            "score": [1.0, 2.0, 3.0],
        }
    )
    parquet.write_table(known, tmp_path / "known.parquet")
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    source = FileSource(name="s", path=str(tmp_path / "known.parquet"), timestamp_field="available_at")
    view = FeatureView(
        name="v",
        entities=[customer],
        ttl=timedelta(days=365),
        schema=[Field(name="score", dtype=Float64)],
        source=source,
    )
    feast = FeatureStore(
        config=RepoConfig(
            project="p",
            provider="local",
            registry=str(tmp_path / "registry.db"),
            online_store={"type": "sqlite", "path": str(tmp_path / "online.db")},
            offline_store={"type": kind},
            entity_key_serialization_version=3,
        )
    )
    feast.apply([customer, view])
    asked = pa.table(
        {
            "customer_id": ["known", "later", "past"],
            "event_timestamp": pa.array([DAY + timedelta(days=1)] * 3, pa.timestamp("us", "UTC")),
        }
    )

    got = feast.get_historical_features(entity_df=asked.to_pandas(), features=["v:score"]).to_df()

    assert len(got) == told


def test_fewer_rows_than_asked_for_are_refused(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Short:
        config = SimpleNamespace(offline_store=SimpleNamespace(type=opening.OURS))

        def get_historical_features(self, entity_df: Any, features: object) -> Short:
            self.rows = entity_df.slice(1)
            return self

        def get_feature_service(self, name: str) -> str:
            return name

        def to_arrow(self) -> pa.Table:
            return self.rows

    monkeypatch.setattr(opening, "opened", lambda *_: Short())
    asked = small.asked().slice(0, 5)

    with pytest.raises(FeatureError, match=r"asked for 5 rows and got 4.*use loanbook"):
        store.history(small.settings, small.features, "underwriting_auto", asked)


def test_declaring_leaves_the_process_as_it_found_it(small: Any) -> None:
    import sys

    before = dict(os.environ), list(sys.path), Path.cwd()

    store.declare(small.settings, small.features)

    assert (dict(os.environ), list(sys.path), Path.cwd()) == before
    assert not {"views", "declaring", "services", "entities", "sources", "on_demand"} & sys.modules.keys()


def test_the_registry_lies_with_its_feature_set(small: Any) -> None:
    place = store.place(small.settings, small.features)

    assert Path(place["FEAST_REGISTRY_PATH"]).parent == small.features.folder
    assert Path(place["FEAST_REGISTRY_PATH"]).is_file()
    assert Path(json.loads(place["FEAST_ONLINE_STORE"])["path"]).is_relative_to(small.settings.home)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of ibis, within Feast
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_feasts_own_store_on_duckdb_may_stand_in_and_tells_the_same(small: Any, repo: Path) -> None:
    path = repo / "feature_repo" / "feature_store.yaml"
    text = path.read_text(encoding="utf-8")
    other = text[: text.index("offline_store:")] + "offline_store:\n  type: duckdb\n" + VERSION
    path.write_text(other, encoding="utf-8")
    asked = small.asked()

    ours = store.history(small.settings, small.features, "underwriting_auto", asked)
    theirs = store.history(replace(small.settings, repo=repo), small.features, "underwriting_auto", asked)

    assert plain(ours) == plain(theirs.select(ours.column_names))


def plain(table: pa.Table) -> list[dict[str, Any]]:
    rows = table.drop_columns(["event_timestamp"]).to_pylist()
    return [{name: None if value != value else value for name, value in row.items()} for row in rows]


def test_what_is_made_at_the_request_is_the_same_in_slices_of_any_size(
    small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loanbook.features.store import offline

    whole = store.history(small.settings, small.features, "underwriting_auto", small.asked())
    monkeypatch.setattr(offline, "SLICE", 7)

    sliced = store.history(small.settings, small.features, "underwriting_auto", small.asked())

    assert plain(sliced) == plain(whole)
    assert any(row["ltv"] is not None for row in plain(sliced))


@pytest.mark.parametrize("password", ["sesame", "12345", "true", 'a,b=c"d', "$HOME/ü@:"])
def test_a_redis_is_told_to_feast_with_its_password_and_to_nobody_else(small: Any, password: str) -> None:
    from feast.infra.online_stores.redis import RedisOnlineStore

    address = Secret(f"rediss://lena:{quote(password, safe='')}@cache.bank:6380/3")
    settings = replace(small.settings, redis=address)

    told = opening.opened(settings, small.features).config.online_store.connection_string

    assert RedisOnlineStore._parse_connection_string(told) == (
        [{"host": "cache.bank", "port": "6380"}],
        {"db": 3, "username": "lena", "password": password, "ssl": True},
    )
    assert password not in repr(settings)


@pytest.mark.parametrize("address", ["localhost", "http://h:1/0", "unix:///tmp/redis.sock", "redis://h/one"])
def test_what_is_no_address_of_a_redis_is_refused_without_being_told(small: Any, address: str) -> None:
    with pytest.raises(SettingsError, match="LOANBOOK_REDIS is no address") as refusal:
        store.place(replace(small.settings, redis=Secret(address)), small.features)

    assert address not in str(refusal.value)


@pytest.mark.parametrize(("by", "rewritten"), [("opening.load()", False), ("__import__('feast')", True)])
def test_feast_is_loaded_as_it_is_written_and_typeguard_goes_on_for_others(by: str, rewritten: bool) -> None:
    script = (
        "import typeguard\nfrom loanbook.features.store import opening\nbefore = typeguard.typechecked\n"
        f"feast = {by}\nassert typeguard.typechecked is before\n"
        "print('check_argument_types_internal' in feast.FeatureView.__init__.__code__.co_names)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(rewritten)
