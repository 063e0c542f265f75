"""What the guide says is done: its files are written, its commands run, and they say what it shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs/guide/own-data.md"
BLOCK = re.compile(r"(?:`([\w/.]+)`\n\n)?```(\w+)\n(.*?)```", re.DOTALL)
HEAD = 'name = "x"\ntitle = "X"\ncurrency = "EUR"\ncountry = "DE"\nlicence = "none"\n'


def blocks() -> list[tuple[str, str, str]]:
    """Give the guide's blocks in order: a file's name, the language, the text."""
    return BLOCK.findall(GUIDE.read_text(encoding="utf-8"))


def spaced(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.slow
def test_every_command_of_the_guide_runs_and_says_what_the_guide_shows(
    tmp_path: Path, standing_at: Mapping[str, str]
) -> None:
    place = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LOANBOOK_HOME": str(tmp_path / "home"),
        "LOANBOOK_PREFECT_API": standing_at["LOANBOOK_PREFECT_API"],
    }
    said, ran, shown = "", 0, 0
    for name, language, text in blocks():
        if name:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        elif language == "sh":
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", text],
                cwd=tmp_path, env=place, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"{text}\n{done.stderr}"
            said, ran = spaced(done.stdout), ran + 1
        elif language == "text":
            for line in text.splitlines():
                assert spaced(line) in said, f"{line}\nis not in\n{said}"
                shown += 1
    assert ran >= 5
    assert shown >= 10


@pytest.mark.parametrize(
    "text", [text for name, language, text in blocks() if language == "toml" and "[raw." in text and not name]
)
def test_what_the_guide_says_of_other_places_is_accepted(tmp_path: Path, text: str) -> None:
    from loanbook.intake import mapping

    (tmp_path / "dataset.toml").write_text(HEAD + text, encoding="utf-8")
    (tmp_path / "market.sql").write_text("SELECT 1", encoding="utf-8")
    assert mapping.load(tmp_path).raw


def test_what_the_guide_says_of_a_line_is_accepted(tmp_path: Path) -> None:
    from loanbook.intake import mapping

    lines = next(text for _, language, text in blocks() if language == "toml" and "[lines" in text)
    toml = next(text for name, _, text in blocks() if name == "boston/dataset.toml")
    (tmp_path / "dataset.toml").write_text(toml + "\n" + lines, encoding="utf-8")
    (tmp_path / "market.sql").write_text("SELECT 1", encoding="utf-8")
    assert mapping.load(tmp_path).lines["underwriting/consumer"]["window_months"] == 12
