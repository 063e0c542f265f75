"""Feature tables say what a count by hand over raw rows says, row for row."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from loanbook.features import tables
from loanbook.features.tables import FeatureSet
from loanbook.settings import Settings

Row = dict[str, Any]
Rows = list[Row]
AGES = timedelta(days=30)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, publish: Any, crowd: dict[str, Rows]) -> FeatureSet:
    home: Path = tmp_path_factory.mktemp("figures")
    return tables.compute(Settings(home=home, threads=2), "crowd", "p", publish(home / "p", crowd))


def table(made: FeatureSet, name: str) -> Rows:
    rows: Rows = parquet.read_table(made.folder / f"{name}.parquet").to_pylist()
    return rows


def agree(said: Mapping[str, Any], meant: Mapping[str, Any]) -> None:
    for name, value in meant.items():
        if value is None:
            assert said[name] is None, name
        else:
            assert math.isclose(said[name], float(value), rel_tol=1e-9, abs_tol=1e-6), (name, said, value)


def over(part: Any, whole: Any) -> float | None:
    return float(part) / float(whole) if whole else None


def test_a_transactions_windows_reach_back_from_the_last_one_known(
    made: FeatureSet, crowd: dict[str, Rows]
) -> None:
    for row in table(made, "transactions")[::3]:
        at = row["available_at"]
        own = [
            one
            for one in crowd["transactions"]
            if one["customer_id"] == row["customer_id"] and one["available_at"] <= at
        ]
        meant: dict[str, Any] = {}
        flow = {}
        for days in (30, 90, 180, 365):
            within = [one for one in own if one["available_at"] >= at - timedelta(days=days)]
            flow[days] = {
                way: sum(one["amount"] for one in within if one["direction"] == way) for way in ("in", "out")
            }
            if days != 180:
                meant[f"transactions_{days}d"] = len(within)
                meant[f"inflow_{days}d"], meant[f"outflow_{days}d"] = flow[days]["in"], flow[days]["out"]
            if days == 90:
                nights = [one for one in within if one["event_at"].hour >= 22 or one["event_at"].hour < 6]
                paid = [one["amount"] for one in within if one["category"] == "salary"]
                meant["night_share_90d"] = len(nights) / len(within)
                meant["salary_90d"], meant["salaries_90d"] = sum(paid), len(paid)
                meant["salary_payment_90d"] = over(sum(paid), len(paid))
                meant["spend_ratio_90d"] = over(flow[90]["out"], flow[90]["in"])
        meant["inflow_trend_30d"] = over(3 * flow[30]["in"], flow[90]["in"])
        meant["outflow_trend_90d"] = over(flow[90]["out"], flow[180]["out"] - flow[90]["out"])
        agree(row, meant)


def test_the_months_of_a_flow_count_back_from_the_last_transaction_and_as_far_as_any_is_known(
    made: FeatureSet, crowd: dict[str, Rows]
) -> None:
    spread = 0
    for row in table(made, "transactions")[::3]:
        at = row["available_at"]
        own = [
            one
            for one in crowd["transactions"]
            if one["customer_id"] == row["customer_id"] and one["available_at"] <= at
        ]
        known = min(max(math.ceil((at - min(one["available_at"] for one in own)) / AGES), 1), 6)
        nets, paid = [0.0] * known, [False] * known
        for one in own:
            month = math.ceil((at - one["available_at"]) / AGES) - 1
            month = max(month, 0)
            if month < known:
                nets[month] += float(one["amount"]) * (1 if one["direction"] == "in" else -1)
                paid[month] |= one["category"] == "salary"
        several = known > 1
        agree(
            row,
            {
                "net_flow_sd_6m": statistics.pstdev(nets) if several else None,
                "salary_month_share_6m": sum(paid) / known if several else None,
            },
        )
        spread += several
    assert spread > 100


def test_open_loans_are_what_each_loans_latest_known_row_says(
    made: FeatureSet, crowd: dict[str, Rows]
) -> None:
    late = 0
    for row in table(made, "open_loans")[::3]:
        at = row["available_at"]
        meant = dict.fromkeys(
            ("open_loans", "open_balance", "open_instalments", "overdue_amount", "overdue_loans"), 0.0
        )
        principal = 0.0
        for loan in crowd["loans"]:
            if loan["customer_id"] != row["customer_id"] or loan["available_at"] > at:
                continue
            rows = [
                one
                for one in crowd["repayments"]
                if one["loan_id"] == loan["loan_id"] and max(one["available_at"], loan["available_at"]) <= at
            ]
            last = max(rows, key=_told, default={"balance": loan["principal"], "days_past_due": 0})
            meant["open_loans"] += last["balance"] > 0
            meant["open_balance"] += float(last["balance"])
            meant["open_instalments"] += float(loan["instalment"]) * (last["balance"] > 0)
            short = sum(one["due_amount"] - one["paid_amount"] for one in rows)
            meant["overdue_amount"] += float(max(short, 0))
            meant["overdue_loans"] += last["days_past_due"] > 0
            principal += float(loan["principal"]) * (last["balance"] > 0)
        agree(row, {**meant, "open_used": over(meant["open_balance"], principal)})
        late += meant["overdue_loans"] > 0
    assert late > 50


def _told(row: Row) -> tuple[Any, ...]:
    """Of rows about one moment, the one that came last, and then by number, has the last word."""
    return row["event_at"], row["available_at"], row["instalment_no"], row["repayment_id"]


def test_a_vehicles_market_is_the_vehicles_like_it_seen_before(
    made: FeatureSet, crowd: dict[str, Rows]
) -> None:
    told = 0
    for row in table(made, "vehicle_market"):
        own = next(one for one in crowd["vehicles"] if one["vehicle_id"] == row["vehicle_id"])
        alike = [
            one
            for one in crowd["vehicles"]
            if _kind(one) == _kind(own)
            and own["available_at"] - timedelta(days=730) <= one["available_at"] < own["available_at"]
        ]
        values = [float(one["appraised_value"]) for one in alike]
        prices = [float(one["list_price"]) for one in alike]
        market = statistics.median(values) if len(values) >= 5 else None
        agree(
            row,
            {
                "vehicle_market_value": market,
                "vehicle_value_to_market": over(own["appraised_value"], market),
                "vehicle_price_to_market": over(
                    own["list_price"], statistics.median(prices) if market else None
                ),
            },
        )
        told += market is not None
    assert told > 100


def _kind(vehicle: Row) -> tuple[str, str, int]:
    age = max(vehicle["event_at"].year - vehicle["model_year"], 0)
    return vehicle["make"].lower(), vehicle["model"].lower(), age


@pytest.mark.parametrize(
    ("name", "place", "feature", "enough"),
    [("dealer", "dealer_id", "dealer_bad_share", 10), ("geography", "cell", "area_bad_share", 30)],
)
def test_a_places_bad_share_is_drawn_towards_everybodys_and_counts_what_was_known(
    made: FeatureSet, crowd: dict[str, Rows], name: str, place: str, feature: str, enough: int
) -> None:
    applied = {
        row["application_id"]: row | {"cell": (math.floor(row["lat"] * 4), math.floor(row["lon"] * 4))}
        for row in crowd["applications"]
    }
    went_bad: dict[str, datetime] = {}
    for row in crowd["repayments"]:
        if row["days_past_due"] >= 90:
            loan, at = row["loan_id"], row["available_at"]
            went_bad[loan] = min(at, went_bad.get(loan, at))
    told = 0
    for row in table(made, name):
        at, own = row["available_at"], applied[row["application_id"]]
        counted = {True: [0, 0], False: [0, 0]}
        for loan in crowd["loans"]:
            here = applied[loan["application_id"]][place] == own[place]
            if loan["available_at"] <= at:
                counted[here][0] += 1
                counted[here][1] += went_bad.get(loan["loan_id"], datetime.max) <= at
        (loans, bads), (elsewhere, others) = counted[True], counted[False]
        share = None
        if loans >= enough:
            share = (bads + 50 * (bads + others) / (loans + elsewhere)) / (loans + 50)
        agree(row, {feature: share})
        told += share is not None
    assert told > 50


def test_a_dealers_share_counts_the_applications_of_ninety_days(
    made: FeatureSet, crowd: dict[str, Rows]
) -> None:
    applied = {row["application_id"]: row for row in crowd["applications"]}
    for row in table(made, "dealer"):
        at, own = row["available_at"], applied[row["application_id"]]
        recent = [one for one in applied.values() if at - timedelta(days=90) <= one["available_at"] <= at]
        same = [one for one in recent if one["dealer_id"] == own["dealer_id"]]
        agree(row, {"dealer_applications_90d": len(same), "dealer_share_90d": len(same) / len(recent)})


def test_the_way_from_the_last_place_is_measured_on_the_globe(
    made: FeatureSet, crowd: dict[str, Rows]
) -> None:
    applied = {row["application_id"]: row for row in crowd["applications"]}
    moved = 0
    for row in table(made, "application"):
        own = applied[row["application_id"]]
        before = [
            one
            for one in applied.values()
            if one["customer_id"] == own["customer_id"] and one["available_at"] < own["available_at"]
        ]
        meant = None
        if before:
            last = max(before, key=lambda one: (one["available_at"], one["application_id"]))
            meant = math.dist((0, 0), (111.195 * (own["lat"] - last["lat"]), 0))
            assert own["lon"] == last["lon"]
            moved += 1
        if meant is None:
            assert row["distance_to_last_km"] is None
        else:
            assert math.isclose(row["distance_to_last_km"], meant, rel_tol=1e-4, abs_tol=1e-6)
    assert moved > 50
