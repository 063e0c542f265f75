"""Which columns know what came later, by the real command line."""

from __future__ import annotations

import json
import shutil

import pytest


@pytest.fixture(scope="session")
def read_anew(small_world, tmp_path_factory):
    from loanbook.world import WorldSpec, simulate

    folder = tmp_path_factory.mktemp("anew")
    simulate(WorldSpec(applications=12_000), folder, last_month=48, pulled=True)
    return folder / "raw"


def test_two_days_of_a_lender_are_compared_and_nothing_is_kept(loanbook, small_world, read_anew, home):
    words = ("leaks", "--dataset", "world", "--data", read_anew, "--then", small_world.raw)
    done = loanbook(*words, "--json")
    assert done.code == 0, done.err
    made = json.loads(done.out)["made"]
    assert made["raw.applications.collections_stage"]["verdict"] == "refused"
    assert made["raw.customers.internal_flag"]["kind"] == "changes with time"
    assert not home.exists()


@pytest.mark.slow
def test_a_mapping_that_uses_a_refused_column_ends_in_1_and_says_where(loanbook, read_anew, root, tmp_path):
    own = shutil.copytree(root / "loanbook" / "datasets" / "world", tmp_path / "own")
    path = own / "applications.sql"
    path.write_text(path.read_text().replace("    housing,\n", "    collections_stage AS housing,\n"))
    done = loanbook("leaks", "--dataset", own, "--data", read_anew)
    assert done.code == 1
    assert "raw.applications.collections_stage" in done.out
    assert "tells the outcome · refused" in done.out
    assert "used by applications.housing" in done.out


def test_features_of_a_dataset_that_was_never_published_are_told(loanbook):
    done = loanbook("leaks", "features", "--dataset", "world", "--line", "underwriting/auto", "--then", "x")
    assert done.code == 1
    assert done.err.startswith("StorageError: nothing of world is published")


def test_a_lender_read_anew_keeps_what_was_delivered(loanbook, tmp_path):
    assert loanbook("world", "new", "lender", "--applications", "2000", "--months", "14").code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "lender").rglob("*.parquet")}
    done = loanbook("world", "pull", "lender", "today")
    assert done.code == 0, done.err
    assert {path: path.read_bytes() for path in before} == before
    month = "raw/applications/2020-03.parquet"
    assert (tmp_path / "today" / month).read_bytes() != (tmp_path / "lender" / month).read_bytes()
    again = loanbook("world", "pull", "lender", "lender")
    assert again.code == 1
    assert "it would overwrite what was delivered" in again.err
