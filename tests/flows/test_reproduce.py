"""A version is made again from its evidence: the same bytes and figures, or it is refused by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from loanbook.errors import EvidenceError, FeatureError, ReproductionError, StorageError

MODEL, LINE = "world.underwriting_consumer", "underwriting/consumer"


def test_a_version_made_again_has_the_same_bundle_and_the_same_figures(reviewed):
    facts = _evidence(reviewed).facts
    made = reviewed.call("reproduce", model=MODEL, version=1)
    assert made["bundle"] == facts["bundle"]["digest"]
    assert made["predictions"] == facts["predictions"]["digest"]
    assert made["metrics"] == facts["metrics"]["report"]
    assert "fit, calibrate, find cut-offs" in reviewed.steps
    assert not [step for step in reviewed.steps if "done before" in step]
    (entry,) = reviewed.entries("reproduction")
    assert entry.body["same"] is True
    assert entry.body["differs"] == []
    assert entry.body["evidence"] == _evidence(reviewed).digest


@pytest.fixture
def few_bads_suffice(monkeypatch):
    """The lender has 13 bads to stop by, of which nobody would choose anything."""
    from loanbook.training import fitting

    monkeypatch.setattr(fitting, "FEW", 5)


@pytest.mark.usefixtures("few_bads_suffice")
@pytest.mark.slow
def test_a_recipe_that_was_searched_for_is_told_and_taken_from_the_evidence(reviewed):
    version = reviewed.call("retrain", dataset="world", line=LINE, trials=5)["version"]
    assert version == 2
    method = _evidence(reviewed, version).facts["method"]
    assert method["searched"] is True
    assert len(method["tried"]) == 5
    logged = _trials(reviewed)
    assert {run.data.tags["loanbook.trial"] for run in logged} == {"search", *method["tried"]}
    assert {run.info.status for run in logged} == {"FINISHED"}
    losses = {name: one["stop_loss"] for name, one in method["tried"].items()}
    told = {run.data.tags["loanbook.trial"]: run.data.metrics.get("stop_loss") for run in logged}
    assert told == {"search": None, **losses}
    assert not method["tried"][method["chosen"]]["given_up"]
    again = reviewed.call("reproduce", model=MODEL, version=version)
    assert again["bundle"] == _evidence(reviewed, version).facts["bundle"]["digest"]
    assert "search for a recipe" not in reviewed.steps


@pytest.mark.usefixtures("few_bads_suffice")
@pytest.mark.slow
def test_training_again_searches_and_logs_nothing_twice(reviewed):
    first = reviewed.call("train", dataset="world", line=LINE, trials=4)
    before = {run.info.run_id for run in _trials(reviewed)}
    assert reviewed.call("train", dataset="world", line=LINE, trials=4) == first
    assert {run.info.run_id for run in _trials(reviewed)} == before


@pytest.mark.slow
def test_making_again_leaves_no_candidate_frame_or_version_behind(reviewed):
    before = _made(reviewed)
    reviewed.call("reproduce", model=MODEL, version=1)
    assert _made(reviewed) == before
    assert not list((reviewed.home / "tmp").glob("tmp*"))


@pytest.mark.slow
def test_as_many_threads_are_used_as_were_recorded_whatever_this_place_has(reviewed, monkeypatch):
    monkeypatch.setitem(reviewed.environment, "LOANBOOK_THREADS", "1")
    assert reviewed.call("reproduce", model=MODEL, version=1)["metrics"]


def test_another_commit_is_named_and_refused(reviewed, monkeypatch):
    monkeypatch.setitem(reviewed.environment, "LOANBOOK_COMMIT", "d1" * 20)
    with pytest.raises(ReproductionError, match=r"code\.commit was c0c0.*bytes are the same"):
        reviewed.call("reproduce", model=MODEL, version=1)
    (entry,) = reviewed.entries("reproduction")
    assert (entry.body["same"], entry.body["differs"]) == (False, ["code.commit"])


@pytest.mark.slow
def test_another_lockfile_is_named_and_refused(reviewed):
    lockfile = reviewed.repo / "uv.lock"
    kept = lockfile.read_bytes()
    lockfile.write_bytes(kept + b"\n")
    try:
        with pytest.raises(ReproductionError, match=r"1 facts differ: code\.lockfile"):
            reviewed.call("reproduce", model=MODEL, version=1)
    finally:
        lockfile.write_bytes(kept)


def test_another_policy_makes_another_bundle_and_both_are_named(reviewed):
    text = reviewed.policy().read_text(encoding="utf-8")
    reviewed.policy().write_text(text.replace("max_bad_rate = 0.10", "max_bad_rate = 0.05"), encoding="utf-8")
    with pytest.raises(ReproductionError, match=r"bundle\.digest.*the bundle's bytes differ"):
        reviewed.call("reproduce", model=MODEL, version=1)
    (entry,) = reviewed.entries("reproduction")
    assert {"bundle.files.strategy.json", "code.digest", "policy.digest"} <= set(entry.body["differs"])
    assert "bundle.files.model.txt" not in entry.body["differs"]


@pytest.mark.slow
def test_a_seed_that_was_not_the_one_is_found_by_the_bytes(reviewed):
    from loanbook.governance import evidence, shelf
    from loanbook.governance.ledger import of_home

    was = _evidence(reviewed)
    facts = {name: value for name, value in was.facts.items() if name != "gates"}
    other = evidence.assemble({**facts, "seed": 8}, shelf.policy(reviewed.settings, LINE))
    shelf.keep(reviewed.settings, other)
    body = {"model": MODEL, "version": 1, "evidence": other.digest}
    of_home(reviewed.home).append("review", "mallory", body, datetime(2026, 11, 23))
    with pytest.raises(ReproductionError, match="the bundle's bytes differ"):
        reviewed.call("reproduce", model=MODEL, version=1)
    (entry,) = reviewed.entries("reproduction")
    assert "bundle.files.model.txt" in entry.body["differs"]


@pytest.mark.parametrize(
    ("named", "place", "error"),
    [
        (("data", "publication"), "published/{}/applications.parquet", StorageError),
        (("features", "set"), "features/{}/bureau.parquet", FeatureError),
    ],
)
def test_an_altered_snapshot_stops_before_anything_is_trained(reviewed, named, place, error):
    part, name = named
    snapshot = _evidence(reviewed).facts[part][name]
    path = reviewed.home / "lake" / "world" / place.format(snapshot)
    kept = path.read_bytes()
    path.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    try:
        with pytest.raises(error):
            reviewed.call("reproduce", model=MODEL, version=1)
    finally:
        path.write_bytes(kept)
    assert "fit, calibrate, find cut-offs" not in reviewed.steps
    assert not reviewed.entries("reproduction")


def test_what_a_dataset_states_of_its_line_is_recorded_as_json_has_it_and_read_back():
    import json

    from flows.train import _plain
    from loanbook import lines

    stated = _plain({"report_from": date(2019, 8, 1), "days_past_due": 3, "shared_customers": True})
    assert json.loads(json.dumps(stated)) == stated
    assert datetime.fromisoformat(stated["report_from"]) == datetime(2019, 8, 1)
    assert stated["shared_customers"] is True
    assert lines.adapted(lines.find(LINE), stated).label.days_past_due == 3


def test_a_version_that_nobody_reviewed_is_not_reproduced(reviewed):
    with pytest.raises(EvidenceError, match="never reviewed"):
        reviewed.call("reproduce", model=MODEL, version=7)


def test_a_figure_and_a_list_that_differ_are_named_by_their_path(reviewed):
    from loanbook.governance import reproducing

    was = _evidence(reviewed)
    metrics = {
        **was.facts["metrics"],
        "report": {**was.facts["metrics"]["report"], "auc_interval": [0.1, 0.2]},
    }
    facts = {**was.facts, "metrics": metrics, "trained_by": "somebody else", "threads": 3}
    found = reproducing.differences(was, replace(was, facts=facts))
    named = {one.fact for one in found}
    assert named == {"metrics.report.auc_interval.0", "metrics.report.auc_interval.1", "threads"}


def _evidence(stage, version=1):
    from loanbook.governance import reproducing

    return reproducing.recorded(stage.settings, MODEL, version)


def _trials(stage):
    """Ask MLflow for the runs of the model's searches."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=stage.registry().uri)
    runs = client.search_runs([client.get_experiment_by_name(MODEL).experiment_id])
    return [run for run in runs if "loanbook.study" in run.data.tags]


def _made(stage):
    lake = stage.home / "lake" / "world"
    made = sorted(
        path.name for part in ("frames", "candidates", "features") for path in (lake / part).iterdir()
    )
    return made, [one.version for one in stage.registry().versions(MODEL)]
