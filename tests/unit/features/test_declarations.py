"""What is declared to Feast is what the recipes make, the schema allows and the reasons word."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from typing import Any

import pytest
from pyarrow import parquet

from loanbook import lines
from loanbook.errors import FeatureError, TrainingError
from loanbook.features import store, tables
from loanbook.features.permits import permits
from loanbook.features.store import Feature, declared
from loanbook.intake import mapping
from loanbook.schema import TABLES, Privacy, Purpose, Response, Uplift
from loanbook.settings import ROOT
from loanbook.training import reasons

SERVICES = ("underwriting_auto", "underwriting_consumer")
ON_THE_BOOK = ("early_warning_auto", "early_warning_consumer")


def test_every_recipe_has_a_view_of_its_columns_and_types_and_every_view_a_recipe(small: Any) -> None:
    declared = {view.name: view for view in store.views(small.settings, small.features)}
    types = {
        feature.name: feature.type for service in small.services.values() for feature in service.features
    }
    recipes = {recipe.name: recipe for recipe in tables.recipes()}

    assert declared.keys() == recipes.keys()
    for name, view in declared.items():
        shape = parquet.read_schema(small.features.folder / f"{name}.parquet")
        keys = {recipes[name].key, "available_at"}
        assert view.key == recipes[name].key
        assert set(shape.names) - keys == set(view.features), name
        for feature in view.features:
            wanted = {"Float64": "double", "String": "string"}[types[feature]]
            assert str(shape.field(feature).type) == wanted, feature


@pytest.mark.parametrize("service", SERVICES)
def test_every_feature_says_of_which_columns_it_is_made(small: Any, service: str) -> None:
    for feature in small.services[service].features:
        assert feature.columns, feature.name
        assert feature.purpose == "underwriting"
        assert feature.owner
        for column in feature.columns:
            table, _, name = column.partition(".")
            found = TABLES[table].column(name)
            assert Purpose.UNDERWRITING in found.purposes, (feature.name, column)
            assert found.privacy in (Privacy.OPEN, Privacy.PERSONAL), (feature.name, column)


@pytest.mark.parametrize("service", SERVICES)
def test_every_feature_is_permitted_to_underwrite_by_all_its_columns(small: Any, service: str) -> None:
    given = permits(small.services[service].features)

    assert given.keys() == {feature.name for feature in small.services[service].features}
    for name, permit in given.items():
        assert "underwriting" in permit["purposes"], name
        assert permit["privacy"] in ("open", "personal"), name


def test_a_permit_is_as_close_as_the_closest_column_and_shares_every_columns_purpose() -> None:
    mixed = Feature("mixed", "v", "Float64", "o", "underwriting", 1, ("applications.amount", "customers.sex"))
    goods = Feature("goods", "v", "Float64", "o", "underwriting", 1, ("vehicles.make",))

    given = permits([mixed, goods])

    assert given["mixed"]["privacy"] == "protected"
    assert given["mixed"]["purposes"] == []
    assert given["goods"]["privacy"] == "open"
    assert "valuation" in given["goods"]["purposes"]


def test_the_vehicle_belongs_to_auto_alone(small: Any) -> None:
    auto, consumer = ({feature.name for feature in small.services[name].features} for name in SERVICES)

    assert consumer < auto
    assert {name.partition("_")[0] for name in auto - consumer} == {
        "vehicle", "dealer", "ltv", "loan",
    }  # fmt: skip


def test_what_links_tell_serves_fraud_and_underwrites_nothing(small: Any) -> None:
    fraud = {feature.name: feature for feature in small.services["fraud"].features}
    told = {name for name, feature in fraud.items() if feature.view in ("links", "strangers", "referrals")}

    assert {"component_size", "neighbour_bad_share", "key_new_7d", "device_strangers"} <= told
    assert "referral_chain" in told
    for service in SERVICES:
        assert not told & {feature.name for feature in small.services[service].features}
        assert not {f for f in small.services[service].features if any("links." in c for c in f.columns)}
    for name, permit in permits(small.services["fraud"].features).items():
        assert "fraud" in permit["purposes"], name
        assert permit["privacy"] != "protected", name
        assert ("underwriting" in permit["purposes"]) == (name not in told), name


def test_a_services_digest_follows_its_features(small: Any) -> None:
    again = store.service(small.settings, small.features, "underwriting_auto")

    assert again == small.services["underwriting_auto"]
    assert again.digest != small.services["underwriting_consumer"].digest


@pytest.mark.parametrize("columns", [(), ("customers.shoe_size",), ("shoes.size",)])
def test_a_feature_of_no_known_column_is_refused(columns: tuple[str, ...]) -> None:
    with pytest.raises(FeatureError, match="speed"):
        declared.refuse_unknown("speed", columns)


@pytest.mark.parametrize("service", ON_THE_BOOK)
def test_every_feature_of_the_book_is_permitted_to_service_by_all_its_columns(
    small: Any, service: str
) -> None:
    given = permits(small.services[service].features)

    assert {"loan_dpd", "loan_paid_share_6m", "loan_rate"} <= given.keys()
    for feature in small.services[service].features:
        assert feature.columns, feature.name
        assert "servicing" in given[feature.name]["purposes"], feature.name
        assert given[feature.name]["privacy"] in ("open", "personal"), feature.name


def test_how_a_loan_is_paid_underwrites_nothing_and_finds_no_fraud(small: Any) -> None:
    told = {one.name for one in small.services["early_warning_auto"].features if one.purpose == "servicing"}

    assert {"loan_dpd", "loan_rate", "balance_to_value"} <= told
    for service in (*SERVICES, "fraud"):
        assert not told & {feature.name for feature in small.services[service].features}


@pytest.mark.parametrize("service", [*SERVICES, *ON_THE_BOOK, "application_fraud"])
def test_every_feature_has_one_reason_and_every_reason_speaks_of_features(small: Any, service: str) -> None:
    path = ROOT / "expectations" / "policies" / "reasons.toml"
    worded = [name for one in reasons.parse(path.read_text("utf-8"), path.name) for name in one.features]
    declared = {feature.name for feature in small.services[service].features}
    everywhere = {feature.name for one in small.services.values() for feature in one.features}

    assert declared <= set(worded)
    assert set(worded) <= everywhere
    assert len(worded) == len(set(worded))


def test_every_reason_is_worded_in_both_languages() -> None:
    path = ROOT / "expectations" / "policies" / "reasons.toml"
    for code, entry in tomllib.loads(path.read_text("utf-8"))["reason"].items():
        assert re.fullmatch(r"[A-Z_]+", code)
        assert re.search(r"[a-z]", entry["en"])
        assert re.search(r"[一-鿿]", entry["zh"])


@pytest.mark.parametrize("line", list(lines.LINES.values()), ids=lambda line: line.stem)
def test_what_a_line_holds_monotone_is_a_number_that_its_service_knows(small: Any, line: Any) -> None:
    types = {feature.name: feature.type for feature in small.services[line.feature_service].features}
    if isinstance(line.label, Uplift):  # what it signs are an offer's terms, which no feature tells
        kinds = {one.name: one.type for one in TABLES[line.label.table].columns}
        assert not set(line.label.terms) & set(types)
        types = {name: "Float64" for name in line.label.terms if not kinds[name].startswith("VARCHAR")}

    if isinstance(line.label, Response):  # what it signs is each outcome by each term
        terms = {"dose": line.label.dose, "price": line.label.price}
        kinds = {one.name: one.type for one in TABLES[line.label.table].columns}
        assert not set(terms) & set(types)
        assert not any(kinds[name].startswith("VARCHAR") for name in terms.values())
        types = {f"{outcome}_by_{name}": "Float64" for outcome in ("balance", "pd") for name in terms}

    assert set(line.monotone) <= set(types)
    assert {types[name] for name in line.monotone} == {"Float64"}
    assert set(line.monotone.values()) <= {-1, 1}


def test_a_lines_name_is_found_and_a_wrong_one_is_refused() -> None:
    assert [line.name for line in lines.of_products(["auto"])] == ["underwriting/auto"]
    assert lines.of_products(["boats"]) == ()
    assert "fraud" not in {line.name for line in lines.of_products(["auto", "consumer"])}
    assert lines.find("fraud").product is None
    assert [line.name for line in lines.of_defaults()] == ["underwriting/auto", "underwriting/consumer"]
    with pytest.raises(TrainingError, match=r"no line underwriting/boats.*underwriting/auto"):
        lines.find("underwriting/boats")


def test_a_dataset_may_state_a_lines_window_and_nothing_else() -> None:
    line = lines.find("underwriting/consumer")

    adapted = lines.adapted(line, {"window_months": 3, "report_from": "2017-01-01"})

    assert adapted.label.window_months == 3
    assert adapted.label.days_past_due == line.label.days_past_due
    assert adapted.monotone == line.monotone


def test_a_dataset_may_state_how_often_a_loan_on_the_book_is_looked_at() -> None:
    line = lines.find("early_warning/auto")

    assert lines.adapted(line, {"every_months": 1, "report_newcomers": True}).label == replace(
        line.label, every_months=1
    )
    assert line.label.days_past_due == 60
    assert line.recurs
    assert not lines.find("underwriting/auto").recurs


# Every raw column that tells the outcome, by dataset; what data/ delivers is described in docs.
OUTCOMES = {
    "ally_auto": (
        "Y X Xc C D R risk_cat_ir BAL[0-9]* PRC[0-9]* PMT[0-9]* REC[0-9]* REP[0-9]* reportingPeriod\\w*"
        " currentDelinquencyStatus chargedoffPrincipalAmount recoveredAmount repossess\\w* total\\w*"
        " actual\\w* next\\w* interestPaidThroughDate"
    ),
    "superlender": "good_bad_flag closeddate firstrepaiddate firstduedate totaldue approveddate",
    "lending_club": (
        "total_pymnt\\w* total_rec_\\w* recoveries collection_recovery_fee out_prncp\\w* last_pymnt_\\w*"
        " last_credit_pull_d debt_settlement_\\w* hardship_\\w* settlement_\\w* int_rate grade sub_grade"
    ),
    "world": "collections_stage",
}
# Outcomes stand in these tables alone, and each row joins only from its available_at on.
LEDGERS = {"loans", "repayments", "recoveries", "cases", "contacts"}


@pytest.mark.parametrize("dataset", sorted(OUTCOMES))
def test_no_feature_is_made_of_an_outcome(small: Any, dataset: str) -> None:
    mappings = mapping.load(dataset).tables
    used = {
        column
        for service in small.services.values()
        for feature in service.features
        for column in feature.columns
    }
    read = {column.partition(".")[0] for column in used} - LEDGERS
    assert read == {
        "applications", "customers", "bureau_reports", "vehicles", "transactions", "links", "market",
    }  # fmt: skip

    for table in read & mappings.keys():
        sql = re.sub(r"--[^\n]*|'[^']*'", " ", mappings[table])
        for column in OUTCOMES[dataset].split():
            assert not re.search(rf"\b{column}\b", sql), f"{dataset}/{table}.sql reads {column}"


def test_what_investigators_found_reaches_no_underwriting(small: Any) -> None:
    for service in SERVICES:
        used = {column for feature in small.services[service].features for column in feature.columns}
        assert not any(column.startswith("cases.") for column in used)
    for recipe in tables.recipes():
        assert recipe.purpose == "fraud" or "cases" not in recipe.reads, recipe.name
    for column in TABLES["cases"].columns:
        clock = column.name in ("event_at", "available_at")
        assert clock or column.purposes == {Purpose.FRAUD, Purpose.VALIDATION}, column.name


def test_what_became_of_this_loan_is_out_of_every_features_reach(small: Any) -> None:
    used = {
        column for name in (*SERVICES, "fraud") for f in small.services[name].features for column in f.columns
    }

    assert {column for column in used if column.startswith("loans.")} <= {
        "loans.principal", "loans.term_months", "loans.instalment", "loans.event_at", "loans.available_at",
        "loans.loan_id",
    }  # fmt: skip
    assert not any(column.startswith(("recoveries.", "contacts.")) for column in used)
    assert not used & {"applications.decision", "applications.randomised", "loans.rate"}


def test_an_offer_knows_nothing_that_only_a_lender_may_know(small: Any) -> None:
    told = small.services["uptake"].features
    given = permits(told)
    assert {one.purpose for one in told} == {"marketing"}
    for feature in told:
        assert "marketing" in given[feature.name]["purposes"], feature
        assert given[feature.name]["privacy"] in {"open", "personal"}
    columns = {column for feature in told for column in feature.columns}
    assert not columns & {"applications.declared_income", "customers.region", "loans.principal"}
    assert not any(
        column.startswith(("bureau_reports.", "repayments.", "transactions.")) for column in columns
    )


def test_of_who_did_not_agree_to_offers_nothing_is_known_to_one(small: Any) -> None:
    agreed = {row["customer_id"] for row in small.rows["customers"] if row["consent_marketing"]}
    known = {row["customer_id"] for row in small.table("outreach")}
    assert known
    assert known <= agreed
