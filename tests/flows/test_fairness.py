"""The fairness job says what the review said; a policy that asks for more gets it, or is shut."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loanbook import digests
from loanbook.errors import PolicyError

pytestmark = pytest.mark.slow

MODEL, LINE = "world.underwriting_consumer", "underwriting/consumer"
GATE = (
    '\n[gates.fairer_model]\nkind = "alternative"\nceiling = 0.05\nwhy = "A fairer model is the one to use"\n'
)


def _evidence(stage, version=1):
    from loanbook.governance import reproducing

    return reproducing.recorded(stage.settings, MODEL, version)


def _policy(stage):
    return stage.repo / "expectations" / "policies" / "underwriting_consumer.toml"


def test_the_jobs_record_says_what_the_review_said_and_searches(reviewed):
    made = reviewed.call("fairness", model=MODEL, version=1)
    again = reviewed.call("fairness", model=MODEL, version=1)

    path = Path(made["record"])
    assert digests.of_file(path) == made["digest"] == again["digest"]
    told, facts = json.loads(path.read_text(encoding="utf-8")), _evidence(reviewed).facts
    searched = told["fairness"].pop("alternatives")
    assert told["fairness"] == {
        name: part for name, part in facts["fairness"].items() if name != "alternatives"
    }
    assert facts["fairness"]["alternatives"] == {"unmeasured": "no gate of the policy asks for a search"}
    assert searched != facts["fairness"]["alternatives"]
    assert (told["bundle"], told["policy"]) == (facts["bundle"]["digest"], facts["policy"]["digest"])
    (entry,) = reviewed.entries("fairness")
    assert entry.body["record"] == made["digest"]
    assert "Do the features tell the group?" in Path(made["page"]).read_text(encoding="utf-8")


def test_a_policy_that_asks_for_a_fairer_model_has_it_searched_and_reproduced(reviewed):
    _policy(reviewed).write_text(_policy(reviewed).read_text(encoding="utf-8") + GATE, encoding="utf-8")
    version = reviewed.call("train", dataset="world", line=LINE)["version"]
    made = reviewed.call("review", model=MODEL, version=version)
    facts = _evidence(reviewed, version).facts
    found = facts["fairness"]["alternatives"]
    answer = next(gate for gate in facts["gates"] if gate["gate"] == "fairer_model")

    assert found.get("unmeasured") != "no gate of the policy asks for a search"
    searched = "tried" in found and not found["left_out"]
    assert (answer["status"] != "could_not_run") is searched
    assert ("fairer_model" in made["shut"]) is (answer["status"] != "passed")
    again = reviewed.call("reproduce", model=MODEL, version=version)
    assert again["bundle"] == facts["bundle"]["digest"]
    assert reviewed.entries("reproduction")[-1].body["differs"] == []


def test_the_job_is_refused_where_the_policy_states_no_loss(reviewed):
    text = _policy(reviewed).read_text(encoding="utf-8")
    head, _, rest = text.partition("[fairness]")
    _policy(reviewed).write_text(head + "[watching]" + rest.partition("[watching]")[2], encoding="utf-8")

    with pytest.raises(PolicyError, match="states no loss of AUC"):
        reviewed.call("fairness", model=MODEL, version=1)
