"""What must not be told: secrets, and where or how any of this was written."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from loanbook.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
TEXT = {".py", ".sql", ".toml", ".yaml", ".yml", ".md", ".html", ".css", ".env", ".json", ".sh", ""}
# a path of the machine on which something was written; a way of speaking of how it was
MACHINE = re.compile(r"(?<![\w.])/(work|home/\w+|root|Users/\w+)/")
MAKING = re.compile(
    r"\b(this|last|next|earlier|previous|current|future) sessions?\b|\b(other|parallel) (builders?|agents?)\b"
    r"|\bas an (AI|agent)\b|\bsub-?agents?\b|\bLLM\b",
    re.IGNORECASE,
)
SECRET = "correct horse 51"


def _tracked():
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("there is no git here to ask which files are the project's")
    paths = [ROOT / name for name in done.stdout.splitlines()]
    here = Path(__file__).resolve()
    return [path for path in paths if path.is_file() and path.suffix in TEXT and path.resolve() != here]


@pytest.mark.parametrize("pattern", [MACHINE, MAKING], ids=["a path of a machine", "how it was made"])
def test_no_file_of_the_project_tells_of(pattern):
    told = [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for path in _tracked()
        if path.name != "uv.lock"
        for found in pattern.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert told == []


def test_no_row_of_the_real_data_is_in_the_project():
    assert not [path for path in _tracked() if path.name.startswith(("aart", "manheim", "train_perf"))]


def test_settings_print_a_secret_as_stars():
    settings = Settings.read({"LOANBOOK_PASSPHRASE": SECRET})
    assert settings.passphrase is not None
    assert settings.passphrase.reveal() == SECRET
    for said in (
        repr(settings),
        str(settings),
        f"{settings.passphrase}",
        f"{settings.passphrase!r}",
        f"{settings}",
    ):
        assert SECRET not in said


@pytest.mark.slow
def test_a_secret_is_nowhere_in_what_a_run_leaves(tmp_path, simulated, place_of):
    import sys

    from loanbook.world import WorldSpec

    raw = simulated(WorldSpec(applications=2_000), 18).raw
    home = tmp_path / "home"
    given = place_of(home, LOANBOOK_PASSPHRASE=SECRET)
    import os

    done = subprocess.run(
        [Path(sys.executable).parent / "loanbook", "ingest", "--dataset", "world", "--data", raw],
        capture_output=True, text=True, check=False, env={**os.environ, **given},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    logs = list(home.glob("logs/*.log"))
    assert logs
    for path in home.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes(), path
