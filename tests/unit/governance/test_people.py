from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from loanbook.errors import LoanbookError, PolicyError, SignatureError
from loanbook.governance import people as room
from loanbook.governance.ledger import Ledger
from loanbook.governance.people import People

NOW = datetime(2026, 11, 23, 9, 30)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.json"


@pytest.fixture
def enrolled(path: Path, ledger: Ledger, signers: dict[str, Any]) -> People:
    room.enrol(path, ledger, signers["bo"].person, "root", NOW)
    return room.enrol(path, ledger, signers["cy"].person, "root", NOW)


def test_who_was_enrolled_is_trusted_and_stands_in_the_ledger(
    path: Path, ledger: Ledger, enrolled: People
) -> None:
    assert room.trusted(path, ledger) == enrolled
    assert [entry.body["added"]["name"] for entry in ledger.entries("people")] == ["bo", "cy"]


def test_without_a_file_nobody_is_enrolled(path: Path, ledger: Ledger) -> None:
    assert room.trusted(path, ledger) == People(())


def test_a_person_written_in_by_hand_is_refused(
    path: Path, ledger: Ledger, enrolled: People, signers: dict[str, Any]
) -> None:
    said = json.loads(path.read_text())
    said["people"].append({**said["people"][0], "name": "eve", "keyid": "00" * 32, "public_key": "x"})
    path.write_text(json.dumps(said))
    with pytest.raises(SignatureError, match="not those that the ledger recorded"):
        room.trusted(path, ledger)
    with pytest.raises(SignatureError, match="behind the ledger"):
        room.enrol(path, ledger, signers["di"].person, "root", NOW)


def test_a_file_that_vanished_is_refused(path: Path, ledger: Ledger, enrolled: People) -> None:
    path.unlink()
    with pytest.raises(SignatureError, match="not those"):
        room.trusted(path, ledger)


def test_killed_between_ledger_and_file_enrolling_is_run_again(
    path: Path, ledger: Ledger, enrolled: People, signers: dict[str, Any]
) -> None:
    before = path.read_bytes()
    room.enrol(path, ledger, signers["di"].person, "root", NOW)
    path.write_bytes(before)
    with pytest.raises(SignatureError):
        room.trusted(path, ledger)
    room.enrol(path, ledger, signers["di"].person, "root", NOW)
    assert [person.name for person in room.trusted(path, ledger).people] == ["bo", "cy", "di"]


@pytest.mark.parametrize("name", ["bo", "BO", "Bo ", "ｂｏ"])
def test_a_second_key_for_the_same_name_is_refused(
    enrolled: People, signers: dict[str, Any], name: str
) -> None:
    with pytest.raises(SignatureError, match="name stands twice"):
        People((*enrolled.people, replace(signers["di"].person, name=name)))


def test_one_key_under_two_names_is_refused(
    path: Path, ledger: Ledger, enrolled: People, signers: dict[str, Any]
) -> None:
    with pytest.raises(SignatureError, match="key stands twice"):
        room.enrol(path, ledger, replace(signers["bo"].person, name="bob"), "root", NOW)
    with pytest.raises(SignatureError, match="key stands twice"):
        People((*enrolled.people, replace(signers["bo"].person, name="bob", keyid="00" * 32)))


@pytest.mark.parametrize("change", [{"roles": ()}, {"roles": ("king",)}, {"name": " "}, {"name": "di "}])
def test_a_person_without_name_or_role_is_refused(
    path: Path, ledger: Ledger, signers: dict[str, Any], change: dict[str, Any]
) -> None:
    with pytest.raises(PolicyError):
        room.enrol(path, ledger, replace(signers["di"].person, **change), "root", NOW)
    assert not path.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": 2, "people": []}',
        '{"format": 1, "people": [{}]}',
        '{"format": 1, "people": 3}',
    ],
)
def test_a_file_that_can_not_be_read_is_refused(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(LoanbookError):
        room.read(path)
