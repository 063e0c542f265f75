"""The simulated lender by the command line: the same seed gives the same bytes, grown or at once."""

from __future__ import annotations

import hashlib
import json


def test_a_world_that_grew_has_the_bytes_of_one_made_at_once(loanbook, tmp_path):
    size = ("--applications", "2000")
    for words in (
        ("new", "grown", *size, "--months", "10"),
        ("grow", "grown", "--months", "4"),
        ("new", "whole", *size, "--months", "14"),
    ):
        done = loanbook("world", *words, "--json")
        assert done.code == 0, done.err
        assert json.loads(done.out)["made"]
    grown, whole = (digests(tmp_path / name) for name in ("grown", "whole"))
    assert grown == whole
    assert len([name for name in whole if name.startswith("raw/applications/")]) == 14


def test_a_world_of_an_impossible_size_is_refused(loanbook):
    done = loanbook("world", "new", "tiny", "--applications", "20")
    assert done.code == 1
    assert done.err.splitlines()[-1].startswith("SettingsError: applications 20 is out of range")


def test_a_world_grows_no_further_than_it_was_planned(loanbook, tmp_path):
    loanbook("world", "new", "short", "--applications", "2000", "--months", "3")
    done = loanbook("world", "grow", "short", "--months", "90")
    assert done.code == 1
    assert "SettingsError: months 4 to 93 can't be written" in done.err


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
