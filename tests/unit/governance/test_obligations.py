"""An obligation is met where a fact shows it, on its days, in its place; else something else is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from loanbook.errors import PolicyError
from loanbook.governance import obligations, policy
from loanbook.governance.duties import Answer, judge
from loanbook.governance.obligations import Obligation, Obligations

ROOT = Path(__file__).resolve().parents[3]
TODAY = date(2026, 11, 23)
TEXT = (ROOT / "expectations/policies/obligations.toml").read_text(encoding="utf-8")
SHIPPED = obligations.parse(TEXT, "obligations.toml")
ONE = """
version = 1
[obligation.x]
source = "a law"
article = "1"
jurisdiction = "CN"
force = "law"
demands = "something"
effective = 2020-01-01
shown_by = ["gate:auc"]
read_as = "the gate passed"
certain = true
"""
NOBODY = {"approvals": [], "refused": "0 of 1 signatures", "reproductions": []}


@pytest.fixture
def of(policy_text, facts, ground):
    """Give a version of a jurisdiction, trained in 2025."""

    def made(jurisdiction: str = "CN"):
        text = policy_text.replace('jurisdiction = "CN"', f'jurisdiction = "{jurisdiction}"')
        facts["trained_at"] = "2025-11-22T08:00:00Z"
        return ground(facts, policy.parse(text, "p.toml"))

    return made


def one(**otherwise: Any) -> Obligations:
    found = obligations.parse(ONE, "x.toml").each[0]
    return Obligations(1, (replace(found, **otherwise),), "0" * 64)


def answer(asked: Obligations, basis: Any, on: date = TODAY, since: Any = None) -> tuple[Answer, str]:
    (duty,) = judge(asked, basis, on, since)
    return duty.answer, duty.why


def shipped(name: str) -> Obligations:
    (found,) = [each for each in SHIPPED.each if each.name == name]
    return Obligations(1, (found,), SHIPPED.digest)


# --- the law, as it stands in the file


@pytest.mark.parametrize(
    ("name", "day", "said"),
    [
        ("us-sr-11-7-validation", date(2026, 4, 16), "met"),
        ("us-sr-11-7-validation", date(2026, 4, 17), "stale"),
        ("us-sr-26-2-validation", date(2026, 4, 16), "not_applicable"),
        ("us-sr-26-2-validation", date(2026, 4, 17), "met"),
        ("us-reg-b-effects-test", date(2026, 7, 20), "met"),
        ("us-reg-b-effects-test", date(2026, 7, 21), "stale"),
        ("us-reg-b-notice", TODAY, "not_shown"),
        ("us-reg-b-reasons", TODAY, "met"),
        ("us-reg-b-prohibited-basis", TODAY, "met"),
    ],
)
def test_in_the_united_states(of, facts, name, day, said):
    facts["fairness"] = {"protected_attributes": ["sex"], "ratios": {"sex": 0.9}}
    signed = {"signer": "bo", "role": "reviewer", "signed_at": "2026-01-02T00:00:00Z"}
    since = {"approvals": [signed], "refused": None, "reproductions": []}
    # the review's figures are of 2023, and the lender holds them good for 24 months
    facts["data"]["as_of"] = "2025-06-30"
    assert answer(shipped(name), of("US"), day, since)[0] == said


@pytest.mark.parametrize("name", [one.name for one in SHIPPED.each if one.name.startswith("eu-ai-act")])
def test_the_ai_act_asks_nothing_of_credit_scoring_before_december_2027(of, name):
    assert answer(shipped(name), of("EU"), date(2027, 12, 1)) == (
        Answer.NOT_APPLICABLE, "it applies from 2027-12-02 on",
    )  # fmt: skip
    assert answer(shipped(name), of("EU"), date(2027, 12, 2))[0] is not Answer.NOT_APPLICABLE


def test_every_country_is_asked_by_its_own_law_alone(of):
    duties = {duty.obligation.name: duty for duty in judge(SHIPPED, of("CN"), TODAY, NOBODY)}
    assert {one.obligation.jurisdiction for one in duties.values()} == {"US", "EU", "CN"}
    for name, duty in duties.items():
        assert (duty.answer is Answer.NOT_APPLICABLE) == (not name.startswith("cn-")), name


def test_what_is_superseded_names_what_stands_in_its_place_and_that_stands_there_too(of):
    duty = judge(shipped("us-sr-11-7-validation"), of("US"), TODAY, NOBODY)[0]
    assert "SR 26-2 / OCC Bulletin 2026-13" in duty.why
    (later,) = [one for one in SHIPPED.each if one.name == "us-sr-26-2-validation"]
    assert later.effective == duty.obligation.until == date(2026, 4, 17)
    (gone,) = [one for one in SHIPPED.each if one.name == "us-reg-b-effects-test"]
    assert gone.until == date(2026, 7, 21)
    (stays,) = [one for one in SHIPPED.each if one.name == "us-reg-b-notice"]
    assert stays.article.startswith("1002.9")
    assert stays.until is None


def test_a_citation_that_is_not_certain_says_what_was_not_checked():
    assert {one.certain for one in SHIPPED.each} == {True, False}
    assert all(bool(one.doubt) is not one.certain for one in SHIPPED.each)


# --- met rests on a fact that can be false


GOOD = {
    "approvals": [{"signer": "bo", "role": "reviewer", "signed_at": "2026-01-02T00:00:00Z"}],
    "refused": None,
    "reproductions": [{"same": True, "differs": [], "at": "2026-01-02T00:00:00Z"}],
}


LEDGER = {
    "signed": {"refused": "bo rejected it: no", "approvals": []},
    "reproduced": {"reproductions": [{"same": False, "differs": ["seed"], "at": "2026-01-01T00:00:00Z"}]},
}


@pytest.mark.parametrize("name", ["reasons", "unprotected", "owners", *LEDGER])
def test_a_fact_that_says_otherwise_is_not_met(of, parts, columns, name):
    asked = one(shown_by=(name,))
    assert answer(asked, of(), since=GOOD)[0] is Answer.MET
    match name:
        case "reasons":
            parts["reasons.json"]["reasons"][0]["zh"] = " "
        case "unprotected":
            columns["bureau_score"]["from"] = ["customers.sex"]
        case "owners":
            columns["bureau_score"]["owner"] = ""
    assert answer(asked, of(), since={**GOOD, **LEDGER.get(name, {})})[0] is Answer.NOT_MET


def test_a_feature_without_a_reason_or_under_two_is_not_met(of, parts):
    first, second = parts["reasons.json"]["reasons"]
    second["features"] = ["bureau_score"]
    assert answer(one(shown_by=("reasons",)), of()) == (
        Answer.NOT_MET, "no reason speaks for ltv; under two reasons bureau_score",
    )  # fmt: skip
    assert first["features"] == ["bureau_score"]


def test_a_source_that_the_schema_doesnt_know_shows_nothing(of, columns):
    columns["ltv"]["from"] = ["customers.horoscope"]
    assert answer(one(shown_by=("unprotected",)), of())[0] is Answer.NOT_SHOWN
    columns["ltv"]["from"] = []
    assert answer(one(shown_by=("unprotected",)), of())[0] is Answer.NOT_SHOWN


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"yes": 9, "no": 0, "unsaid": 0}, Answer.MET),
        ({"yes": 9, "no": 1, "unsaid": 0}, Answer.NOT_MET),
        ({"yes": 9, "no": 0, "unsaid": 1}, Answer.NOT_MET),
        ({"yes": 0, "no": 0, "unsaid": 0}, Answer.NOT_MET),
        ({"yes": 9, "no": 0}, Answer.NOT_SHOWN),
        (None, Answer.NOT_SHOWN),
    ],
)
def test_a_bureau_report_needs_its_customers_yes(of, facts, words, said):
    facts["data"]["consents"] = {} if words is None else {"bureau_reports": words}
    assert answer(one(shown_by=("agreed",)), of())[0] is said


def test_a_gate_that_failed_is_not_met_and_one_that_could_not_run_is_not_shown(of, facts):
    facts["metrics"]["report"]["auc"] = 0.57
    assert answer(one(), of())[0] is Answer.NOT_MET
    facts["metrics"]["report"]["auc"] = None
    found, why = answer(one(), of())
    assert found is Answer.NOT_SHOWN
    assert "could not run" in why


def test_a_fairness_gate_that_had_no_group_to_compare_shows_nothing(of, facts):
    asked = one(shown_by=("gate:fairness",))
    assert facts["fairness"]["protected_attributes"] == []
    assert [gate["status"] for gate in of().evidence.facts["gates"] if gate["gate"] == "fairness"] == [
        "passed"
    ]
    assert answer(asked, of())[0] is Answer.NOT_SHOWN
    facts["fairness"] = {"protected_attributes": ["sex"], "ratios": {"sex": 0.9}}
    assert answer(asked, of())[0] is Answer.MET
    facts["fairness"] = {"protected_attributes": ["sex"], "ratios": {"sex": 0.7}}
    assert answer(asked, of())[0] is Answer.NOT_MET


def test_what_no_fact_can_show_is_not_shown_and_never_met(of):
    assert answer(one(shown_by=(), read_as=""), of())[0] is Answer.NOT_SHOWN


def test_the_evidence_alone_says_nothing_of_signatures(of):
    found, why = answer(one(shown_by=("signed",)), of())
    assert (found, why) == (Answer.NOT_SHOWN, "the ledger alone can show it, and wasn't asked")


def test_a_fact_of_a_later_day_shows_nothing_yet(of):
    assert answer(one(shown_by=("reasons",)), of(), date(2025, 11, 21))[0] is Answer.NOT_SHOWN
    assert answer(one(shown_by=("reasons",)), of(), date(2025, 11, 22))[0] is Answer.MET


def test_a_fact_grows_stale_on_the_day_its_months_are_over(of):
    asked = one(shown_by=("reasons",), fresh_months=12)
    assert answer(asked, of(), date(2026, 11, 21))[0] is Answer.MET
    found, why = answer(asked, of(), date(2026, 11, 22))
    assert found is Answer.STALE
    assert "as of 2025-11-22" in why


def test_a_figure_is_as_old_as_its_data_and_how_it_was_made_as_old_as_the_version(of, facts):
    facts["data"]["as_of"] = "2023-06-30"
    for gate, said in (("auc", Answer.STALE), ("data_held", Answer.STALE), ("reproducibility", Answer.MET)):
        asked = one(shown_by=(f"gate:{gate}",), fresh_months=12)
        assert answer(asked, of(), date(2025, 12, 24))[0] is said, gate


def test_of_two_facts_the_false_one_decides_and_is_named(of, facts):
    facts["metrics"]["report"]["auc"] = 0.57
    found, why = answer(one(shown_by=("reasons", "gate:auc")), of())
    assert found is Answer.NOT_MET
    assert why.startswith("gate auc failed")


# --- the file is read strictly


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ('force = "law"', 'force = "advice"', "force is 'advice'"),
        ('shown_by = ["gate:auc"]', 'shown_by = ["gate:nice"]', "shown_by names gate:nice"),
        ('shown_by = ["gate:auc"]', "shown_by = []", "shown_by without read_as"),
        ('read_as = "the gate passed"', "", "shown_by without read_as"),
        ("certain = true", "certain = false", "certain and doubt contradict"),
        ("certain = true", 'certain = true\ndoubt = "?"', "certain and doubt contradict"),
        ("effective = 2020-01-01", 'effective = "2020-01-01"', "effective is '2020-01-01'"),
        ("effective = 2020-01-01", "effective = 2020-01-01\nuntil = 2019-01-01", "ends before it begins"),
        ("certain = true", 'certain = true\nsuperseded_by = "b"', "superseded_by without until"),
        ("certain = true", "certain = true\nfresh_months = 0", "fresh_months is under 1"),
        ("certain = true", 'certain = true\npurposes = ["war"]', "purposes names war"),
        ("certain = true", 'certain = true\nremark = "b"', "unknown key 'remark'"),
        ('article = "1"\n', "", "article is missing"),
        ('article = "1"', 'article = ""', "article is ''"),
        ("version = 1", 'version = "1"', "no version"),
        ("version = 1", "version = 1\nmore = 2", "unknown key more"),
    ],
)
def test_what_is_wrong_in_the_file_is_refused_by_name(was, now, said):
    assert was in ONE
    with pytest.raises(PolicyError, match=said):
        obligations.parse(ONE.replace(was, now), "x.toml")


def test_a_version_for_another_purpose_is_not_asked(of):
    from loanbook.schema import Purpose

    asked = one(purposes=(Purpose.FRAUD,))
    assert answer(asked, of()) == (Answer.NOT_APPLICABLE, "it is on fraud; this line serves underwriting")


def test_every_obligation_is_known_by_one_name_and_says_what_it_demands():
    assert len({one.name for one in SHIPPED.each}) == len(SHIPPED.each) > 20
    assert all(isinstance(one, Obligation) and one.demands.endswith(".") for one in SHIPPED.each)
