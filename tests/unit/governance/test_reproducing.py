"""Two pieces of evidence are compared fact by fact; who, when and where are left aside, nothing else is."""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any

import pytest

from loanbook.errors import EvidenceError, ReproductionError
from loanbook.governance import champions, evidence, ledger, reproducing, shelf
from loanbook.settings import Settings

NOW = datetime(2026, 11, 23, 9, 30)


@pytest.fixture
def again(facts, auto):
    """Make the evidence again with one fact otherwise."""

    def made(*path: str, value: Any):
        other = copy.deepcopy(facts)
        inner = other
        for part in path[:-1]:
            inner = inner[part]
        inner[path[-1]] = value
        return evidence.assemble(other, auto)

    return made


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("code", "commit"), "f2" * 20, ["code.commit"]),
        (("code", "lockfile"), "cd" * 32, ["code.lockfile"]),
        (("code", "dirty"), True, ["code.dirty"]),
        (("threads",), 4, ["threads"]),
        (("seed",), 8, ["seed"]),
        (("predictions", "digest"), "cd" * 32, ["predictions.digest"]),
        (("environment", "python"), "3.12", ["environment.python"]),
        (("metrics", "report", "ece"), 0.0210001, ["gates.calibration_error.figure", "metrics.report.ece"]),
        (("metrics", "report", "ks"), None, ["metrics.report.ks"]),
        (("features", "used"), ["ltv"], ["features.used"]),
        (("split", "embargo_months"), 12.0, ["split.embargo_months"]),
        (("trained_by",), "somebody else", []),
        (("trained_at",), "2027-01-01T00:00:00Z", []),
        (("requested_by",), "somebody else", []),
        (("environment", "name"), "audit", []),
    ],
)
def test_what_differs_is_named(made, again, path, value, named):
    found = reproducing.differences(made, again(*path, value=value))
    assert [one.fact for one in found] == named


def test_a_fact_that_is_gone_or_new_differs(made, again):
    (found,) = reproducing.differences(made, again("split", value={"shared_rows": 0}))
    assert (found.fact, found.recorded, found.again) == ("split.embargo_months", 12, "nothing")


def test_the_same_is_entered_as_the_same_and_refused_by_nobody(made, tmp_path):
    settings = Settings(home=tmp_path, actor="rui")
    found = reproducing.enter(settings, made, made, NOW)
    reproducing.refuse(made, found)
    (entry,) = ledger.of_home(tmp_path).entries("reproduction")
    assert (entry.actor, entry.body["same"], entry.body["differs"]) == ("rui", True, [])


def test_what_is_refused_says_what_was_and_is_and_whether_the_bytes_differ(made, again):
    found = reproducing.differences(made, again("threads", value=4))
    with pytest.raises(
        ReproductionError, match=r"1 facts differ: threads was 2, and is 4.*bytes are the same"
    ):
        reproducing.refuse(made, found)
    files = {"model.txt": "00" * 32, "features.json": "cd" * 32}
    bundle = {"digest": evidence.digests.of_json(files), "files": files}
    found = reproducing.differences(made, again("bundle", value=bundle))
    assert [one.fact for one in found] == ["bundle.digest", "bundle.files.model.txt"]
    with pytest.raises(ReproductionError, match="the bundle's bytes differ"):
        reproducing.refuse(made, found)


def test_evidence_that_doesnt_say_what_the_dataset_stated_cant_be_reproduced(made, tmp_path):
    settings = Settings(home=tmp_path)
    shelf.keep(settings, made)
    body = {"model": made.model, "version": made.version, "evidence": made.digest}
    ledger.of_home(tmp_path).append(champions.REVIEW, "ada", body, NOW)
    with pytest.raises(EvidenceError, match="stated of its line"):
        reproducing.recorded(settings, made.model, made.version)
