"""The desk by the real command line: two people, one held row each, and every refusal in one paragraph."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from loanbook.settings import Settings

CANARY = "+49 170 5550199"
TOML = """
name = "corner"
title = "A corner lender"
currency = "EUR"
country = "DE"
licence = "made up"

[raw.people]
files = ["people*.csv"]
format = "csv"
columns = { id = "VARCHAR", since = "TIMESTAMP", phone = "VARCHAR" }

[raw.asked]
files = ["asked*.csv"]
format = "csv"
columns = { id = "VARCHAR", person = "VARCHAR", day = "TIMESTAMP" }
"""
CUSTOMERS = """
SELECT id AS customer_id, since AS event_at, since AS available_at, phone, _file, _row, _broken
FROM raw.people
"""
APPLICATIONS = """
SELECT id AS application_id, day AS event_at, day AS available_at, person AS customer_id,
       'consumer' AS product, amount, _file, _row, _broken
FROM raw.asked
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "corner"
    folder.mkdir()
    for name, text in (
        ("dataset.toml", TOML), ("customers.sql", CUSTOMERS), ("applications.sql", APPLICATIONS),
    ):  # fmt: skip
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twenty people, of whom one's day can't be read, and forty applications, two of them for nothing."""
    data = tmp_path / "raw"
    data.mkdir()
    days = ["soon" if n == 7 else "2020-01-01 08:00:00" for n in range(20)]
    people = [f"C{n},{day},+49 30 55501{n:02}" for n, day in enumerate(days)]
    amounts = [{3: "-7.00", 4: "-8.00"}.get(n, "1000.00") for n in range(40)]
    asked = [f"A{n},C{n % 7},2020-02-01 10:00:00,{amount}" for n, amount in enumerate(amounts)]
    (data / "people.csv").write_text("\n".join(["id,since,phone", *people]) + "\n", encoding="utf-8")
    (data / "asked.csv").write_text("\n".join(["id,person,day,amount", *asked]) + "\n", encoding="utf-8")
    return data


@pytest.mark.slow
def test_two_people_rule_on_every_held_row_and_the_book_balances(loanbook, home, folder, data, standing_at):
    place = {"LOANBOOK_PREFECT_API": standing_at["LOANBOOK_PREFECT_API"]}
    here = ("--dataset", folder)

    def told(*words, code=0):
        done = loanbook(*words, "--json", environment=place)
        assert done.code == code, done.err
        return json.loads(done.out)["made"]

    def refused(*words):
        done = loanbook(*words, environment=place)
        assert (done.code, done.out) == (1, ""), done.out
        assert "Traceback" not in done.err
        return done.err.splitlines()[-1]

    def signed(who, because="the source says so"):
        return (*here, "--key", home / "keys" / f"{who}.key", "--because", because)

    for who in ("ada", "bo"):
        told("people", "enrol", who, "--role", "steward", "--key", home / "keys" / f"{who}.key")
    told("ingest", *here, "--data", data)
    listed = told("quarantine", "list", *here)
    rows = {row["key"]: row for row in listed["rows"]}
    assert set(rows) == {"A3", "A4", "C7"}
    first, second, person = (rows[key]["row"] for key in ("A3", "A4", "C7"))

    shown = told("quarantine", "show", first, *here)
    assert [rule["why"] for rule in shown["rules"] if rule["verdict"] == "broken"] == [
        "amount is -7.00: it must be above zero"
    ]
    assert "can't be released" in refused("quarantine", "release", person, *signed("ada"))
    assert "still breaks amount_positive" in refused(
        "quarantine", "repair", first, "--set", "amount=-9", *signed("ada")
    )

    number = str(_number(loanbook("quarantine", "release", first, *signed("ada"), environment=place)))
    assert refused("quarantine", "confirm", number, *signed("ada")).startswith("SelfApprovalError: ada")
    told("quarantine", "confirm", number, *signed("bo"), "--later")
    told("quarantine", "reject", second, *signed("bo"), "--later")

    days = ("--set", "event_at=2020-01-01 08:00:00", "--set", "available_at=2020-01-01 08:00:00")
    asked = loanbook(
        "quarantine", "repair", person, "--set", f"phone={CANARY}", *days, *signed("bo"), environment=place
    )
    number = str(_number(asked))
    assert "--set phone=…" in asked.out
    assert "gives phone again" in refused("quarantine", "confirm", number, *signed("ada"))
    told("quarantine", "confirm", number, "--set", f"phone={CANARY}", *signed("ada"))

    assert told("quarantine", "list", *here)["rows"] == []
    versions = told("explain-row", "customers", "C7", *here)["versions"]
    assert [version["origin"]["file"] for version in versions] == ["people.csv", "repair"]
    assert "repair by bo" in versions[0]["ruled"][0]
    book = told("batches", *here)
    assert book["reconciled"]
    assert told("ledger", "verify")["holds"] == "yes"
    _nowhere_but_in_the_vault(home)

    _forge(home, second)
    assert "rulings that the ledger doesn't know" in refused("settle", *here)
    assert "rulings that the ledger doesn't know" in refused("ingest", *here, "--data", data)


def _number(done) -> int:
    assert done.code == 0, done.err
    return int(done.out.split("quarantine confirm ")[1].split()[0])


def _nowhere_but_in_the_vault(home: Path) -> None:
    from loanbook.privacy import vault

    assert vault.plain(Settings(home=home), "corner", "C7")["phone"] == CANARY
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) > 30
    for path in files:
        assert CANARY.encode() not in path.read_bytes(), path
        assert b"5550199" not in path.read_bytes(), path


def _forge(home: Path, row: str) -> None:
    """Write a release of the rejected row into the book, with all its hashes right."""
    from loanbook.intake import book

    settings = Settings(home=home)
    stands = book.read(settings, "corner")
    turned = tuple(replace(one, action="release") if one.row == row else one for one in stands.rulings)
    assert turned != stands.rulings
    book.write(settings, replace(stands, rulings=turned))


@pytest.mark.parametrize(
    "words",
    [
        ("quarantine", "list"),
        ("quarantine", "show", "0123456789ab-1"),
        ("batches",),
        ("explain-row", "applications", "A1"),
        ("quarantine", "refuse", "1", "--key", "none.key", "--because", "no"),
    ],
    ids=" ".join,
)
def test_the_desk_of_an_empty_home_says_so_and_makes_nothing(loanbook, home, folder, words):
    done = loanbook(*words, "--dataset", folder)
    assert (done.code, done.out) == (1, "")
    assert "Traceback" not in done.err
    assert len(done.err.splitlines()) == 1
    assert not home.exists()
