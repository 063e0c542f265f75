"""Every rule can fail, and both judges mean the same by it.

Rows are made from each suite itself: values just inside, on, and just outside every limit, every kind and no
kind, broken texts, impossible clocks, doubled keys, unknown parents.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from loanbook import lake
from loanbook.errors import DatasetError
from loanbook.intake.book import Book
from loanbook.intake.judging import conditions, finding, measures, pushdown, quality, supplied
from loanbook.intake.judging.rules import Rule, Suite, Verdict
from loanbook.intake.mapping import Dataset, Place, RawSource
from loanbook.intake.readings import Reading, Snapshot, of_file
from loanbook.privacy import tokens
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
EARLIER = {"event_at": datetime(2019, 1, 1), "available_at": datetime(2019, 1, 2)}
# what breaks a rule on a column that is derived or supplied, or on two
BREAKS: Mapping[str, Row] = {
    "_readable": {"_broken": "amount=many"},
    "_first_of_key": {},
    "_first_of_application_id": {},
    "_place_inside": {"lat": 8.5, "lon": 50.5},
    "event_year": {"event_at": datetime(1900, 1, 1)},
    "available_year": {"available_at": datetime(2999, 1, 1)},
    "age_years": {"birth_date": date(2019, 1, 1)},
    "model_year_ahead": {"model_year": 2060},
    "event_at": {"event_at": datetime(2020, 5, 18), "available_at": NOON},
    "place_whole": {"lon": None},
    "pledge_fits_product": {"product": "auto", "vehicle_id": None},
    "amount_to_income": {"amount": 21, "declared_income": 1},
    "debts_to_income": {"declared_debt_payments": 1, "declared_income": 1},
    "control_without_offer": {"offer": "none", "limit_amount": 5},
    "of_its_applicant": {"customer_id": "unknown"},
    "of_its_customer": {"customer_id": "unknown"},
    "of_its_product": {"product": "consumer"},
    "lent_to_asked": {"principal": 100},
    "repaid_to_lent": {"instalment": 0},
    "application_id__event_at": EARLIER,
    "loan_id__event_at": EARLIER,
    "limit_id__event_at": EARLIER,
    "late_to_age": {"days_past_due": 40},
    "balance_to_lent": {"balance": 100},
    "balance_to_limit": {"balance": 100},
    "written_off_to_lent": {"kind": "charge_off", "amount": 100},
    "month_is_its_event": {"month": "2020-06"},
    "value_to_list": {"appraised_value": 100, "list_price": 1},
    "km_when_new": {"condition": "new", "mileage_km": 6000},
    "overdue_within_total": {"overdue_balance": 5, "total_balance": 1},
}
# a failing example is told as it is: to shrink it takes minutes
BOUNDED = settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    database=None,
    phases=[Phase.explicit, Phase.generate],
)
# what breaks a rule on a text
MISWRITTEN: Mapping[str, str] = {
    "month_as_written": "2024-13",
    "name_as_written": "?",
    "id_number_as_written": "7?",
    "phone_as_written": "home@work",
    "phone_has_digits": "1234",
    "bank_account_as_written": "7",
    "ip_as_written": "localhost",
}
WRITTEN: Mapping[str, str] = {
    "month": "2020-05",
    "name": "Ada",
    "id_number": "110108 19870301",
    "phone": "+49 (30) 123-45",
    "bank_account": "DE12 3456",
    "ip": "10.0.0.1",
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
        return WRITTEN.get(column.name, "text")
    whole = low + 1 if math.isinf(high) else (low + high) / 2
    return int(whole) if column.type == "INTEGER" else whole


def clean(table: Table, suite: Suite, key: str) -> Row:
    """Make a row that breaks no rule."""
    row = {column.name: value(column, suite) for column in table.columns}
    row |= dict.fromkeys((name for name, _ in REFERENCES.get(table.name, ())), PARENT)
    if table.name == "loans":
        row["application_id"] = key
    if "lat" in row:
        row |= {"lat": 50.0, "lon": 10.0, "declared_income": 100}
    if "model_year" in row:
        row |= {"model_year": 2019, "mileage_km": 0.0}
    return row | {table.key: "2020-05" if table.name == "market" else key, "_broken": None}


def breaking(rule: Rule, table: Table, suite: Suite) -> list[Row]:
    """Make rows of which at least one breaks a rule."""
    column = rule.columns[-1] if rule.columns else ""
    row = clean(table, suite, f"breaks {rule.id}")
    if rule.id in MISWRITTEN:
        return [row | {column.removesuffix("__shape"): MISWRITTEN[rule.id]}]
    if rule.id in BREAKS:
        return [row | BREAKS[rule.id]]
    if column in BREAKS and not rule.expectation.endswith("not_be_null"):
        double = {table.key: "b"} if column == "_first_of_application_id" else {}
        return [*([row] if column.startswith("_first_of") else []), row | double | BREAKS[column]]
    if column.endswith("__known"):
        return [row | {column.removesuffix("__known"): "unknown"}]
    column = column.removesuffix("__shape")
    if rule.expectation.endswith("not_be_null"):
        return [row | {column: None}]
    if rule.expectation.endswith("in_set"):
        return [row | {column: "no such kind"}]
    if "lengths" in rule.expectation:
        return [row | {column: ""}]
    if rule.expectation.endswith("not_match_regex"):
        return [row | {column: "caf\u00c3\u00a9 \ufffd"}]
    low = rule.kwargs.get("min_value")
    if low is not None:
        return [row | {column: low - (0 if rule.kwargs.get("strict_min") else 1)}]
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
        shapes = "".join(f", {tokens.shape(name)} AS {name}__shape" for name in supplied.shaped(table.name))
        connection.execute(
            f'COPY (SELECT *{shapes} FROM made ORDER BY "{table.key}", _file, _row) '
            f"TO '{path}' (FORMAT parquet)"
        )
    return of_file(table.name, path, len(rows))


def reading_of(folder: Path, table: Table, rows: list[Row], suites: Mapping[str, Suite]) -> Reading:
    """Read rows beside a known row of each table that they refer to; an application for every loan."""
    parents = []
    for column, parent in REFERENCES.get(table.name, ()):
        keys = {PARENT}
        if column == "application_id":
            keys |= {row[column] for row in rows if row[column] not in {None, "unknown"}}
        made = [clean(TABLES[parent], suites[parent], key) for key in sorted(keys)]
        parents.append(frozen(folder, TABLES[parent], made))
    return Reading("generated", NOON, (frozen(folder, table, rows), *parents), Book("generated"), "")


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
    broken = {each.rule for each in verdict.rules if each.broken}
    assert {rule.id for rule in rowwise} - broken == set()
    assert [each.rule for each in verdict.blocking] == ["few_held"]
    assert 0 < verdict.held <= len(rows)


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
            "+49 30 1234",
            "DE٣٤",
            "2001:db8::1",
            "10.0.0.1\n",
            " ",
        ]
        return st.one_of(st.none(), st.sampled_from([*kinds, *odd]), st.text(max_size=3))
    limits = [
        rule.kwargs[name] for rule in rules for name in ("min_value", "max_value") if name in rule.kwargs
    ]
    step = 1 if column.type == "INTEGER" else 0.01
    around = [limit + shift for limit in [*limits, 0, 1000] for shift in (-step, 0, step)]
    odd = [math.nan, math.inf, -math.inf, 5e-324] if column.type == "DOUBLE" else []
    return st.sampled_from(
        [None, *odd, *(int(each) if column.type == "INTEGER" else each for each in around)]
    )


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


@dataclass(frozen=True)
class Both:
    """What both judges say of the same rows: the places that break each rule, or what was measured."""

    frame: pd.DataFrame
    rules: tuple[Rule, ...]
    duckdb: Mapping[str, Any]
    great_expectations: Mapping[str, Any]


def both(folder: Path, reading: Reading, suite: Suite) -> Both:
    """Let both judge every row, and list each broken one."""
    import great_expectations as gx

    home = folder / "home"
    home.mkdir(exist_ok=True)
    with lake.connect(Settings(home=home, threads=1)) as connection:
        lately = pushdown.lately(connection, reading, suite)
        rules = pushdown.find(connection, DATASET, reading, suite, "true", lately)
        listed = connection.execute("SELECT _rules FROM seen ORDER BY _at").fetchall()
        frame = finding._frame(connection, rules)
        ours = {rule.id: [at for at, (broken,) in enumerate(listed) if rule.id in broken] for rule in rules}
        ours |= finding._measures(connection, rules, "FROM seen WHERE _sampled")
    asset = quality._context().data_sources.add_or_update_pandas("both").add_dataframe_asset(suite.table)
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    asked = gx.ExpectationSuite(name=suite.table, expectations=[rule.expects for rule in rules])
    results = batch.validate(asked, result_format={"result_format": "COMPLETE"}).results
    theirs = {each.expectation_config.meta["rule"]: said(each) for each in results}
    return Both(frame, rules, ours, theirs)


def said(each: Any) -> Any:
    """Read the places of the broken rows, or the measure; words say that there was nothing to measure."""
    assert "observed_value" in each.result or "unexpected_index_list" in each.result, each
    if "unexpected_index_list" in each.result:
        return each.result["unexpected_index_list"]
    observed = each.result["observed_value"]
    return None if observed is None or isinstance(observed, str) or math.isnan(observed) else observed


def disagreements(told: Both) -> list[tuple[str, Any, Any]]:
    """List the rules of which the two say different things."""
    pairs = [(rule, told.duckdb[rule.id], told.great_expectations[rule.id]) for rule in told.rules]
    return [
        (rule.id, ours, theirs)
        for rule, ours, theirs in pairs
        if (ours is None) != (theirs is None)
        or (ours is not None and rule.broken is None and ours != pytest.approx(theirs, rel=1e-9))
        or (rule.broken is not None and ours != theirs)
    ]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_row_by_row_both_judges_say_the_same_of_every_rule(table, suites, tmp_path_factory):
    """Every rule is broken by some row and kept by another that has a value, or this proves nothing."""
    suite = suites[table.name]
    rowwise = [rule for rule in suite.rules if rule.broken is not None]
    made = [row for rule in rowwise for row in breaking(rule, table, suite)]
    broken, kept = set(), set()

    @BOUNDED
    @given(rows_of(table, suite))
    def agree(drawn: list[Row]) -> None:
        folder = tmp_path_factory.mktemp("made")
        rows = [clean(table, suite, PARENT), *made, *drawn]
        told = both(folder, reading_of(folder, table, rows, suites), suite)
        assert disagreements(told) == []
        for rule in rowwise:
            given_at = {
                at for at, full in enumerate(told.frame[list(rule.columns)].notna().all(axis=1)) if full
            }
            broken.update([rule.id] if told.duckdb[rule.id] else [])
            kept.update([rule.id] if given_at - set(told.duckdb[rule.id]) else [])

    agree()
    assert {rule.id for rule in rowwise} - broken == set()
    assert {rule.id for rule in rowwise} - kept == set()


def history(
    folder: Path, table: Table, suites: Mapping[str, Suite], months: list[int], shift: float, age: int
) -> Reading:
    """Write so many rows a month, the last of them `age` days old; the newest three months are shifted."""
    suite = suites[table.name]
    small = reading_of(folder, table, [clean(table, suite, PARENT)], suites)
    path = folder / "history.parquet"
    moved = {name for rule in suite.rules if rule.expectation == measures.SPREAD for name in rule.columns[:1]}
    values = [f"'{table.key}-' || m || '-' || n AS {table.key}", "day AS event_at", "day AS available_at"]
    for column in table.columns:
        if column.name in moved:
            value = f"(n % 40 + CASE WHEN late THEN {shift} ELSE 0 END)"
            text = column.type == "VARCHAR"
            made = f"'kind ' || ({value} // 10)::INTEGER" if text else f"{value}::{column.type}"
            values.append(f"CASE WHEN n % 17 > 0 THEN {made} END AS {column.name}")
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE months AS SELECT unnest(?) AS size, unnest(?) AS m", [months, [*range(len(months))]]
        )
        connection.execute(
            f"COPY (SELECT * REPLACE ({', '.join(values)}) FROM '{small.snapshots[0].parts[0].path}', "
            f"(SELECT m, n, m >= {len(months) - 3} AS late, TIMESTAMP '{NOON}' - to_days({age}) "
            f"- to_months(({len(months) - 1} - m)::INTEGER) AS day FROM months, range(size) AS made(n))) "
            f"TO '{path}' (FORMAT parquet)"
        )
    whole = of_file(table.name, path, sum(months))
    return replace(small, snapshots=(whole, *small.snapshots[1:]))


calm = ([80] * 18, 0.0, 1)
torn = ([250] * 12 + [70] * 3, 25.0, 200)
cut = ([200] * 12 + [5] * 3, 0.0, 1)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_both_judges_measure_the_same_of_a_table_s_history(table, suites, tmp_path_factory):
    """Every measure of a table fails in one of its histories and holds in another."""
    suite = suites[table.name]
    # an empty table and one of broken rows are judged elsewhere
    rules = {
        rule.id: rule
        for rule in suite.rules
        if rule.broken is None and rule.expectation not in {measures.ROWS, measures.MEAN}
    }
    measuring = replace(suite, rules=tuple(rules.values()))
    failed, held = set(), set()

    @BOUNDED
    @example(*calm)
    @example(*torn)
    @example(*cut)
    @given(
        st.lists(st.integers(0, 90), min_size=1, max_size=24).filter(any),
        st.floats(0, 40).map(lambda shift: round(shift, 2)),
        st.integers(0, 100),
    )
    def agree(months: list[int], shift: float, age: int) -> None:
        folder = tmp_path_factory.mktemp("history")
        told = both(folder, history(folder, table, suites, months, shift, age), measuring)
        assert disagreements(told) == []
        for name, rule in rules.items():
            measured = told.duckdb[name]
            (held if measures.within(measured, rule.kwargs) else failed).update(
                [name] if measured is not None else []
            )

    agree()
    assert set(rules) - held == set()
    assert set(rules) - failed == set()


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
    } == {*conditions.SAID, *measures.KINDS}

    @BOUNDED
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
        quality.judge(
            Settings(home=tmp_path),
            DATASET,
            Reading("generated", NOON, (), Book("generated"), ""),
            suites["loans"],
        )


def test_orphans_are_not_judged_where_the_parents_are_not_delivered(suites, tmp_path):
    table = TABLES["repayments"]
    row = clean(table, suites[table.name], "a") | {"loan_id": "unknown"}
    reading = replace(
        Reading("generated", NOON, (), Book("generated"), ""), snapshots=(frozen(tmp_path, table, [row]),)
    )
    verdict = quality.judge(Settings(home=tmp_path / "home"), DATASET, reading, suites[table.name])
    assert verdict.action == "pass"
