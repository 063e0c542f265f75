"""Every command helps, reports in JSON when asked, and complains in one paragraph."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from loanbook.settings import QUIET

HEAVY = (
    "prefect", "mlflow", "feast", "great_expectations", "lightgbm", "evidently",
    "pandas", "sklearn", "duckdb", "pyarrow", "numpy", "scipy", "matplotlib",
)  # fmt: skip
PROMISED = {
    "demo", "dataset list", "dataset new", "dataset check", "ingest", "featurize", "train", "review",
    "reproduce", "artefacts", "obligations", "approve", "reject", "leaks", "backfill", "erase", "reveal",
    "promote", "rollback", "score", "monitor", "lifecycle", "status", "ledger verify", "settle", "batches",
    "explain-row", "fairness", "quarantine list", "quarantine show", "quarantine release",
    "quarantine repair", "quarantine reject", "quarantine confirm", "quarantine refuse",
}  # fmt: skip


def _commands(app, before=()):
    """Walk the tree of commands, leaving out the flags that every one has."""
    for name in app:
        if not name.startswith("-"):
            yield (*before, name), app[name]
            yield from _commands(app[name], (*before, name))


def _all():
    from loanbook import cli

    return dict(_commands(cli.whole()))


def test_every_promised_command_is_there():
    assert {" ".join(words) for words in _all()} >= PROMISED


@pytest.mark.parametrize("words", _all(), ids=" ".join)
def test_every_command_says_what_it_does(words):
    command = _all()[words]
    assert command.help, words
    if command.default_command:
        assert command.default_command.__doc__, words


@pytest.mark.parametrize("words", _all(), ids=" ".join)
def test_every_command_answers_help(words, capsys):
    from loanbook.cli import app

    with pytest.raises(SystemExit) as ended:
        app([*words, "--help"])
    assert ended.value.code in (0, None)
    told = capsys.readouterr().out
    assert "Usage" in told
    assert words[-1] in told


def test_help_comes_without_loading_a_heavy_library():
    script = (
        "import sys\nfrom loanbook.cli import main\nsys.argv = ['loanbook', '--help']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "lifecycle" in done.stdout
    assert done.stderr.strip() == "[]"


def test_no_command_at_all_shows_the_help(loanbook):
    done = loanbook()
    assert done.code == 0
    assert "lifecycle" in done.out


def test_the_version_is_told(loanbook):
    from importlib.metadata import version

    assert loanbook("--version").out.strip() == version("loanbook")


@pytest.mark.parametrize(
    "words", [("dataset", "list"), ("status",), ("people", "list"), ("ledger", "verify")], ids=" ".join
)
def test_what_reports_reports_in_json_on_an_empty_home(loanbook, words):
    done = loanbook(*words, "--json")
    assert (done.code, done.err) == (0, "")
    told = json.loads(done.out)
    assert set(told) == {"title", "made", "lies", "next"}


@pytest.mark.parametrize(
    "words", [("dataset", "list"), ("status",), ("people", "list"), ("ledger", "verify")], ids=" ".join
)
def test_looking_at_an_empty_home_makes_nothing(loanbook, home, words):
    assert loanbook(*words).code == 0
    assert not home.exists()


def test_every_shipped_dataset_is_listed(loanbook):
    told = json.loads(loanbook("dataset", "list", "--json").out)
    assert {"world", "ally_auto", "superlender", "lending_club"} <= set(told["made"])


def test_a_dataset_check_tells_every_table_in_json(loanbook, small_world, home):
    done = loanbook("dataset", "check", "world", "--data", small_world.raw, "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert {"customers", "applications", "repayments", "market"} <= set(told["made"])
    assert not home.exists()


def test_an_unknown_variable_of_ours_is_refused_by_name(loanbook):
    done = loanbook("status", environment={"LOANBOOK_HOEM": "/nowhere"})
    assert done.code == 1
    assert done.err.startswith("SettingsError: LOANBOOK_HOEM is unknown")
    assert "LOANBOOK_HOME" in done.err


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("LOANBOOK_THREADS", "many", "is many"), ("LOANBOOK_MEMORY", "", "is empty")],
)
def test_a_variable_of_ours_that_says_nothing_useful_is_refused(loanbook, name, value, said):
    done = loanbook("status", environment={name: value})
    assert done.code == 1
    assert f"SettingsError: {name} {said}" in done.err


def test_an_error_is_one_paragraph_with_what_where_and_what_would_be_right(loanbook):
    done = loanbook("world", "grow", "nowhere")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "DatasetError: there is no simulated lender (nowhere). Begin with `loanbook world new`\n"
    )


def test_an_error_shows_its_traceback_when_asked(loanbook):
    done = loanbook("world", "grow", "nowhere", "--traceback")
    assert done.code == 1
    assert done.err.startswith("DatasetError: there is no simulated lender")
    assert "Traceback (most recent call last)" in done.err


@pytest.mark.slow
def test_an_error_of_a_flow_shows_the_flows_own_traceback_when_asked(loanbook, standing_at):
    words = ("ingest", "--dataset", "world", "--data", "nowhere")
    given = {"LOANBOOK_PREFECT_API": standing_at["LOANBOOK_PREFECT_API"]}
    quiet, loud = (loanbook(*words, *more, environment=given) for more in ((), ("--traceback",)))
    assert quiet.code == loud.code == 1
    assert "Traceback" not in quiet.err
    assert "flows/ingest.py" in loud.err


@pytest.mark.parametrize("version", ["world.underwriting_auto", "1", "world.underwriting_auto/x"])
def test_what_names_no_version_is_refused_before_anything_starts(loanbook, home, version):
    done = loanbook("review", version)
    assert done.code == 1
    assert "SettingsError" in done.err
    assert "world.underwriting_auto/1" in done.err
    assert not home.exists()


def test_a_ledger_that_was_edited_is_told_and_ends_in_1(loanbook, home):
    import sqlite3
    from contextlib import closing
    from datetime import datetime

    from loanbook.governance.ledger import of_home

    of_home(home).append("note", "ada", {"said": "first"}, datetime(2026, 1, 2))
    assert loanbook("ledger", "verify").code == 0
    with closing(sqlite3.connect(of_home(home).path)) as connection:
        guard = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'no_update'").fetchall()[0][0]
        connection.execute("DROP TRIGGER no_update")
        connection.execute("UPDATE entries SET actor = 'bo'")
        connection.execute(guard)
        connection.commit()
    done = loanbook("ledger", "verify", "--json")
    assert done.code == 1
    assert json.loads(done.out)["made"]["first broken entry"] == 1


def test_a_person_enrols_with_a_key_that_a_passphrase_seals(loanbook, home):
    given = {"LOANBOOK_PASSPHRASE": "open sesame 17"}
    done = loanbook(
        "people", "enrol", "rui", "--role", "reviewer", "--key", home / "rui.key", environment=given
    )
    assert done.code == 0, done.err
    listed = json.loads(loanbook("people", "list", "--json").out)
    assert listed["made"]["rui"].startswith("reviewer; key ")
    again = loanbook(
        "people", "enrol", "rui", "--role", "admin", "--key", home / "rui.key", environment=given
    )
    assert again.code == 1
    assert "open sesame 17" not in done.out + done.err + again.out + again.err
    for path in home.rglob("*"):
        assert path.is_dir() or b"open sesame 17" not in path.read_bytes(), path


def test_nobody_approves_what_was_never_reviewed(loanbook, home):
    loanbook("people", "enrol", "rui", "--role", "reviewer", "--key", home / "rui.key")
    words = ("world.underwriting_auto/1", "--key", home / "rui.key", "--because", "I read it")
    for verb in ("approve", "reject"):
        done = loanbook(verb, *words)
        assert done.code == 1
        assert "EvidenceError: world.underwriting_auto version 1 was never reviewed" in done.err


def test_a_key_that_is_not_there_is_told(loanbook):
    done = loanbook("approve", "world.underwriting_auto/1", "--key", "none.key", "--because", "I read it")
    assert done.code == 1
    assert "SignatureError" in done.err
    assert "none.key" in done.err


def test_every_dependencys_telemetry_is_off_in_the_command_line_and_in_what_it_starts(home):
    script = (
        "import os, sys\nfrom loanbook.cli import main\nsys.argv = ['loanbook', 'status', '--json']\n"
        f"main_ended = None\ntry:\n    main()\nexcept SystemExit as end:\n    main_ended = end.code\n"
        f"assert all(os.environ[name] == value for name, value in {dict(QUIET)!r}.items())"
    )
    import os

    bare = {name: value for name, value in os.environ.items() if name not in QUIET}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True, text=True, check=False, env={**bare, "LOANBOOK_HOME": str(home)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_environment_of_the_flows_switches_every_telemetry_off(home):
    from loanbook import standing
    from loanbook.settings import Settings

    assert standing.environment(Settings(home=home)).items() >= QUIET.items()
