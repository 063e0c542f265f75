"""The fairness job: what it joins, what it says, and that nobody else can join it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet

from loanbook import digests
from loanbook.errors import EvidenceError, PolicyError
from loanbook.governance import fairly, firewall, parity, policy
from loanbook.governance.fairly import Search, Subject
from loanbook.governance.ledger import of_home
from loanbook.governance.policy import Policy
from loanbook.schema import TABLES
from loanbook.settings import Settings
from loanbook.training import bundle, splits
from loanbook.training.candidate import Order
from loanbook.training.candidates import Made
from loanbook.training.fairness.alternatives import Bounds

from .conftest import draw

ROOT = Path(__file__).resolve().parents[3]
MANY = 12_000
PROTECTED = ["birth_date", "sex", "marital_status", "ethnicity"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"), repo=ROOT)


@pytest.fixture(scope="module")
def rules() -> Policy:
    path = ROOT / "expectations/policies/underwriting_consumer.toml"
    return policy.parse(path.read_text(encoding="utf-8"), str(path))


@pytest.fixture(scope="module")
def many(order: Order, tmp_path_factory: pytest.TempPathFactory) -> Order:
    """Enough people for rates by group in every sample."""
    path = tmp_path_factory.mktemp("many") / "frame.parquet"
    parquet.write_table(draw(MANY), path)
    return replace(order, frame=path, frame_digest=digests.of_file(path))


@pytest.fixture(scope="module")
def subject(make: Callable[..., Made], many: Order, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    made = make(ordered=many)
    stored, table = parquet.read_table(made.predictions), parquet.read_table(many.frame)
    places = pc.index_in(stored["application_id"], value_set=table["application_id"].combine_chunks())
    known = table.take(pa.array(places.to_numpy(zero_copy_only=False)))
    sample = np.array(stored["sample"].to_pylist())
    return Subject(
        bundle=bundle.read(made.bundle),
        key="application_id",
        stored=stored,
        known=known,
        bad=np.array(stored["bad"].to_pylist()),
        rows={name: sample == name for name in splits.SAMPLES},
        published={"customers": _customers(known, tmp_path_factory.mktemp("published"))},
        absent_columns={"customers": ()},
    )


def _customers(known: pa.Table, folder: Path) -> Path:
    """Draw people: who rents is mostly of the smaller ethnic group, sex is chance, and some say nothing."""
    chance = np.random.default_rng(8)
    housing = dict(zip(known["customer_id"].to_pylist(), known["housing"].to_pylist(), strict=True))
    names = sorted(housing)
    rents = np.array([housing[name] == "rent" for name in names])
    minority = np.where(rents, chance.random(len(names)) < 0.9, chance.random(len(names)) < 0.15)
    sex = np.array(["female", "male", None], dtype=object)[chance.choice(3, len(names), p=[0.48, 0.48, 0.04])]
    born = [date(1960, 1, 1) + timedelta(days=int(days)) for days in chance.integers(0, 15000, len(names))]
    path = folder / "customers.parquet"
    table: dict[str, Any] = {
        one.name: pa.nulls(len(names), pa.string()) for one in TABLES["customers"].columns
    }
    table |= {
        "customer_id": names,
        "birth_date": born,
        "sex": pa.array(sex.tolist(), pa.string()),
        "marital_status": ["single"] * len(names),
        "ethnicity": np.where(minority, "Hui", "Han").tolist(),
    }
    parquet.write_table(pa.table(table), path)
    return path


@pytest.fixture(scope="module")
def search(rules: Policy) -> Search:
    return replace(fairly.asked(rules), bounds=Bounds(0.05, 0.12, 0.05))


@pytest.fixture(scope="module")
def judged(place: Settings, subject: Subject, search: Search) -> dict[str, Any]:
    return fairly.judge(place, subject, search)


def test_every_protected_attribute_of_the_dataset_is_judged(judged: dict[str, Any]) -> None:
    assert judged["protected_attributes"] == PROTECTED
    for part in ("ratios", "groups", "measures", "proxies", "judged_together", "too_few"):
        assert list(judged[part]) == PROTECTED
    assert set(judged["groups"]["sex"]) == {"female", "male", "unknown"}
    assert sum(one["rows"] for one in judged["groups"]["ethnicity"].values()) > 300
    bands = set(judged["groups"]["birth_date"]) - {"judged together"}
    assert bands <= {"under 25", "25 to 39", "40 to 61", "62 and over"}


def test_a_planted_proxy_among_the_features_is_named(judged: dict[str, Any]) -> None:
    told = judged["proxies"]["ethnicity"]["groups"]

    assert len(told) == 1, "one of two groups mirrors the other"
    one = next(iter(told.values()))
    assert one["auc_interval"][0] > 0.6
    assert one["carriers"][0]["feature"] == "housing"
    assert judged["proxies"]["sex"]["proxy_auc"] < 0.6


def test_one_group_alone_is_no_comparison(judged: dict[str, Any]) -> None:
    assert judged["ratios"]["marital_status"] is None
    assert "marital_status" in judged["alternatives"]["left_out"]


def test_judging_twice_gives_the_same_figures_in_plain_json(
    place: Settings, subject: Subject, search: Search, judged: dict[str, Any]
) -> None:
    assert fairly.judge(place, subject, search) == judged
    assert json.loads(json.dumps(judged, allow_nan=False)) == judged


def test_no_search_is_made_that_nobody_asked_for(place: Settings, subject: Subject, rules: Policy) -> None:
    assert fairly.demanded(rules) is None
    assert fairly.judge(place, subject, None)["alternatives"] == {"unmeasured": fairly.NOT_ASKED}


def test_a_gate_that_asks_for_an_alternative_demands_the_search(rules: Policy) -> None:
    path = ROOT / "expectations/policies/underwriting_consumer.toml"
    gate = '\n[gates.fairer]\nkind = "alternative"\nceiling = 0.02\nwhy = "It is asked"\n'
    asking = policy.parse(path.read_text(encoding="utf-8") + gate, "asking")

    assert fairly.demanded(asking) == fairly.asked(rules)
    with pytest.raises(PolicyError, match="states no loss of AUC"):
        fairly.asked(replace(rules, fairness=None))


def test_a_dataset_without_protected_columns_is_said_to_have_none(
    place: Settings, subject: Subject, search: Search
) -> None:
    bare = replace(subject, absent_columns={"customers": PROTECTED})
    for one in (bare, replace(subject, published={}, absent_columns={})):
        found = fairly.judge(place, one, search)
        assert (found["protected_attributes"], found["ratios"]) == ([], {})
        assert found["alternatives"] == {"unmeasured": fairly.NO_ATTRIBUTE}


def test_predictions_in_another_order_than_the_people_are_refused(place: Settings, subject: Subject) -> None:
    turned = subject.stored.take(pa.array(np.arange(subject.stored.num_rows)[::-1]))
    with pytest.raises(EvidenceError, match="not in order"):
        fairly.judge(place, replace(subject, stored=turned), None)


def test_no_other_module_joins_a_protected_column() -> None:
    """The firewall: features, training and serving have no word of it; the schema and the job have."""
    names = [f'"{name}"' for name in PROTECTED] + [f".{name}" for name in PROTECTED]
    rooms = [
        ROOT / "feature_repo",
        *(ROOT / "loanbook" / room for room in ("training", "features", "lending")),
    ]
    found = [
        path.relative_to(ROOT).as_posix()
        for room in rooms
        for path in room.rglob("*.py")
        if any(name in path.read_text(encoding="utf-8") for name in names)
    ]
    assert found == []


def test_the_job_leaves_a_record_under_its_hash_a_page_and_an_entry(
    place: Settings, rules: Policy, judged: dict[str, Any]
) -> None:
    made = {"model": "world.underwriting_consumer", "version": 1, "dataset": "world", "bundle": "ab" * 32}
    made |= {"predictions": "cd" * 32, "publication": "ef" * 32}
    left = firewall.write(place, made, judged, rules, datetime(2026, 11, 23))
    again = firewall.write(place, made, judged, rules, datetime(2026, 11, 24))

    assert digests.of_file(left.path) == left.digest == again.digest
    told = json.loads(left.path.read_text(encoding="utf-8"))
    assert told["fairness"] == judged
    assert (told["policy"], told["jurisdiction"]) == (rules.digest, "CN")
    entries = of_home(place.home).entries(firewall.FAIRNESS)
    assert [entry.body["record"] for entry in entries] == [left.digest]
    page = left.page.read_text(encoding="utf-8")
    assert "Do the features tell the group?" in page
    assert "housing" in page


def test_every_table_on_groups_is_made_from_what_was_judged(judged: dict[str, Any]) -> None:
    tables = parity.tables({"fairness": judged})

    assert [table.title for table in tables if table.absent] == []
    assert all(len(row) == len(table.heads) for table in tables for row in table.rows)
    rows = {(row[0], row[1]): row for row in tables[0].rows}
    ratio = judged["measures"]["ethnicity"]["selection_ratio"]
    assert rows["ethnicity", "selection ratio"][2:4] == [ratio["figure"], ratio["interval"]]
    assert any("housing" in str(cell) for row in tables[2].rows for cell in row)


def test_a_table_whose_facts_are_not_there_says_so() -> None:
    bare = {"protected_attributes": ["sex"], "ratios": {"sex": 0.9}}
    tables = parity.tables({"fairness": bare})

    assert len(tables) == 4
    assert all("is missing" in table.absent for table in tables)
    assert parity.tables({"fairness": {"protected_attributes": [], "ratios": {}}}) == ()
    unasked = parity.tables({"fairness": {**bare, "alternatives": {"unmeasured": fairly.NOT_ASKED}}})[3]
    assert unasked.absent == f"not searched: {fairly.NOT_ASKED}"


def test_groups_too_small_even_together_are_named_among_the_limits() -> None:
    facts = {"fairness": {"too_few": {"ethnicity": ["Hui", "Mongol"], "sex": []}}}
    assert parity.unmeasured(facts) == ["Too small to be compared, even together, by ethnicity: Hui, Mongol."]
