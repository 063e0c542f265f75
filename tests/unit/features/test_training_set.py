"""The join equals one that loops over all rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from loanbook.errors import FeatureError
from loanbook.features import store

Told = list[dict[str, Any]]
AT_REQUEST = {
    "payment_to_income": lambda row: over(
        over(row["amount"], row["term_months"]), row["declared_income"], 12
    ),
    "debt_to_income": lambda row: over(row["declared_debt_payments"], row["declared_income"], 12),
    "amount_to_income": lambda row: over(row["amount"], row["declared_income"]),
    "ltv": lambda row: over(row["amount"], row["vehicle_value"]),
    "loan_to_market": lambda row: over(row["amount"], row["vehicle_market_value"]),
    "payment_to_salary": lambda row: over(payment(row), row["salary_payment_90d"]),
    "declared_to_salary": lambda row: over(row["declared_income"], row["salary_payment_90d"], 1 / 12),
    "all_payments_to_income": lambda row: over(paid(row), row["declared_income"], 12),
    "residual_income": lambda row: less(row["declared_income"], 12, paid(row)),
    "residual_salary": lambda row: less(row["salary_payment_90d"], 1, paid(row)),
    "balance_to_value": lambda row: over(row["loan_balance"], row["vehicle_value"]),
    "amount_against_largest": lambda row: over(row["amount"], row["closed_largest_principal"]),
}


def payment(row: Mapping[str, Any]) -> float | None:
    return over(row["amount"], row["term_months"])


def paid(row: Mapping[str, Any]) -> float | None:
    """Add up what is known to be paid a month, if this loan's own payment is."""
    own = payment(row)
    return (
        None if own is None else own + (row["declared_debt_payments"] or 0) + (row["open_instalments"] or 0)
    )


def less(income: float | None, months: float, spent: float | None) -> float | None:
    return None if income is None or spent is None else income / months - spent


def over(part: float | None, whole: float | None, times: float = 1) -> float | None:
    return part * times / whole if part is not None and whole is not None and whole > 0 else None


def same(one: Any, other: Any) -> bool:
    """Null and NaN both say that nothing is known."""
    gone = [value is None or value != value for value in (one, other)]
    if any(gone) or isinstance(one, str):
        return all(gone) or one == other
    return math.isclose(one, other, rel_tol=1e-12)


def latest(rows: Told, key: str, value: str, at: datetime, ttl: timedelta) -> Mapping[str, Any]:
    """Loop over a feature table for the last row known at a moment, unless it is too old."""
    found: Mapping[str, Any] = {}
    for row in rows:
        seen = row["available_at"]
        if row[key] == value and at - ttl <= seen <= at and (not found or seen > found["available_at"]):
            found = row
    return found


@pytest.fixture(scope="module")
def asked(small: Any) -> Told:
    rows: Told = small.asked().to_pylist()
    return [row | {"at": row["event_timestamp"].replace(tzinfo=None)} for row in rows]


@pytest.fixture(scope="module")
def told(small: Any) -> Told:
    """Join what fraud, a loan on the book, a valuer and an offer may know: every view is in one of them."""
    joined = [
        store.history(small.settings, small.features, name, small.asked()).to_pylist()
        for name in ("early_warning_auto", "fraud", "vehicle_value", "uptake")
    ]
    return [one | two | three | four for one, two, three, four in zip(*joined, strict=True)]


def test_as_many_rows_come_out_as_went_in_and_in_their_order(asked: Told, told: Told) -> None:
    keys = ("application_id", "customer_id", "vehicle_id", "event_timestamp")

    assert len(told) == len(asked)
    assert [[row[key] for key in keys] for row in told] == [[row[key] for key in keys] for row in asked]


def test_the_training_set_equals_a_loop_over_the_feature_tables(small: Any, asked: Told, told: Told) -> None:
    views = store.views(small.settings, small.features)
    tables = {view.name: small.table(view.name) for view in views}
    filled = dict.fromkeys((name for view in views for name in view.features), 0)

    for ask, got in zip(asked, told, strict=True):
        for view in views:
            row = latest(tables[view.name], view.key, ask[view.key], ask["at"], view.ttl)
            for name in view.features:
                assert same(row.get(name), got[name]), (view.name, name, ask)
                filled[name] += row.get(name) is not None

    never = {name for name, count in filled.items() if not count}
    assert never <= small.features.absent


def test_what_is_made_at_the_request_equals_its_formula(told: Told) -> None:
    known = 0
    for got in told:
        for name, formula in AT_REQUEST.items():
            assert same(formula(got), got[name]), (name, got)
            known += formula(got) is not None
    assert known > 20


@pytest.mark.parametrize(
    "service",
    [
        "underwriting_auto",
        "underwriting_consumer",
        "early_warning_auto",
        "fraud",
        "application_fraud",
        "vehicle_value",
        "uptake",
        "limit_response",
    ],
)
def test_every_feature_of_the_service_is_told_and_none_beside(small: Any, service: str) -> None:
    keys = {"application_id", "customer_id", "vehicle_id", "loan_id", "event_timestamp"}
    declared = {feature.name for feature in small.services[service].features}

    got = store.history(small.settings, small.features, service, small.asked().slice(0, 9))

    assert set(got.column_names) - keys == declared


def test_the_late_share_equals_a_count_over_raw_repayments(small: Any, asked: Told, told: Told) -> None:
    loans = {row["loan_id"]: row for row in small.rows["loans"]}
    for ask, got in zip(asked, told, strict=True):
        known = [
            (row["days_past_due"] or 0, max(row["available_at"], loans[row["loan_id"]]["available_at"]))
            for row in small.rows["repayments"]
            if loans[row["loan_id"]]["customer_id"] == ask["customer_id"]
        ]
        late = [days > 0 for days, at in known if at <= ask["at"]]
        fresh = any(ask["at"] - timedelta(days=3650) <= at <= ask["at"] for _, at in known)
        assert same(sum(late) / len(late) if fresh else None, got["history_late_share"]), ask


def test_the_inflow_equals_a_sum_over_the_90_days_to_the_last_raw_transaction(
    small: Any, asked: Told, told: Told
) -> None:
    for ask, got in zip(asked, told, strict=True):
        own = [row for row in small.rows["transactions"] if row["customer_id"] == ask["customer_id"]]
        last = max((row["available_at"] for row in own if row["available_at"] <= ask["at"]), default=None)
        expected = None
        if last is not None and ask["at"] - last <= timedelta(days=180):
            within = [row for row in own if last - timedelta(days=90) <= row["available_at"] <= last]
            expected = float(sum((row["amount"] for row in within if row["direction"] == "in"), Decimal(0)))
        assert same(expected, got["inflow_90d"]), ask


def test_the_bureau_level_equals_the_last_raw_pull_of_the_year(small: Any, asked: Told, told: Told) -> None:
    for ask, got in zip(asked, told, strict=True):
        since = ask["at"] - timedelta(days=365)
        pulls = [
            row
            for row in small.rows["bureau_reports"]
            if row["customer_id"] == ask["customer_id"] and since <= row["available_at"] <= ask["at"]
        ]
        last = max(
            pulls, key=lambda row: (row["available_at"], row["event_at"], row["report_id"]), default={}
        )
        assert same(last.get("score"), got["bureau_score"]), ask
        assert same(last.get("open_accounts"), got["bureau_open_accounts"]), ask


def test_the_ltv_equals_raw_amount_over_raw_value(small: Any, asked: Told, told: Told) -> None:
    applications = {row["application_id"]: row for row in small.rows["applications"]}
    vehicles = {row["vehicle_id"]: row for row in small.rows["vehicles"]}
    for ask, got in zip(asked, told, strict=True):
        found = applications.get(ask["application_id"]), vehicles.get(ask["vehicle_id"])
        expected = None
        if all(one and ask["at"] - timedelta(days=3650) <= one["available_at"] <= ask["at"] for one in found):
            car = found[1]["appraised_value"]
            car = found[1]["list_price"] if car is None else car
            amount = found[0]["amount"]
            expected = over(amount and float(amount), car and float(car))
        assert same(expected, got["ltv"]), ask


def test_the_same_application_may_be_asked_for_twice(small: Any) -> None:
    twice = pa.concat_tables([small.asked().slice(0, 40)] * 2)

    got = store.history(small.settings, small.features, "underwriting_consumer", twice).to_pylist()

    assert len(got) == 80
    assert all(
        same(one[name], other[name])
        for one, other in zip(got[:40], got[40:], strict=True)
        for name in one
        if name != "event_timestamp"
    )


def test_a_service_that_is_not_declared_is_refused_by_name(small: Any) -> None:
    with pytest.raises(
        FeatureError,
        match=r"underwriting_boats.*Known are application_fraud, early_warning_auto, .*, underwriting_auto",
    ):
        store.service(small.settings, small.features, "underwriting_boats")
