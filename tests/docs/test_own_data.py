"""What the guide says is done: its blocks are written to files and its commands are run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOANBOOK = Path(sys.executable).parent / "loanbook"
BLOCK = re.compile(r"`([\w/.]+)`\n\n```\w+\n(.*?)```", re.DOTALL)
COMMANDS = re.compile(r"```sh\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("guide")
    blocks = BLOCK.findall((ROOT / "docs/guide/own-data.md").read_text(encoding="utf-8"))
    for name, text in blocks:
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert {name for name, _ in blocks} >= {"deliveries/loans.csv", "my_lender/dataset.toml"}
    return made


def test_the_guides_dataset_maps_every_row_that_it_delivers(folder: Path) -> None:
    guide = (ROOT / "docs/guide/own-data.md").read_text(encoding="utf-8")
    (command, *_) = next(block for block in COMMANDS.findall(guide) if "check" in block).splitlines()
    words = command.removeprefix("loanbook ").split()
    done = subprocess.run(
        [LOANBOOK, *words, "--json"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["made"]
    assert told["customers"].startswith("2 rows")
    assert told["applications"].startswith("2 rows")
    assert told["loans"].startswith("2 rows")
    assert told["repayments"].startswith("2 rows")
    assert "days_past_due" not in told["repayments"]


def test_what_the_guide_says_of_a_line_is_accepted(folder: Path) -> None:
    from loanbook.intake import mapping

    guide = (ROOT / "docs/guide/own-data.md").read_text(encoding="utf-8")
    lines = next(block for block in re.findall(r"```toml\n(.*?)```", guide, re.DOTALL) if "[lines" in block)
    other = folder / "with_lines"
    other.mkdir()
    for path in (folder / "my_lender").iterdir():
        (other / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    toml = other / "dataset.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + "\n" + lines, encoding="utf-8")
    assert mapping.load(other).lines["underwriting/consumer"]["window_months"] == 12
