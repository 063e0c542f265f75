"""candidate → champion: the registry of versions. The one door of mlflow.

Tracking lies in SQLite below the home folder, artifacts in a folder beside it. Nothing here decides:
aliases are hints to the ledger's record.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanbook import digests
from loanbook.errors import AlteredError, GovernanceError
from loanbook.governance import seals
from loanbook.settings import QUIET, Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

BUNDLE, PREDICTIONS = "bundle", "predictions"
BUNDLE_TAG, DATA_TAG, PREDICTIONS_TAG = "loanbook.bundle", "loanbook.data", "loanbook.predictions"
STUDY_TAG, TRIAL_TAG, PARENT_TAG = "loanbook.study", "loanbook.trial", "mlflow.parentRunId"
CAREFUL = {
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


@dataclass(frozen=True)
class Candidate:
    """What training made: a bundle folder, a predictions file, and what there is to say of them.

    `data` is the digest of the data it was made from: the same bundle of the same data is one version.
    """

    model: str
    bundle: Path
    predictions: Path
    data: str
    params: Mapping[str, str | int | float]
    metrics: Mapping[str, float]
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Version:
    """A registered version with its tags and aliases; `source` is where its bundle lies."""

    model: str
    version: int
    run: str
    source: str
    tags: Mapping[str, str]
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class Registry:
    """The registry of one home folder; connects at first use and keeps the connection."""

    settings: Settings

    @property
    def folder(self) -> Path:
        """Where database and artifacts lie."""
        return self.settings.home / "mlflow"

    @property
    def uri(self) -> str:
        """What MLflow's own pages and tools are started with."""
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    @cached_property
    def _client(self) -> MlflowClient:
        self.folder.mkdir(parents=True, exist_ok=True)
        _hush()
        with warnings.catch_warnings():
            # mlflow 3.17 on sqlalchemy 2.1: its store is configured with a deprecated loader.
            warnings.filterwarnings("ignore", message=r"The ``noload`` loader strategy")
            from mlflow import MlflowClient

            for name in ("mlflow.store.db.utils", "alembic"):
                logging.getLogger(name).setLevel(logging.WARNING)
            return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def log_candidate(self, candidate: Candidate) -> Version:
        """Log and register a candidate; the same bundle of the same data gives the version that stands.

        Its tags are those of the last making: other code or another policy may have made the same bytes.
        Killed anywhere in between, it is run again and makes no twin.
        """
        seal = seals.of_folder(candidate.bundle)
        identity = {
            BUNDLE_TAG: seal.digest,
            DATA_TAG: candidate.data,
            PREDICTIONS_TAG: digests.of_file(candidate.predictions),
        }
        with self._locked(), _speaking():
            for version in self.versions(candidate.model):
                if all(version.tags.get(name) == value for name, value in identity.items()):
                    return self._told(version, candidate.tags)
            return self._register(candidate, identity)

    def log_trials(self, model: str, study: str, trials: Sequence[Mapping[str, object]]) -> None:
        """Log each trial of a search as a run below the search's own; what is logged already stays."""
        with self._locked(), _speaking():
            parent = self._trial(model, study, "search", None, {})
            for number, facts in enumerate(trials, start=1):
                self._trial(model, study, f"{number:03}", parent, facts)

    def _trial(
        self, model: str, study: str, name: str, parent: str | None, facts: Mapping[str, object]
    ) -> str:
        """Find or make the run of one trial; one that was cut off is gone on with."""
        from mlflow.entities import Metric, Param

        client, experiment, now = self._client, self._experiment(model), time.time_ns() // 1_000_000
        tags = {STUDY_TAG: study, TRIAL_TAG: name} | ({PARENT_TAG: parent} if parent else {})
        asked = f"tags.`{STUDY_TAG}` = '{study}' AND tags.`{TRIAL_TAG}` = '{name}'"
        found = client.search_runs([experiment], asked, max_results=1)
        run = found[0] if found else client.create_run(experiment, tags=tags, run_name=f"{study} {name}")
        if run.info.status != "FINISHED":
            client.log_batch(
                run.info.run_id,
                metrics=[Metric("stop_loss", float(str(facts["stop_loss"])), now, 0)] if facts else [],
                params=[Param(key, str(value)) for key, value in facts.items() if key != "stop_loss"],
            )
            client.set_terminated(run.info.run_id, "FINISHED")
        return str(run.info.run_id)

    def _told(self, version: Version, tags: Mapping[str, str]) -> Version:
        """Say on a version that stands what is said of it now."""
        for key, value in tags.items():
            if version.tags.get(key) != value:
                self._client.set_model_version_tag(version.model, str(version.version), key, value)
        return replace(version, tags={**version.tags, **tags})

    def _register(self, candidate: Candidate, identity: Mapping[str, str]) -> Version:
        tags = {**candidate.tags, **identity}
        run = self._run(candidate, tags)
        made = self._client.create_model_version(
            candidate.model,
            source=f"{run.info.artifact_uri}/{BUNDLE}",
            run_id=run.info.run_id,
            tags=tags,
            await_creation_for=0,
        )
        return self.version(candidate.model, int(made.version))

    def _run(self, candidate: Candidate, tags: Mapping[str, str]) -> Any:
        from mlflow.entities import Metric, Param, RunTag

        client, now = self._client, time.time_ns() // 1_000_000
        run = client.create_run(self._experiment(candidate.model), run_name=candidate.model)
        client.log_batch(
            run.info.run_id,
            metrics=[Metric(name, value, now, 0) for name, value in candidate.metrics.items()],
            params=[Param(name, str(value)) for name, value in candidate.params.items()],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )
        client.log_artifacts(run.info.run_id, str(candidate.bundle), BUNDLE)
        client.log_artifact(run.info.run_id, str(candidate.predictions), PREDICTIONS)
        client.set_terminated(run.info.run_id, "FINISHED")
        return run

    def _experiment(self, model: str) -> str:
        """Find or make the experiment and the registered model of this name."""
        client = self._client
        if not client.search_registered_models(f"name = '{model}'", max_results=1):
            client.create_registered_model(model)
        found = client.get_experiment_by_name(model)
        if found is not None:
            return str(found.experiment_id)
        place = (self.folder / "artifacts" / model).as_uri()
        return str(client.create_experiment(model, artifact_location=place))

    def versions(self, model: str) -> tuple[Version, ...]:
        """List a model's versions, oldest first; none, if nobody registered it."""
        with _speaking():
            found = self._client.search_model_versions(f"name = '{_plain(model)}'", max_results=10_000)
            aliases = self._aliases(model) if found else {}
        versions = [_version(each, aliases) for each in found]
        return tuple(sorted(versions, key=lambda version: version.version))

    def version(self, model: str, version: int) -> Version:
        """Find one version, or raise GovernanceError."""
        for found in self.versions(model):
            if found.version == version:
                return found
        raise GovernanceError(
            f"{model} has no version {version}",
            where=self.uri,
            right="See `loanbook status` for those it has",
        )

    def fetch_bundle(self, model: str, version: int, into: Path) -> Path:
        """Copy a version's bundle, as it lies there now, to a new folder. Verify it before use."""
        if into.exists() and any(into.iterdir()):
            raise GovernanceError("the folder isn't empty", where=str(into), right="Give a new folder")
        self._fetch(self.version(model, version).source, into)
        return into

    def fetch_predictions(self, model: str, version: int, into: Path) -> Path:
        """Copy a version's stored predictions to a folder; return the file."""
        source = self.version(model, version).source
        self._fetch(f"{source.removesuffix(BUNDLE)}{PREDICTIONS}", into)
        files = [path for path in into.iterdir() if path.is_file()]
        if len(files) != 1:
            raise AlteredError(f"{len(files)} files of predictions", where=source, right="There is one")
        return files[0]

    def _fetch(self, source: str, into: Path) -> None:
        draft = into.with_name(f".{into.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        try:
            with _speaking():
                from mlflow.artifacts import download_artifacts

                found = download_artifacts(artifact_uri=source, dst_path=str(draft), tracking_uri=self.uri)
            shutil.copytree(found, into, dirs_exist_ok=True, symlinks=True)
        except OSError as error:
            raise AlteredError(f"the artifacts can't be read: {error}", where=source) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def set_alias(self, model: str, alias: str, version: int) -> None:
        """Point an alias at a version; the ledger's record comes first."""
        with _speaking():
            self._client.set_registered_model_alias(model, alias, str(version))

    def get_alias(self, model: str, alias: str) -> int | None:
        """Read where an alias points; null if nowhere."""
        with _speaking():
            return self._aliases(model).get(alias)

    def tag(self, model: str, version: int, key: str, value: str) -> None:
        """Note something on a version for people who look at MLflow's pages."""
        with _speaking():
            self._client.set_model_version_tag(model, str(version), key, value)

    def _aliases(self, model: str) -> dict[str, int]:
        found = self._client.search_registered_models(f"name = '{_plain(model)}'", max_results=1)
        return {alias: int(version) for each in found for alias, version in each.aliases.items()}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time register, so that two alike don't both find nothing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "register.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _hush() -> None:
    """Switch telemetry, pickles and progress bars off: mlflow reads this when it is first imported."""
    os.environ.update({**QUIET, **CAREFUL})


def _version(found: Any, aliases: Mapping[str, int]) -> Version:
    number = int(found.version)
    pointing = tuple(sorted(alias for alias, version in aliases.items() if version == number))
    return Version(found.name, number, found.run_id, found.source, dict(found.tags), pointing)


def _plain(model: str) -> str:
    if not model or set(model) & set("/:'\"\\`"):
        raise GovernanceError(f"{model!r} is no name of a model", right="Letters, digits, '_', '-' and '.'")
    return model


@contextmanager
def _speaking() -> Iterator[None]:
    """Turn what MLflow raises into one of our errors."""
    _hush()
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        raise GovernanceError(f"the registry refuses: {error.message}", right="See its own log") from error
