"""A ruling that is being carried out and killed is carried out by the next run, once and whole."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from loanbook.governance import people, signing
from loanbook.governance.ledger import of_home
from loanbook.governance.people import Person
from loanbook.governance.rulings import Action, Decision
from loanbook.held import balance, deciding, desk
from loanbook.held.desk import Wanted
from loanbook.intake import book, mapping
from loanbook.intake.judging import quality
from loanbook.settings import ROOT, Settings

pytestmark = pytest.mark.faults
NOW = datetime(2026, 11, 23, 9, 30)
TOML = """
name = "corner"
title = "A corner lender"
currency = "EUR"
country = "DE"
licence = "made up"

[raw.months]
files = ["months*.csv"]
format = "csv"
columns = { month = "VARCHAR", rate = "DOUBLE" }
"""
MARKET = """
SELECT month, strptime(month, '%Y-%m') AS event_at, event_at AS available_at, rate AS policy_rate,
       _file, _row, _broken
FROM raw.months
"""
KILLS = (
    ("bring in what was ruled", "began"),
    ("bring in what was ruled", "ended"),
    ("judge market", "ended"),
    ("hold back and publish", "began"),
    ("hold back and publish", "ended"),
    ("write the page of held rows", "began"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("corner")
    (folder / "dataset.toml").write_text(TOML, encoding="utf-8")
    (folder / "market.sql").write_text(MARKET, encoding="utf-8")
    lines = [f"20{10 + n // 12}-{1 + n % 12:02},{900 if n == 7 else 0.03}" for n in range(48)]
    (folder / "months.csv").write_text("\n".join(["month,rate", *lines]) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def ruled(place_of, folder, tmp_path_factory) -> Path:
    """A home in which two people have just confirmed a repair, and nothing of it is done yet."""
    home = tmp_path_factory.mktemp("ruled")
    run(place_of(home), "ingest", None, dataset=str(folder), data=str(folder))
    settings, source = Settings(home=home), mapping.load(folder)
    for name in ("ada", "bo"):
        made = signing.create_key(home / f"{name}.key", None)
        person = Person(name, ("steward",), made.keyid, made.pem, NOW)
        people.enrol(people.path_of(home), of_home(home), person, "root", NOW)
    suites = quality.load_suites(ROOT / "expectations")
    (row,) = desk.listed(settings, "corner", Wanted(), None).rows
    pens = [deciding.Pen(settings, home / f"{name}.key", NOW) for name in ("ada", "bo")]
    given = {"policy_rate": "0.09"}
    asked = deciding.propose(
        pens[0], source, Action.REPAIR, [row.row], "a slip", given=given, suites=lambda: suites
    )
    deciding.answer(pens[1], source, asked.number, Decision.CONFIRM, "so it is")
    return home


def run(environment: dict[str, str], verb: str, until: tuple[str, str] | None, **parameters: str) -> Any:
    """Run a flow in a process of its own, to its end, or until it is killed at a step."""
    with subprocess.Popen(
        [sys.executable, "-m", "flows"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, **environment}, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps({"verb": verb, "parameters": parameters}) + "\n")
        process.stdin.flush()
        try:
            for line in process.stdout:
                message = json.loads(line)
                if "event" not in message:
                    assert "result" in message, message
                    assert until is None, f"{until} never came"
                    return message["result"]
                if until == (message["event"]["step"], message["event"]["state"]):
                    return None
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    raise AssertionError(f"{verb} ended without a result")


def test_after_every_kill_a_ruling_is_carried_out_as_if_undisturbed(
    ruled, place_of, folder, tmp_path_factory
):
    homes = [tmp_path_factory.mktemp(name) / "home" for name in ("calm", "killed")]
    for home in homes:
        shutil.copytree(ruled, home)
    for step in KILLS:
        run(place_of(homes[1]), "settle", step, dataset=str(folder))
    calm, killed = (run(place_of(home), "settle", None, dataset=str(folder)) for home in homes)
    assert killed["publication"] == calm["publication"]
    assert killed["tables"]["market"] == {
        "read": 49, "published": 48, "held": 0, "superseded": 1, "erased": 0,
    }  # fmt: skip
    books = [book.read(Settings(home=home), "corner") for home in homes]
    assert books[0] == books[1]
    assert len(books[0].batches) == 2
    assert balance.count(Settings(home=homes[1]), "corner").reconciled
    assert files(homes[0]) == files(homes[1])


def files(home: Path) -> set[str]:
    """Name what lies in the lake, drafts included."""
    return {str(path.relative_to(home)) for path in (home / "lake").rglob("*") if path.is_file()}
