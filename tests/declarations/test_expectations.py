"""Every rule can fail, and both judges mean the same by it.

Rows are made from each suite itself: values just inside, on, and just outside every limit, every kind and no
kind, broken texts, impossible clocks, doubled keys, unknown parents.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loanbook.errors import DatasetError
from loanbook.intake import pushdown, quality
from loanbook.intake.mapping import Dataset, Place, RawSource
from loanbook.intake.rules import Rule, Suite, Verdict
from loanbook.intake.snapshots import Reading, Snapshot
from loanbook.schema import REFERENCES, TABLES, Column, Table
from loanbook.settings import ROOT, Settings

Row = dict[str, Any]
SUITES_FOLDER = ROOT / "expectations"
NOON = datetime(2020, 5, 17, 12)
PARENT = "known"
PLACE = Place(lat=(47.0, 55.0), lon=(5.0, 15.0))
DATASET = Dataset(
    name="generated",
    title="",
    currency="EUR",
    country="DE",
    licence="",
    folder=Path(),
    as_of=None,
    place=PLACE,
    raw=(RawSource("none", (), "csv"),),
    tables={},
    lines={},
)
# what breaks a rule on a column that is derived or supplied
BREAKS: Mapping[str, Row] = {
    "_readable": {"_broken": "amount=many"},
    "_first_of_key": {},
    "_place_inside": {"lat": 8.5, "lon": 50.5},
    "event_year": {"event_at": datetime(1900, 1, 1)},
    "available_year": {"available_at": datetime(2999, 1, 1)},
    "age_years": {"birth_date": date(2019, 1, 1)},
    "model_year_ahead": {"model_year": 2060},
}


@pytest.fixture(scope="module")
def suites() -> Mapping[str, Suite]:
    return quality.load_suites(SUITES_FOLDER)


def value(column: Column, suite: Suite) -> Any:
    """Make a value that breaks no rule on its own column."""
    for rule in suite.rules:
        if rule.columns == (column.name,) and "value_set" in rule.kwargs:
            return rule.kwargs["value_set"][0]
    limits = [
        (rule.kwargs.get("min_value", -math.inf), rule.kwargs.get("max_value", math.inf))
        for rule in suite.rules
        if rule.columns == (column.name,) and column.type not in {"VARCHAR", "DATE"}
    ]
    low, high = max((each[0] for each in limits), default=0), min((each[1] for each in limits), default=1)
    if column.type in {"TIMESTAMP", "DATE"}:
        return NOON if column.type == "TIMESTAMP" else date(1980, 1, 1)
    if column.type == "BOOLEAN":
        return True
    if column.type == "VARCHAR":
        return "2024-07" if column.name == "month" else "text"
    whole = low + 1 if math.isinf(high) else (low + high) / 2
    return int(whole) if column.type == "INTEGER" else whole


def clean(table: Table, suite: Suite, key: str) -> Row:
    """Make a row that breaks no rule."""
    row = {column.name: value(column, suite) for column in table.columns}
    row |= dict.fromkeys((name for name, _ in REFERENCES.get(table.name, ())), PARENT)
    if "lat" in row:
        row |= {"lat": 50.0, "lon": 10.0}
    if "model_year" in row:
        row["model_year"] = 2019
    return row | {table.key: "2024-07" if table.name == "market" else key, "_broken": None}


def breaking(rule: Rule, table: Table, suite: Suite) -> list[Row]:
    """Make rows of which at least one breaks a rule."""
    column = rule.columns[-1] if rule.columns else ""
    row = clean(table, suite, f"breaks {rule.id}")
    if column in BREAKS:
        twins = [row] if column == "_first_of_key" else []
        return [*twins, row | BREAKS[column]]
    if column.endswith("__known"):
        return [row | {column.removesuffix("__known"): "unknown"}]
    if rule.expectation.endswith("not_be_null"):
        return [row | {column: None}]
    if rule.expectation.endswith("in_set"):
        return [row | {column: "no such kind"}]
    if "lengths" in rule.expectation:
        return [row | {column: ""}]
    if rule.expectation.endswith("not_match_regex"):
        return [row | {column: "caf\u00c3\u00a9 \ufffd"}]
    if rule.expectation.endswith("match_regex"):
        return [row | {column: "2024-13"}]
    if "pair" in rule.expectation:
        return [row | {"event_at": datetime(2020, 5, 18), "available_at": NOON}]
    if rule.kwargs.get("min_value") is not None:
        return [row | {column: rule.kwargs["min_value"] - 1}]
    return [row | {column: rule.kwargs["max_value"] + 1}]


def frozen(folder: Path, table: Table, rows: list[Row]) -> Snapshot:
    """Write rows as a snapshot is written: typed, with provenance, in order of key and row."""
    path = folder / f"{table.name}-{len(list(folder.iterdir()))}.parquet"
    types = {column.name: column.type for column in table.columns}
    types |= {"_file": "VARCHAR", "_row": "BIGINT", "_broken": "VARCHAR"}
    columns = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE made ({columns})")
        for number, row in enumerate(rows, 1):
            full = {"_file": "made.csv", "_row": number, "_broken": None} | row
            marks = ", ".join("?" for _ in types)
            connection.execute(f"INSERT INTO made VALUES ({marks})", [full.get(name) for name in types])
        connection.execute(
            f"COPY (FROM made ORDER BY \"{table.key}\", _file, _row) TO '{path}' (FORMAT parquet)"
        )
    return Snapshot(table.name, path.name, path, len(rows), ())


def reading_of(folder: Path, table: Table, rows: list[Row], suites: Mapping[str, Suite]) -> Reading:
    """Read rows beside one known row of each table that they refer to."""
    parents = [
        frozen(folder, TABLES[parent], [clean(TABLES[parent], suites[parent], PARENT)])
        for _, parent in REFERENCES.get(table.name, ())
    ]
    return Reading("generated", "", NOON, (frozen(folder, table, rows), *parents))


def judged(folder: Path, table: Table, rows: list[Row], suites: Mapping[str, Suite]) -> Verdict:
    """Judge rows for real; a disagreement of the two judges raises."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    reading = reading_of(folder, table, rows, suites)
    return quality.judge(Settings(home=home, threads=1), DATASET, reading, suites[table.name])


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_rule_can_fail_and_a_clean_row_breaks_none(table, suites, tmp_path):
    suite = suites[table.name]
    rowwise = [rule for rule in suite.rules if rule.broken is not None]
    rows = [clean(table, suite, PARENT)]
    verdict = judged(tmp_path, table, rows, suites)
    assert (verdict.action, verdict.held, [each for each in verdict.rules if not each.passed]) == (
        "pass",
        0,
        [],
    )
    rows += [row for rule in rowwise for row in breaking(rule, table, suite)]
    verdict = judged(tmp_path, table, rows, suites)
    unbroken = [each.rule for each in verdict.rules if each.broken == 0 and each.rule != "some_rows"]
    assert unbroken == []
    assert [each.rule for each in verdict.blocking] == ["few_held"]
    assert 0 < verdict.held < len(rows)


@pytest.mark.parametrize("table", ["customers", "market"])
def test_a_table_without_rows_is_blocked_and_nothing_else_is_wrong_with_it(table, suites, tmp_path):
    verdict = judged(tmp_path, TABLES[table], [], suites)
    assert (verdict.action, [each.rule for each in verdict.blocking]) == ("block", ["some_rows"])
    assert [each.rule for each in verdict.rules if not each.passed] == ["some_rows"]


def edges(column: Column, suite: Suite) -> st.SearchStrategy[Any]:
    """Draw values around everything that the suite says of a column."""
    if column.type == "TIMESTAMP":
        return st.sampled_from(
            [
                None,
                NOON,
                datetime(1979, 12, 31, 23, 59, 59, 999999),
                datetime(1980, 1, 1),
                datetime(2101, 1, 1),
            ]
        )
    if column.type == "DATE":
        return st.sampled_from(
            [None, date(1, 1, 1), date(1909, 1, 1), date(1980, 1, 1), date(2004, 5, 17), date(9999, 1, 1)]
        )
    if column.type == "BOOLEAN":
        return st.sampled_from([None, True, False])
    rules = [rule for rule in suite.rules if column.name in rule.columns]
    if column.type == "VARCHAR":
        kinds = [kind for rule in rules for kind in rule.kwargs.get("value_set", ())]
        odd = [
            "",
            "\ufffd",
            "cafÃ©",
            "â€œ",
            "锟斤拷",
            "赵\n",
            "2024-07",
            "2024-07\n",
            "2024-7",
            "\x85",
            "x\x00",
            "🤦🏼",
        ]
        return st.one_of(st.none(), st.sampled_from([*kinds, *odd]), st.text(max_size=3))
    limits = [
        rule.kwargs[name] for rule in rules for name in ("min_value", "max_value") if name in rule.kwargs
    ]
    step = 1 if column.type == "INTEGER" else 0.01
    around = [limit + shift for limit in [*limits, 0, 1000] for shift in (-step, 0, step)]
    return st.sampled_from([None, *(int(each) if column.type == "INTEGER" else each for each in around)])


def rows_of(table: Table, suite: Suite) -> st.SearchStrategy[list[Row]]:
    """Draw rows whose keys double and whose parents are known, unknown or null."""
    columns = {column.name: edges(column, suite) for column in table.columns}
    columns |= {
        name: st.sampled_from([None, PARENT, "unknown"]) for name, _ in REFERENCES.get(table.name, ())
    }
    columns[table.key] = st.one_of(
        st.none(), st.sampled_from(["a", "b", "2024-07", "2024-07\n", "2024-13"]), st.text(max_size=2)
    )
    columns["_broken"] = st.sampled_from([None, None, None, "x=1"])
    return st.lists(st.fixed_dictionaries(columns), min_size=40, max_size=60)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_great_expectations_and_duckdb_say_the_same_of_every_rule(table, suites, tmp_path_factory):
    @settings(
        max_examples=2,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(rows_of(table, suites[table.name]))
    def agree(rows: list[Row]) -> None:
        verdict = judged(tmp_path_factory.mktemp("made"), table, rows, suites)
        assert verdict.judged_by_gx == len(rows)

    agree()


MORE = """
import great_expectations.expectations as gxe


def said(rule):
    return {"meta": {"rule": rule, "action": "note", "because": "so"}}


RULES = (
    gxe.ExpectColumnValuesToBeUnique(column="merchant", **said("unique")),
    gxe.ExpectColumnValuesToBeBetween(
        column="amount", min_value=0, max_value=10, strict_min=True, strict_max=True, **said("open")
    ),
    gxe.ExpectColumnValuesToBeBetween(column="amount", max_value=10, **said("below")),
    gxe.ExpectColumnValuesToBeInSet(column="amount", value_set=[0, 10.01], **said("numbers")),
    gxe.ExpectColumnValueLengthsToBeBetween(
        column="merchant", min_value=1, max_value=2, strict_max=True, **said("short")
    ),
    gxe.ExpectColumnValuesToMatchRegex(column="merchant", regex="^(?:a|b)?[^x]*$", **said("whole")),
    gxe.ExpectColumnValuesToMatchRegex(column="merchant", regex="[a-z$]$", **said("ends")),
    gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A="available_at", column_B="event_at", ignore_row_if="either_value_is_missing", **said("later")
    ),
    gxe.ExpectTableRowCountToBeBetween(min_value=1, max_value=50, **said("size")),
)
"""


def test_both_judges_agree_on_every_kind_of_rule_that_can_be_pushed_down(suites, tmp_path_factory):
    folder = tmp_path_factory.mktemp("more")
    for path in SUITES_FOLDER.glob("*.py"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "transactions.py").write_text(MORE)
    suite = quality.load_suites(folder)["transactions"]
    assert {rule.expectation for rule in suite.rules} | {
        rule.expectation for each in suites.values() for rule in each.rules
    } == set(pushdown.SAID)

    @settings(
        max_examples=5,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(rows_of(TABLES["transactions"], suite))
    def agree(rows: list[Row]) -> None:
        judged(
            tmp_path_factory.mktemp("made"), TABLES["transactions"], rows, {**suites, "transactions": suite}
        )

    agree()


def test_every_rule_of_every_suite_says_why_and_how_grave(suites):
    for suite in suites.values():
        for rule in suite.rules:
            assert rule.because
            assert (
                rule.severity == {"block": "critical", "quarantine": "warning", "note": "info"}[rule.action]
            )


def test_every_table_is_held_to_its_key_its_clocks_and_its_parents(suites):
    for name, suite in suites.items():
        key = TABLES[name].key
        wanted = {"readable", f"{key}_given", f"{key}_once", "event_at_given", "available_at_given"}
        wanted |= {"known_after_event", "some_rows", "few_held"}
        wanted |= {f"{column}_known" for column, _ in REFERENCES.get(name, ())}
        assert wanted <= {rule.id for rule in suite.rules}


def test_a_suite_is_only_what_its_file_says(suites):
    assert set(suites) == set(TABLES)
    with pytest.raises(KeyError):
        suites["loans"].rule("no_such_rule")


def test_a_table_that_the_dataset_does_not_fill_cannot_be_judged(suites, tmp_path):
    with pytest.raises(DatasetError, match="doesn't fill loans"):
        quality.judge(Settings(home=tmp_path), DATASET, Reading("generated", "", NOON, ()), suites["loans"])


def test_orphans_are_not_judged_where_the_parents_are_not_delivered(suites, tmp_path):
    table = TABLES["repayments"]
    row = clean(table, suites[table.name], "a") | {"loan_id": "unknown"}
    reading = replace(Reading("generated", "", NOON, ()), snapshots=(frozen(tmp_path, table, [row]),))
    verdict = quality.judge(Settings(home=tmp_path / "home"), DATASET, reading, suites[table.name])
    assert verdict.action == "pass"
