from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loanbook.errors import GovernanceError
from loanbook.governance import seals
from loanbook.governance.registry import BUNDLE_TAG, Candidate, Registry
from loanbook.settings import Settings

# mlflow's sqlite store leaves pooled connections to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

MODEL = "ally_auto.underwriting_auto"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    before = dict(os.environ)
    yield Registry(Settings(home=tmp_path_factory.mktemp("home")))
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def candidate(tmp_path: Path) -> Candidate:
    bundle = tmp_path / "bundle"
    (bundle / "inner").mkdir(parents=True)
    (bundle / "model.txt").write_text("tree")
    (bundle / "inner" / "card.json").write_text("{}")
    (tmp_path / "predictions.parquet").write_bytes(b"rows")
    return Candidate(
        model=MODEL,
        bundle=bundle,
        predictions=tmp_path / "predictions.parquet",
        data="ab" * 32,
        params={"seed": 7, "learning_rate": 0.05},
        metrics={"report.auc": 0.603},
        tags={"line": "underwriting/auto"},
    )


def test_a_candidate_is_registered_once_and_fetched_as_it_was(
    registry: Registry, candidate: Candidate, tmp_path: Path
) -> None:
    seal = seals.of_folder(candidate.bundle)
    first = registry.log_candidate(candidate)
    assert (first.model, first.version, first.aliases) == (MODEL, 1, ())
    assert first.tags[BUNDLE_TAG] == seal.digest
    assert first.tags["line"] == "underwriting/auto"
    assert registry.log_candidate(candidate) == first
    assert seals.of_folder(registry.fetch_bundle(MODEL, 1, tmp_path / "out")) == seal
    found = registry.fetch_predictions(MODEL, 1, tmp_path / "said")
    assert found.read_bytes() == b"rows"


def test_the_same_bundle_of_other_data_is_another_version(registry: Registry, candidate: Candidate) -> None:
    other = replace(candidate, model="twins", data="cd" * 32)
    versions = [
        registry.log_candidate(each).version for each in (replace(other, data="ef" * 32), other, other)
    ]
    assert versions == [1, 2, 2]
    assert [version.version for version in registry.versions("twins")] == [1, 2]


def test_the_same_bytes_made_again_by_other_code_are_the_same_version_and_say_who_made_them_last(
    registry: Registry, candidate: Candidate
) -> None:
    first = replace(candidate, model="again", tags={"line": "a", "loanbook.candidate": "first"})
    stands = registry.log_candidate(first)
    again = registry.log_candidate(replace(first, tags={"loanbook.candidate": "second"}))
    assert again == registry.version("again", 1)
    assert again.tags == {**stands.tags, "loanbook.candidate": "second"}


def test_aliases_point_where_they_were_set(registry: Registry, candidate: Candidate) -> None:
    registry.log_candidate(replace(candidate, model="aliased"))
    assert registry.get_alias("aliased", "champion") is None
    assert registry.get_alias("unheard_of", "champion") is None
    registry.set_alias("aliased", "champion", 1)
    registry.tag("aliased", 1, "state", "champion")
    assert registry.get_alias("aliased", "champion") == 1
    found = registry.version("aliased", 1)
    assert (found.aliases, found.tags["state"]) == (("champion",), "champion")


def test_an_overwritten_artifact_shows_in_the_fetched_bytes(
    registry: Registry, candidate: Candidate, tmp_path: Path
) -> None:
    logged = registry.log_candidate(replace(candidate, model="overwritten"))
    stored = Path(logged.source.removeprefix("file://")) / "model.txt"
    stored.write_text("trEe")
    fetched = seals.of_folder(registry.fetch_bundle("overwritten", 1, tmp_path / "out"))
    assert fetched.digest != logged.tags[BUNDLE_TAG]


def test_killed_before_the_version_was_made_it_is_logged_again(
    registry: Registry, candidate: Candidate, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = replace(candidate, model="killed")
    with monkeypatch.context() as patch:
        patch.setattr(registry._client, "set_terminated", _killed)
        with pytest.raises(KeyboardInterrupt):
            registry.log_candidate(broken)
    assert registry.versions("killed") == ()
    assert registry.log_candidate(broken).version == 1


TRIALS = [
    {"max_depth": n, "stopped_at": 100 * n, "stop_loss": 0.3 / n, "given_up": n == 2} for n in (1, 2, 3)
]


def _runs(registry: Registry, model: str) -> list[Any]:
    experiment = registry._client.get_experiment_by_name(model)
    assert experiment is not None
    return list(registry._client.search_runs([experiment.experiment_id]))


def test_each_trial_of_a_search_is_a_run_below_it(registry: Registry) -> None:
    registry.log_trials("searched", "5e", TRIALS)
    runs = {run.data.tags["loanbook.trial"]: run for run in _runs(registry, "searched")}
    assert set(runs) == {"search", "001", "002", "003"}
    for number, trial in enumerate(TRIALS, start=1):
        run = runs[f"{number:03}"]
        assert run.data.tags["mlflow.parentRunId"] == runs["search"].info.run_id
        assert run.data.metrics == {"stop_loss": trial["stop_loss"]}
        assert run.data.params == {key: str(trial[key]) for key in ("max_depth", "stopped_at", "given_up")}
    registry.log_trials("searched", "5e", TRIALS)
    assert len(_runs(registry, "searched")) == 4
    registry.log_trials("searched", "5f", TRIALS[:1])
    assert len(_runs(registry, "searched")) == 6


def test_killed_while_trials_are_logged_each_is_logged_once_in_the_end(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for method in ("create_run", "log_batch", "set_terminated"):
        model = f"killed_in_{method}"
        registry.log_trials(model, "5e", TRIALS[:1])
        with monkeypatch.context() as patch:
            patch.setattr(registry._client, method, _killed)
            with pytest.raises(KeyboardInterrupt):
                registry.log_trials(model, "5e", TRIALS)
        registry.log_trials(model, "5e", TRIALS)
        runs = _runs(registry, model)
        assert len(runs) == 4
        assert {run.info.status for run in runs} == {"FINISHED"}
        assert sum(len(run.data.metrics) for run in runs) == 3


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_what_is_not_there_is_refused_by_name(registry: Registry, tmp_path: Path) -> None:
    assert registry.versions("unheard_of") == ()
    with pytest.raises(GovernanceError, match="unheard_of has no version 3"):
        registry.fetch_bundle("unheard_of", 3, tmp_path / "out")
    with pytest.raises(GovernanceError, match="the registry refuses"):
        registry.set_alias("unheard_of", "champion", 1)
    with pytest.raises(GovernanceError, match="no name of a model"):
        registry.versions("a' or name='b")


def test_a_bundle_is_not_fetched_over_what_stands(
    registry: Registry, candidate: Candidate, tmp_path: Path
) -> None:
    registry.log_candidate(replace(candidate, model="twice"))
    registry.fetch_bundle("twice", 1, tmp_path / "out")
    with pytest.raises(GovernanceError, match="isn't empty"):
        registry.fetch_bundle("twice", 1, tmp_path / "out")


def test_telemetry_and_pickles_are_off(registry: Registry) -> None:
    registry.versions("unheard_of")
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
