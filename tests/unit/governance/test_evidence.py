from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from loanbook.errors import EvidenceError
from loanbook.governance import evidence, policy
from loanbook.governance.evidence import Evidence
from loanbook.governance.policy import Policy


def test_evidence_hashes_to_what_sha256sum_prints_of_its_text(made: Evidence) -> None:
    assert hashlib.sha256(made.text.encode()).hexdigest() == made.digest


def test_evidence_is_read_back_as_it_was_written(made: Evidence) -> None:
    assert evidence.load(made.text, made.digest) == made


def test_the_same_facts_in_another_order_give_the_same_digest(
    facts: dict[str, Any], auto: Policy, made: Evidence
) -> None:
    assert evidence.assemble(dict(reversed(facts.items())), auto).digest == made.digest


def test_every_gate_answers_in_the_evidence(made: Evidence, auto: Policy) -> None:
    assert [gate["gate"] for gate in made.facts["gates"]] == [gate.name for gate in auto.gates]


def test_a_figure_that_is_no_number_becomes_null_and_its_gate_could_not_run(
    facts: dict[str, Any], auto: Policy
) -> None:
    facts["metrics"]["report"]["auc"] = float("nan")
    found = evidence.assemble(facts, auto)
    assert found.facts["metrics"]["report"]["auc"] is None
    assert next(gate for gate in found.facts["gates"] if gate["gate"] == "auc")["status"] == "could_not_run"


EDITS: dict[str, Callable[[str], str | None]] = {
    "missing": lambda text: None,
    "empty": lambda text: "",
    "blank": lambda text: " \n",
    "truncated": lambda text: text[:-40],
    "half": lambda text: text[: len(text) // 2],
    "edited": lambda text: text.replace("0.603", "0.703"),
    "a space more": lambda text: text + " ",
    "a list": lambda text: "[]",
    "null": lambda text: "null",
    "not a number": lambda text: text.replace("0.603", "NaN"),
    "deep": lambda text: "[" * 100_000,
    "lone surrogate": lambda text: '{"a":"\ud800"}',
}


@pytest.mark.parametrize("edit", EDITS)
def test_evidence_that_is_not_what_was_recorded_is_refused(made: Evidence, edit: str) -> None:
    with pytest.raises(EvidenceError):
        evidence.load(EDITS[edit](made.text), made.digest)


def test_evidence_edited_in_memory_is_refused(made: Evidence) -> None:
    made.facts["metrics"]["report"]["auc"] = 0.7
    with pytest.raises(EvidenceError, match="hashes to"):
        evidence.verify(made)


def test_evidence_under_another_digest_is_refused(made: Evidence) -> None:
    with pytest.raises(EvidenceError):
        evidence.verify(replace(made, digest="00" * 32))


@pytest.mark.parametrize("key", sorted(evidence.KEYS - {"gates"}))
def test_a_missing_section_is_refused_by_name(facts: dict[str, Any], auto: Policy, key: str) -> None:
    del facts[key]
    with pytest.raises(EvidenceError, match=f"lacks .*{key}"):
        evidence.assemble(facts, auto)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("trained_by",), " "),
        (("requested_by",), None),
        (("version",), 0),
        (("version",), True),
        (("format",), 2),
        (("format",), True),
        (("bundle", "digest"), "ab" * 32),
        (("bundle", "files"), {}),
        (("predictions", "digest"), None),
        (("metrics",), []),
        (("environment",), {1: 2}),
        (("environment",), {"a": object()}),
    ],
)
def test_a_fact_that_a_signature_binds_must_be_readable(
    facts: dict[str, Any], auto: Policy, path: tuple[str, ...], value: object
) -> None:
    inner = facts
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(EvidenceError):
        evidence.assemble(facts, auto)


def test_an_unknown_section_is_refused(facts: dict[str, Any], auto: Policy) -> None:
    with pytest.raises(EvidenceError, match="unknown metricz"):
        evidence.assemble({**facts, "metricz": {}}, auto)


def test_facts_that_bring_their_own_gates_are_refused(made: Evidence, auto: Policy) -> None:
    with pytest.raises(EvidenceError, match="own gates"):
        evidence.assemble(made.facts, auto)


def test_facts_are_assembled_only_with_the_policy_they_name(facts: dict[str, Any], policy_text: str) -> None:
    with pytest.raises(EvidenceError, match="the facts name policy"):
        evidence.assemble(facts, policy.parse(policy_text + "# looser\n", "p"))


def test_evidence_text_is_canonical_json(made: Evidence) -> None:
    assert json.loads(made.text) == dict(made.facts)
