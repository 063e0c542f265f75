"""Which stores may join what was known, and why the others may not."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from loanbook.errors import FeatureError
from loanbook.features import store
from loanbook.settings import ROOT

DAY = datetime(2024, 1, 1)
OFFLINE = "offline_store:\n  type: duckdb\n"


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
    path.write_text(text.replace(OFFLINE, OFFLINE.replace("duckdb", kind) if kind else ""), encoding="utf-8")

    with pytest.raises(FeatureError, match=r"feature_store\.yaml.*[Uu]se duckdb"):
        store.declare(settings, small.features)
    with pytest.raises(FeatureError, match=r"feature_store\.yaml.*[Uu]se duckdb"):
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
        def get_historical_features(self, entity_df: Any, features: object) -> Short:
            self.rows = pa.Table.from_pandas(entity_df.iloc[1:])
            return self

        def get_feature_service(self, name: str) -> str:
            return name

        def to_arrow(self) -> pa.Table:
            return self.rows

    monkeypatch.setattr(store, "_store", lambda *_: Short())
    asked = small.asked().slice(0, 5)

    with pytest.raises(FeatureError, match=r"asked for 5 rows and got 4.*use duckdb"):
        store.history(small.settings, small.features, "underwriting_auto", asked)


def test_declaring_leaves_the_process_as_it_found_it(small: Any) -> None:
    import sys

    before = dict(os.environ), list(sys.path), Path.cwd()

    store.declare(small.settings, small.features)

    assert (dict(os.environ), list(sys.path), Path.cwd()) == before
    assert not {"views", "services", "entities", "sources", "on_demand"} & sys.modules.keys()


def test_the_registry_lies_with_its_feature_set(small: Any) -> None:
    place = store.place(small.settings, small.features)

    assert Path(place["FEAST_REGISTRY_PATH"]).parent == small.features.folder
    assert Path(place["FEAST_REGISTRY_PATH"]).is_file()
    assert Path(place["FEAST_ONLINE_PATH"]).is_relative_to(small.settings.home)
