"""A customer is erased by a flow: the champion goes on, the models that learned from them are named."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import duckdb
import pytest
from pyarrow import parquet

MODEL = "world.underwriting_consumer"


@pytest.fixture
def erasing(promoted, tmp_path):
    """Work on a copy of the home's lake: other tests go on with theirs."""
    kept = {name: promoted.home / name for name in ("lake", "vault", "feast", "keys")}
    for name, path in kept.items():
        if path.exists():
            shutil.copytree(path, tmp_path / name)
    yield promoted
    for name, path in kept.items():
        shutil.rmtree(path, ignore_errors=True)
        if (tmp_path / name).exists():
            shutil.copytree(tmp_path / name, path)


def somebody(stage):
    """Find a customer whom the champion was fitted on."""
    made = (stage.home / "lake" / "world" / "candidates").glob("*/predictions.parquet")
    path = min(made, key=lambda each: each.stat().st_mtime_ns)
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT customer_id FROM '{path}' WHERE sample = 'fit' ORDER BY customer_id LIMIT 1"
        ).fetchall()
    return rows[0][0]


def left_of(home: Path, customer: str) -> list[str]:
    whole = re.compile(rf"(?<![\w-]){re.escape(customer)}(?![\w-])")
    return [
        path.relative_to(home).as_posix()
        for folder in ("lake", "reports", "governance", "feast", "mlflow/artifacts", "receipts", "vault")
        for path in (home / folder).rglob("*")
        if path.is_file() and whole.search(_said(path))
    ]


def _said(path: Path) -> str:
    if path.suffix != ".parquet":
        return path.read_bytes().decode("utf-8", "replace")
    table = parquet.read_table(path)
    return " ".join(map(str, table["customer_id"].to_pylist())) if "customer_id" in table.column_names else ""


def test_a_customer_is_erased_everywhere_and_the_models_that_learned_are_named(erasing):
    from loanbook.features import store, tables
    from loanbook.intake import publishing
    from loanbook.privacy import erasure

    customer = somebody(erasing)
    before = publishing.current(erasing.settings, "world")
    assert left_of(erasing.home, customer)
    asked = erasure.ask(erasing.settings, "world", customer, because="a letter of 2 May")

    made = erasing.call("erase", dataset="world", customer=asked.token)

    assert left_of(erasing.home, customer) == []
    assert [version for model in made["models"] for version in model["versions"]] == [f"{MODEL}/1"]
    assert made["mentions"] == []
    assert made["rows"]["frames"]["rows"] >= 1
    after = publishing.current(erasing.settings, "world", verify=True)
    assert after.id != before.id
    assert not before.folder.exists()
    features = tables.current(erasing.settings, "world", after.id)
    assert store.views(erasing.settings, features)
    assert erasing.score()["version"] == 1
    assert erasing.call("erase", dataset="world", customer=asked.token)["entry"] == made["entry"]


@pytest.mark.slow
def test_the_retention_flow_counts_first_and_changes_only_when_it_is_told_to(erasing):
    from loanbook.intake import publishing

    before = publishing.current(erasing.settings, "world")
    counted = erasing.call("retain", dataset="world", as_of="2026-01-01")
    assert publishing.current(erasing.settings, "world").id == before.id
    assert counted["entry"] is None
    assert sum(counted["rows"].values())
    done = erasing.call("retain", dataset="world", apply=True, as_of="2026-01-01")
    assert done["rows"] == counted["rows"]
    assert done["entry"]
    assert not erasing.call("retain", dataset="world", as_of="2026-01-01")["rows"]
