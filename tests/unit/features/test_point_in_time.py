"""Nothing is known before it is available."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from pyarrow import parquet

from loanbook.features import store, tables
from loanbook.features.tables import FeatureSet
from loanbook.settings import Settings

START = datetime(2023, 1, 1)
# the windows' bounds, and a microsecond to either side
DAYS = (0, 7, 30, 60, 90, 180, 274, 365, 400, 548, 730)
MOMENTS = [
    START + timedelta(days=day, microseconds=by) for day in DAYS for by in (-1, 0, 1) if day or by >= 0
]
money = st.sampled_from([None, Decimal("0.00"), Decimal("0.10"), Decimal("120.50"), Decimal("9000.00")])
texts = st.sampled_from([None, "salary", "cash", "gambling", "in", "out"])
numbers = st.sampled_from([None, 0.0, 1.0, 12.0, 640.0])
counts = st.sampled_from([None, 0, 1, 45, 95])

FIELDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "customers": {"education": texts, "bank_name": texts},
    "applications": {
        "customer_id": st.sampled_from(["C0", "C1"]),
        "vehicle_id": st.sampled_from(["V0", "V1"]),
        "amount": money,
        "term_months": numbers,
        "declared_income": money,
        "channel": texts,
        "free_text": texts,
        "dealer_id": st.sampled_from(["D0", "D1", None]),
        "lat": st.sampled_from([None, 30.0, 30.1, 31.0]),
        "lon": st.sampled_from([None, 110.0, 110.1]),
    },
    "vehicles": {
        "appraised_value": money,
        "list_price": money,
        "make": st.sampled_from(["BYD", "BYD", None]),
        "model": st.just("Song"),
        "model_year": st.sampled_from([None, 2020, 2023]),
        "mileage_km": numbers,
    },
    "bureau_reports": {"customer_id": st.just("C0"), "score": numbers, "open_accounts": counts},
    "transactions": {
        "customer_id": st.just("C0"),
        "amount": money.filter(bool),
        "direction": st.sampled_from(["in", "out"]),
        "category": texts,
    },
    "loans": {
        "customer_id": st.sampled_from(["C0", "C0", "C1"]),
        "application_id": st.sampled_from(["A0", "A1", "A2"]),
        "principal": money,
        "instalment": money,
        "rate": st.sampled_from([None, 0.0, 0.09]),
        "term_months": numbers,
    },
    "links": {
        "customer_id": st.sampled_from(["C0", "C1"]),
        "kind": st.sampled_from(["device", "phone", "referrer", "employer"]),
        "shared_key": st.sampled_from(["x", "y"]),
        "own_key": st.sampled_from(["x", "y", None]),
    },
    "cases": {
        "customer_id": st.sampled_from(["C0", "C1"]),
        "application_id": st.sampled_from(["A0", "A1"]),
        "outcome": st.sampled_from(["confirmed", "cleared"]),
    },
    "market": {"used_vehicle_index": numbers},
    "repayments": {
        "loan_id": st.sampled_from(["L0", "L1"]),
        "instalment_no": counts,
        "due_amount": money,
        "paid_amount": money,
        "balance": money,
        "days_past_due": counts,
    },
}
KEYS = {
    "customers": ("customer_id", "C", 2),
    "applications": ("application_id", "A", 3),
    "vehicles": ("vehicle_id", "V", 9),
    "bureau_reports": ("report_id", "R", 4),
    "transactions": ("transaction_id", "T", 5),
    "loans": ("loan_id", "L", 2),
    "repayments": ("repayment_id", "P", 6),
    "links": ("link_id", "K", 6),
    "cases": ("case_id", "Q", 3),
    "market": ("month", "M", 3),
}
# an example takes half a second: shrinking one would take minutes
QUICK = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
Rows = dict[str, list[dict[str, Any]]]
Lane = tuple[datetime, Rows, Rows]


@st.composite
def row(draw: st.DrawFn, table: str, number: int, since: datetime | None = None) -> dict[str, Any]:
    key, letter, _ = KEYS[table]
    at = draw(st.sampled_from([one for one in MOMENTS if since is None or one > since]))
    event = at - timedelta(days=draw(st.sampled_from([0, 1, 60])))
    values = {name: draw(strategy) for name, strategy in FIELDS[table].items()}
    return values | {key: f"{letter}{number}", "event_at": event, "available_at": at}


@st.composite
def lanes(draw: st.DrawFn, moment: datetime) -> Lane:
    """Draw a lender, and the same lender with its later rows changed, gone, or joined by more."""
    before: Rows = {}
    after: Rows = {}
    for table, (_, _, most) in KEYS.items():
        present = [draw(row(table, number)) for number in range(draw(st.integers(0, most)))]
        before[table], after[table] = present, []
        for number, one in enumerate(present):
            fate = "stays" if one["available_at"] <= moment else draw(st.sampled_from(["gone", "other"]))
            if fate == "stays":
                after[table].append(one)
            elif fate == "other":
                after[table].append(draw(row(table, number, moment)))
        more = draw(st.integers(0, 2)) if len(present) < 9 else 0
        after[table] += [draw(row(table, 10 + number, moment)) for number in range(more)]
    return moment, before, after


@st.composite
def side_by_side(draw: st.DrawFn, least: int, most: int) -> list[Lane]:
    """Draw lenders whose later rows change after one moment: some features look at all of them."""
    moment = draw(st.sampled_from(MOMENTS[:-1]))
    return draw(st.lists(lanes(moment), min_size=least, max_size=most))


def together(sides: list[Rows]) -> Rows:
    """Put lenders side by side in one publication; no key of one is a key of another."""
    keys = {"customer_id", "application_id", "vehicle_id", "loan_id"} | {key for key, _, _ in KEYS.values()}
    return {
        table: [
            {name: f"{lane}-{value}" if name in keys else value for name, value in one.items()}
            for lane, side in enumerate(sides)
            for one in side[table]
        ]
        for table in KEYS
    }


def compute(home: Path, publish: Callable[..., dict[str, Path]], rows: Rows) -> FeatureSet:
    name = f"publication-{len(list(home.iterdir()))}-{random.random()}"
    return tables.compute(Settings(home=home, threads=2), "lanes", name, publish(home / name, rows))


def known(features: FeatureSet, lane: int, moment: datetime) -> dict[str, list[dict[str, Any]]]:
    """Read all rows of a lane that stand at a moment."""
    found = {}
    for recipe in tables.recipes():
        every = parquet.read_table(features.folder / f"{recipe.name}.parquet").to_pylist()
        found[recipe.name] = [
            one for one in every if one[recipe.key].startswith(f"{lane}-") and one["available_at"] <= moment
        ]
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lanes")


@settings(QUICK, max_examples=8)
@given(drawn=side_by_side(3, 6))
def test_no_later_row_changes_what_a_feature_table_says_until_then(
    home: Path, publish: Any, drawn: list[Lane]
) -> None:
    before = compute(home, publish, together([one for _, one, _ in drawn]))
    after = compute(home, publish, together([one for _, _, one in drawn]))

    for lane, (moment, _, _) in enumerate(drawn):
        assert known(before, lane, moment) == known(after, lane, moment)


@settings(QUICK, max_examples=1)
@given(drawn=side_by_side(20, 24))
def test_no_later_row_changes_what_feast_joins(home: Path, publish: Any, drawn: list[Lane]) -> None:
    place = Settings(home=home, threads=2)
    asked = entities(drawn)

    told: list[list[dict[str, Any]]] = []
    for side in (1, 2):
        features = compute(home, publish, together([lane[side] for lane in drawn]))
        store.declare(place, features)
        joined = [
            store.history(place, features, name, asked).to_pylist()
            for name in ("fraud", "early_warning_auto")
        ]
        told.append([one | other for one, other in zip(*joined, strict=True)])

    for one, other in zip(*told, strict=True):
        assert plain(one) == plain(other)


def test_every_feature_at_a_moment_is_what_it_is_without_a_later_row(
    tmp_path: Path, publish: Any, crowd: Rows
) -> None:
    (tmp_path / "home").mkdir()
    whole = compute(tmp_path / "home", publish, crowd)
    silent = {name for table in whole.tables for name in columns(whole, table.name)}
    differing = 0

    for day in (200, 450, 640):
        moment = START + timedelta(days=day)
        until = {name: [row for row in rows if row["available_at"] <= moment] for name, rows in crowd.items()}
        then = compute(tmp_path / "home", publish, until)
        for table in whole.tables:
            said, meant = (rows_until(one, table.name, moment) for one in (whole, then))
            assert said == meant, table.name
            silent -= {name for row in said for name, value in row.items() if value is not None}
            differing += table.rows > len(said)

    assert not silent  # a feature that says nothing here is not tested here
    assert differing > 20


def columns(features: FeatureSet, table: str) -> list[str]:
    return list(parquet.read_schema(features.folder / f"{table}.parquet").names)


def rows_until(features: FeatureSet, table: str, moment: datetime) -> list[dict[str, Any]]:
    every = parquet.read_table(features.folder / f"{table}.parquet").to_pylist()
    return [one for one in every if one["available_at"] <= moment]


def entities(drawn: list[Lane]) -> pa.Table:
    """Ask in each lane, at its moment, for every customer and vehicle and application known by then."""
    found = [
        (
            f"{lane}-A{number}",
            f"{lane}-C{number % 2}",
            f"{lane}-V{number % 2}",
            f"{lane}-L{number % 2}",
            moment,
        )
        for lane, (moment, _, _) in enumerate(drawn)
        for number in range(3)
    ]
    columns = dict(
        zip(
            ("application_id", "customer_id", "vehicle_id", "loan_id", "at"),
            zip(*found, strict=True),
            strict=True,
        )
    )
    at = pa.array(columns.pop("at"), pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    return pa.table({name: list(values) for name, values in columns.items()}).append_column(
        "event_timestamp", at
    )


def plain(one: Mapping[str, Any]) -> dict[str, Any]:
    """Make NaN comparable."""
    return {k: "NaN" if isinstance(v, float) and math.isnan(v) else v for k, v in one.items()}
