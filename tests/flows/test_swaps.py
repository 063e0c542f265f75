"""A version is held against whoever is champion when it is reviewed, and made again it still is."""

from __future__ import annotations

import pytest

from loanbook import lines
from loanbook.errors import AlteredError, EvidenceError

pytestmark = pytest.mark.slow

MODEL, LINE = "world.underwriting_consumer", "underwriting/consumer"


def test_without_a_champion_the_evidence_says_so(reviewed):
    said = facts(reviewed, 1)["judged"]["swap_set"]

    assert said == {"unmeasured": f"{MODEL} has no champion in local"}


def test_a_challenger_is_held_against_the_champion_and_made_again_after_it_is_replaced(promoted):
    version = promoted.call("train", dataset="world", line=LINE, seed=8)["version"]
    promoted.call("review", model=MODEL, version=version)
    was = facts(promoted, version)
    swap = was["judged"]["swap_set"]
    assert swap["champion"]["version"] == 1
    assert swap["champion"]["bundle"] == facts(promoted, 1)["bundle"]["digest"]
    assert swap["champion"]["evidence"] == digest(promoted, 1)
    assert sum(cell["people"] for cell in swap["all"].values()) == was["samples"]["report"]["rows"]
    assert sum(cell["bads"] for cell in swap["all"].values()) == was["samples"]["report"]["bads"]
    assert set(swap["groups"]) == set(was["fairness"]["protected_attributes"])

    # whoever is champion since has no part in what was signed
    promoted.sign(version)
    promoted.promote(version)
    again = promoted.call("reproduce", model=MODEL, version=version)
    assert again["bundle"] == was["bundle"]["digest"]
    assert promoted.entries("reproduction")[-1].body["same"] is True

    promoted.call("review", model=MODEL, version=version)
    now = facts(promoted, version)["judged"]["swap_set"]
    assert now == {"unmeasured": "the version is the champion itself"}


def test_evidence_that_does_not_say_whom_it_was_held_against_is_not_made_again(reviewed):
    from loanbook.governance import rivals

    was = facts(reviewed, 1)
    judged = {name: part for name, part in was["judged"].items() if name != "swap_set"}
    with pytest.raises(EvidenceError, match="which champion"):
        rivals.recorded(reviewed.settings, MODEL, {**was, "judged": judged})


def test_a_champion_that_was_withdrawn_is_no_one_to_be_held_against(promoted):
    from loanbook.governance import promoting, rivals

    promoting.withdraw(promoted.settings, MODEL, 1, "found wanting", promoted.entries()[-1].at)
    said = rivals.standing(promoted.settings, lines.find(LINE), MODEL, 2)
    assert said == "the champion, version 1, was withdrawn"


def test_a_champion_whose_bytes_were_changed_is_not_compared_but_refused(promoted):
    from loanbook.governance import rivals

    path = promoted.kept_bundle(1) / "strategy.json"
    kept = path.read_bytes()
    path.write_bytes(kept.replace(b"0", b"1", 1))
    try:
        with pytest.raises(AlteredError):
            rivals.standing(promoted.settings, lines.find(LINE), MODEL, 2)
    finally:
        path.write_bytes(kept)


def digest(stage, version):
    from loanbook.governance import champions

    return champions.reviewed(stage.entries(), MODEL, version)


def facts(stage, version):
    from loanbook.governance import shelf

    return shelf.evidence(stage.settings, MODEL, version, digest(stage, version)).facts
