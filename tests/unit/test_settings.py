from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from loanbook import errors
from loanbook.errors import LoanbookError, SettingsError
from loanbook.settings import QUIET, Secret, Settings


def test_an_empty_environment_gives_a_place_to_work() -> None:
    found = Settings.read({"PATH": "/bin", "HOME": "/root"})

    assert found.home == Path(".loanbook").resolve()
    assert found.environment == "local"
    assert found.threads >= 1
    assert (found.repo / "feature_repo").is_dir()


def test_every_field_can_be_set_from_the_environment(tmp_path: Path) -> None:
    given = {
        "LOANBOOK_HOME": str(tmp_path),
        "LOANBOOK_ACTOR": "erin",
        "LOANBOOK_ENVIRONMENT": "staging",
        "LOANBOOK_THREADS": "3",
        "LOANBOOK_MEMORY": "1GB",
        "LOANBOOK_PREFECT_API": "http://127.0.0.1:1/api",
        "LOANBOOK_PASSPHRASE": "sesame",
        "LOANBOOK_COMMIT": "c0ffee",
        "LOANBOOK_REPO": str(tmp_path / "repo"),
        "LOANBOOK_MASTER_KEY": "a2V5",
        "LOANBOOK_MASTER_KEY_FILE": str(tmp_path / "master.key"),
        "LOANBOOK_REDIS": "redis://:sesame@127.0.0.1:6379/0",
    }

    found = Settings.read(given)

    assert {f"LOANBOOK_{field.name.upper()}" for field in fields(Settings)} == given.keys()
    assert (found.home, found.actor, found.threads, found.memory) == (tmp_path, "erin", 3, "1GB")
    assert (found.environment, found.commit, found.repo) == ("staging", "c0ffee", tmp_path / "repo")
    assert found.prefect_api == "http://127.0.0.1:1/api"
    assert found.passphrase is not None
    assert found.passphrase.reveal() == "sesame"
    assert found.master_key is not None
    assert found.master_key.reveal() == "a2V5"
    assert found.master_key_file == tmp_path / "master.key"
    assert found.redis is not None
    assert "sesame" not in repr(found)


def test_a_misspelt_variable_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"LOANBOOK_THREAD is unknown \(environment\).*LOANBOOK_THREADS"):
        Settings.read({"LOANBOOK_THREAD": "2"})


def test_an_empty_variable_is_refused() -> None:
    with pytest.raises(SettingsError, match="LOANBOOK_ACTOR is empty"):
        Settings.read({"LOANBOOK_ACTOR": ""})


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", " 2"])
def test_threads_are_a_whole_number_from_one_on(text: str) -> None:
    with pytest.raises(SettingsError, match=r"LOANBOOK_THREADS.*whole number"):
        Settings.read({"LOANBOOK_THREADS": text})


def test_a_home_of_the_user_is_found() -> None:
    assert Settings.read({"LOANBOOK_HOME": "~/loans"}).home == Path("~/loans").expanduser().resolve()


def test_a_secret_prints_as_stars_wherever_it_is_printed() -> None:
    settings = Settings(passphrase=Secret("sesame"))
    secret = settings.passphrase

    for text in (repr(settings), str(settings), str(secret), f"{secret}", f"{secret!r:>40}"):
        assert "sesame" not in text
        assert "****" in text
    with pytest.raises(ValueError) as shown:  # noqa: PT011 -- the message is what is looked at
        raise ValueError(secret)
    assert "sesame" not in str(shown.value)


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().actor = "mallory"  # type: ignore[misc]


def test_telemetry_is_switched_off_in_the_words_its_tools_understand() -> None:
    assert QUIET["DO_NOT_TRACK"] == "true"
    assert {"MLFLOW_DISABLE_TELEMETRY", "PREFECT_SERVER_ANALYTICS_ENABLED"} <= QUIET.keys()


FAMILY = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, LoanbookError)
]


@pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.__name__)
def test_an_error_says_what_where_and_what_would_be_right_and_survives_a_process(
    kind: type[LoanbookError],
) -> None:
    error = kind("it is 3", where="policy.toml", right="At least 4")

    again = pickle.loads(pickle.dumps(error))

    assert str(error) == str(again) == "it is 3 (policy.toml). At least 4"
    assert (again.what, again.where, again.right) == ("it is 3", "policy.toml", "At least 4")
    assert type(again) is kind


def test_the_error_tree_in_the_docstring_is_the_one_that_stands() -> None:
    assert errors.__doc__ is not None
    for kind in FAMILY:
        assert kind.__name__ in errors.__doc__


HEAVY = {
    "duckdb", "pandas", "pyarrow", "numpy", "mlflow", "lightgbm", "feast", "great_expectations", "evidently",
    "sklearn", "scipy", "matplotlib", "prefect", "securesystemslib",
}  # fmt: skip


def test_the_words_and_the_lake_load_nothing_heavy() -> None:
    code = (
        "import sys, json, loanbook.settings, loanbook.lake, loanbook.digests, loanbook.errors,"
        " loanbook.schema, loanbook.lines, loanbook.features.tables, loanbook.features.store,"
        " loanbook.training.frame, loanbook.standing; print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not HEAVY & set(json.loads(done.stdout))
