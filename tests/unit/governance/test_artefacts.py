"""The artefacts say what the facts say, name what they don't, and can't be altered unseen."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from loanbook.errors import AlteredError, EvidenceError, PolicyChangedError
from loanbook.governance import basis, champions, ledger, policy, reading, reviewing, shelf
from loanbook.governance.artefacts import data, filing
from loanbook.governance.artefacts.documents import SAID, at, leaves
from loanbook.governance.recompute import Figures
from loanbook.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 23, 9, 30)
NAMES = {
    "model_inventory", "materiality", "development", "validation", "data_register", "feature_dictionary",
    "reason_map", "monitoring_plan", "obligations",
}  # fmt: skip
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(home=tmp_path, actor="ada", repo=ROOT)


@pytest.fixture
def file(settings, facts, auto, ground):
    """File a review of the facts as they stand, and give where its artefacts lie."""

    def filed(on: datetime = NOW) -> Path:
        figures = Figures({}, {}, {}, {}, {}, {}, 0, 0, curves={})
        return reviewing.file(settings, ground(facts, auto), figures, on).artefacts.parent

    return filed


def told(place: Path, name: str) -> dict[str, Any]:
    return json.loads((place / f"{name}.json").read_text(encoding="utf-8"))


def rows(place: Path, name: str, title: str) -> list[dict[str, Any]]:
    (found,) = [one["rows"] for one in told(place, name)["sections"] if one["title"] == title]
    return found


def test_every_artefact_is_there_as_a_page_and_for_machines(file):
    place = file()
    pages = {f"{name}.{kind}" for name in NAMES for kind in ("html", "json")}
    assert {path.name for path in place.iterdir()} == {*pages, "index.html", "artefacts.json"}


def test_every_statement_is_the_fact_at_the_place_it_names(file, facts, auto, ground):
    place, tree, said = file(), ground(facts, auto).facts, 0
    for name in NAMES:
        for section in told(place, name)["sections"]:
            for row in section["rows"]:
                if tuple(row) == tuple(sorted(SAID)) and row["fact"].startswith(
                    ("evidence.", "policy.", "bundle.")
                ):
                    assert row["is"] == json.loads(json.dumps(at(tree, row["fact"]))), row
                    said += 1
    assert said > 60


def test_a_table_holds_every_row_of_the_facts_it_names(file, facts):
    place = file()
    (tables,) = [
        one for one in told(place, "data_register")["sections"] if one["fact"] == "evidence.data.tables"
    ]
    for row in tables["rows"]:
        fact = facts["data"]["tables"][row["table"]]
        assert {name: row[name] for name in fact} == fact
    gates = rows(place, "validation", "Gates of the policy")
    evidence = json.loads(next((place.parents[4] / "governance").rglob("evidence/**/*.json")).read_text())
    assert gates == evidence["gates"]


def test_what_the_facts_dont_hold_is_named_and_no_longer_once_they_do(file, facts):
    missing = "Consents, in rows by their customer's word: evidence.data.consents holds nothing"
    assert missing in told(file(), "data_register")["unknown"]
    facts["data"]["consents"] = {"bureau_reports": {"by": "consent_bureau", "yes": 4, "no": 0, "unsaid": 1}}
    place = file()
    assert missing not in told(place, "data_register")["unknown"]
    (row,) = rows(place, "data_register", "Consents, in rows by their customer's word")
    assert (row["table"], row["unsaid"]) == ("bureau_reports", 1)


def test_a_page_names_the_unknown_where_it_stands_and_at_its_end(file):
    page = (file() / "materiality.html").read_text(encoding="utf-8")
    assert '<td class="status could_not_run">unknown</td>' in page
    assert "decisions a year: evidence.judged.economics.exposure.decisions isn&#39;t there" in page


def test_a_feature_is_flagged_by_the_columns_it_is_made_of(file, columns):
    columns["bureau_score"]["from"] = ["bureau_reports.score", "customers.birth_date"]
    columns["ltv"]["from"] = ["applications.shoe_size"]
    place = file()
    flags = {
        row["feature"]: row["prohibited basis"] for row in rows(place, "feature_dictionary", "Features used")
    }
    assert flags == {"bureau_score": True, "ltv": None}
    assert told(place, "feature_dictionary")["unknown"] == [
        "prohibited basis of ltv: evidence.features.columns doesn't say",
        "prohibited basis of late_payments_12m: evidence.features.absent doesn't say",
    ]


@pytest.mark.parametrize(
    ("made_of", "flag"),
    [
        (["customers.sex"], True),
        (["customers.birth_date", "applications.amount"], True),
        (["applications.amount"], False),
        (["applications.nothing", "customers.sex"], None),
        ([], None),
        (None, None),
    ],
)
def test_the_flag_of_a_prohibited_basis(made_of, flag):
    assert data.prohibited(made_of) is flag


def test_a_feature_without_a_reason_stands_in_the_reason_map(file, parts):
    assert rows(file(), "reason_map", "Features of the model without a reason") == []
    del parts["reasons.json"]["reasons"][1]
    assert rows(file(), "reason_map", "Features of the model without a reason") == [{"feature": "ltv"}]


def test_the_monitoring_plan_holds_every_bound_of_the_policy_beside_the_reviews_figure(file, auto, facts):
    found = {row["bound"]: row for row in rows(file(), "monitoring_plan", "Bounds")}
    assert {name: row["is"] for name, row in found.items()} == vars(auto.watching)
    assert found["auc_fall_alarm"]["at the review"] == facts["metrics"]["report"]["auc"]


def test_the_obligations_are_those_of_the_file_on_the_day_of_the_review(file):
    place = file()
    each = {row["obligation"]: row for row in rows(place, "obligations", "Each obligation")}
    assert each["cn-pipl-24-explanation"]["answer"] == "met"
    assert each["us-sr-11-7-validation"]["answer"] == "not_applicable"
    assert each["cn-internet-loans-review"]["answer"] == "not_shown", "nobody can have signed yet"
    counts = {row["answer"]: row["obligations"] for row in rows(place, "obligations", "How they stand")}
    assert sum(counts.values()) == len(each)
    cited = {row["obligation"]: row for row in rows(place, "obligations", "Where each stands")}
    assert set(cited) == set(each)
    assert cited["us-sr-11-7-validation"]["superseded by"] == "SR 26-2 / OCC Bulletin 2026-13"
    assert all(bool(row["doubt"]) is not row["citation is certain"] for row in cited.values())


def test_the_artefacts_hold_as_they_were_filed(file, settings):
    place = file()
    filed = filing.verify(settings, "ally_auto.underwriting_auto", 3)
    assert len(filed.files) == 2 * len(NAMES) + 1
    assert filed.index == place / "index.html"


def test_one_changed_byte_in_any_file_is_found_by_its_name(file, settings):
    place = file()
    for path in sorted(place.iterdir()):
        kept = path.read_bytes()
        path.write_bytes(kept.replace(b"e", b"a", 1))
        name = "the list of artefacts" if path.name == "artefacts.json" else path.name
        with pytest.raises(AlteredError, match=name.replace(".", r"\.")):
            filing.verify(settings, "ally_auto.underwriting_auto", 3)
        path.write_bytes(kept)
    filing.verify(settings, "ally_auto.underwriting_auto", 3)


def test_a_file_that_is_gone_or_new_is_found(file, settings):
    place = file()
    (place / "validation.html").unlink()
    (place / "more.html").write_text("all is well")
    with pytest.raises(AlteredError, match=r"validation\.html is gone; more\.html is in no list"):
        filing.verify(settings, "ally_auto.underwriting_auto", 3)


def test_a_list_that_was_made_to_fit_is_found_by_the_ledger(file, settings):
    place = file()
    (place / "validation.html").write_text("all is well")
    listed = json.loads((place / "artefacts.json").read_text())
    listed["files"]["validation.html"] = filing.digests.of_file(place / "validation.html")
    filing.lake.write_json(place / "artefacts.json", listed)
    with pytest.raises(AlteredError, match="list of artefacts is gone or changed"):
        filing.verify(settings, "ally_auto.underwriting_auto", 3)


def test_a_review_that_wrote_none_is_asked_for_another(settings, made):
    shelf.keep(settings, made)
    body = {"model": made.model, "version": made.version, "evidence": made.digest}
    ledger.of_home(settings.home).append(champions.REVIEW, "ada", body, NOW)
    with pytest.raises(EvidenceError, match="wrote no artefacts"):
        filing.verify(settings, made.model, made.version)


def test_the_same_review_on_the_same_day_is_one_entry_and_on_another_day_another(file, settings):
    first = {path.name: path.read_bytes() for path in file().iterdir()}
    assert first == {path.name: path.read_bytes() for path in file().iterdir()}
    assert len(ledger.of_home(settings.home).entries(champions.REVIEW)) == 1
    file(datetime(2027, 1, 5))
    assert len(ledger.of_home(settings.home).entries(champions.REVIEW)) == 2
    filing.verify(settings, "ally_auto.underwriting_auto", 3)


def test_nothing_of_an_earlier_review_stays_beside_the_new(file):
    place = file()
    (place / "stray.html").write_text("old")
    assert not (file() / "stray.html").exists()


def test_a_part_or_a_policy_that_the_evidence_doesnt_bind_is_refused(facts, auto, ground, policy_text):
    bound = ground(facts, auto)
    texts = {f"{stem}.json": json.dumps(part).encode() for stem, part in bound.parts.items()}
    basis.bind(bound.evidence, auto, texts)
    with pytest.raises(AlteredError, match=r"strategy\.json hashes to"):
        basis.bind(bound.evidence, auto, {**texts, "strategy.json": b"{}"})
    with pytest.raises(EvidenceError, match=r"card\.json isn't there"):
        basis.bind(bound.evidence, auto, {name: text for name, text in texts.items() if name != "card.json"})
    looser = policy.parse(policy_text.replace("floor = 0.58", "floor = 0.50"), "p.toml")
    with pytest.raises(PolicyChangedError):
        basis.bind(bound.evidence, looser, texts)


def test_a_script_in_a_fact_is_shown_and_not_run(file, facts, columns):
    facts["trained_by"] = facts["requested_by"] = EVIL
    columns["ltv"]["owner"] = EVIL
    for path in file().glob("*.html"):
        page = path.read_text(encoding="utf-8")
        assert "<script" not in page
        assert "default-src &#39;none&#39;" in page
    assert "&lt;script&gt;" in (file() / "model_inventory.html").read_text(encoding="utf-8")


def test_two_texts_are_two_and_two_numbers_an_interval():
    assert filing.shown(["reviewer", "risk_officer"]) == "reviewer, risk_officer"
    assert filing.shown([0.5, 0.75]) == "0.5 to 0.75"
    assert filing.shown(None) == "–"


def test_what_stands_below_a_path_is_said_leaf_by_leaf():
    facts = {
        "evidence": {
            "judged": {"curve": [{"rows": 5, "auc": [0.5, 0.7]}, {"rows": 9, "auc": None}], "by": {}}
        }
    }
    assert leaves("", facts, "evidence.judged").rows == (
        ("curve.0.rows", 5), ("curve.0.auc", [0.5, 0.7]), ("curve.1.rows", 9), ("curve.1.auc", None),
    )  # fmt: skip
    assert leaves("", facts, "evidence.other").rows == ()


def test_a_fact_is_read_at_its_path_or_not_at_all():
    facts = {"evidence": {"a": {"b": 0}}}
    assert at(facts, "evidence.a.b") == 0
    assert at(facts, "evidence.a.c") is None
    with pytest.raises(reading.UnreadableFact):
        reading.at(facts, "evidence", "a", "c")
