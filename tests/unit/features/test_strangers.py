"""Strangers, referrals and dealers equal a count over all that was known by then, done without cleverness."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pyarrow import parquet

from loanbook.features import tables
from loanbook.features.tables import FeatureSet
from loanbook.settings import Settings

Rows = list[dict[str, Any]]
Lender = dict[str, Rows]
WITH = {"device": ("employer", "address"), "phone": ("address",), "bank_account": ("address",)}
NAMES = {"device": "device_strangers", "phone": "phone_strangers", "bank_account": "account_strangers"}
LOOKS, MONTH, QUICK = (2, 30), timedelta(days=30), timedelta(days=60)


@pytest.fixture(scope="module")
def crowd(crowd: Lender) -> Lender:
    """Let the crowd live and work in three places, and have few keys."""
    few = {"employer": 3, "address": 3, "referrer": 12}
    links = [
        row | {"shared_key": f"token-{int(row['shared_key'][6:]) % few.get(row['kind'], 8)}"}
        for row in crowd["links"]
    ]
    owned = [row | {"own_key": row["own_key"] and f"token-{int(row['own_key'][6:]) % 12}"} for row in links]
    return crowd | {"links": owned}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, publish: Any, crowd: Lender) -> FeatureSet:
    home = tmp_path_factory.mktemp("strangers")
    return tables.compute(Settings(home=home, threads=2), "crowd", "p", publish(home / "p", crowd))


def told(made: FeatureSet, name: str) -> Rows:
    rows: Rows = parquet.read_table(made.folder / f"{name}.parquet").to_pylist()
    return rows


def moments(crowd: Lender) -> set[tuple[str, datetime]]:
    seen = {(row["customer_id"], row["available_at"]) for row in crowd["links"]}
    again = {
        (row["customer_id"], row["available_at"] + timedelta(days=days))
        for row in crowd["applications"]
        for days in LOOKS
    }
    return seen | again


def sighted(crowd: Lender, at: datetime) -> Rows:
    """Everything that a customer was seen with by then, an identity number among it."""
    own = [
        {**row, "kind": "id_number", "shared_key": row["id_number"]}
        for row in crowd["customers"]
        if row["available_at"] <= at
    ]
    return own + [row for row in crowd["links"] if row["available_at"] <= at]


def last(seen: Rows, customer: str, kind: str) -> str | None:
    own = [row for row in seen if (row["customer_id"], row["kind"]) == (customer, kind)]
    if not own:
        return None
    return str(max(own, key=lambda row: (row["available_at"], row["shared_key"]))["shared_key"])


def holders(seen: Rows, kind: str, key: str | None) -> dict[str, datetime]:
    """Who was seen with a key, and since when."""
    found: dict[str, datetime] = {}
    for row in seen:
        if key is not None and (row["kind"], row["shared_key"]) == (kind, key):
            who, at = row["customer_id"], row["available_at"]
            found[who] = min(at, found.get(who, at))
    return found


def acquainted(seen: Rows, customer: str, kind: str) -> int:
    """Count who shares a key for the reason that most have."""
    sharers = set(holders(seen, kind, last(seen, customer, kind))) - {customer}
    return max(len(sharers & set(holders(seen, also, last(seen, customer, also)))) for also in WITH[kind])


def test_there_is_a_row_for_each_sighting_and_for_each_look_after_an_application(
    made: FeatureSet, crowd: Lender
) -> None:
    for name in ("strangers", "referrals"):
        rows = [(row["customer_id"], row["available_at"]) for row in told(made, name)]
        assert set(rows) == moments(crowd)
        assert len(rows) == len(set(rows))


def test_a_stranger_shares_a_key_and_no_reason_to(made: FeatureSet, crowd: Lender) -> None:
    found = excused = doubled = 0
    for row in told(made, "strangers")[::3]:
        seen, who = sighted(crowd, row["available_at"]), row["customer_id"]
        for kind, name in NAMES.items():
            others = len(set(holders(seen, kind, last(seen, who, kind))) - {who})
            known = acquainted(seen, who, kind) if others else 0
            assert row[name] == others - known, (who, row["available_at"], kind)
            found, excused = found + (others > known), excused + (known > 0)
        same = set(holders(seen, "id_number", last(seen, who, "id_number"))) - {who}
        assert row["identity_others"] == len(same)
        doubled += bool(same)
    assert min(found, excused, doubled) > 10


def test_a_finding_on_a_sharer_counts_from_the_day_it_was_known(made: FeatureSet, crowd: Lender) -> None:
    confirmed: dict[str, datetime] = {}
    for case in crowd["cases"]:
        if case["outcome"] == "confirmed":
            who, at = case["customer_id"], case["available_at"]
            confirmed[who] = min(at, confirmed.get(who, at))
    counted = 0
    for row in told(made, "strangers")[::3]:
        at, customer = row["available_at"], row["customer_id"]
        seen = sighted(crowd, at)
        most = max(
            sum(confirmed.get(one, datetime.max) <= at for one in set(sharers) - {customer})
            for sharers in (holders(seen, kind, last(seen, customer, kind)) for kind in (*WITH, "id_number"))
        )
        assert row["sharers_confirmed"] == most
        counted += most > 0
    assert counted > 20


def referrals(crowd: Lender) -> Iterator[tuple[str, str, datetime, timedelta]]:
    """Give customer, referrer, when, and how long after the referrer had first filed."""
    filed: dict[str, tuple[datetime, str]] = {}
    for row in crowd["links"]:
        if row["own_key"]:
            one = (row["available_at"], row["customer_id"])
            filed[row["own_key"]] = min(one, filed.get(row["own_key"], one))
    first: dict[str, tuple[datetime, str]] = {}
    for row in crowd["links"]:
        if row["kind"] == "referrer":
            one = (row["available_at"], row["shared_key"])
            first[row["customer_id"]] = min(one, first.get(row["customer_id"], one))
    for customer, (at, key) in first.items():
        since, referrer = filed.get(key, (datetime.max, ""))
        if since <= at and referrer != customer:
            yield customer, referrer, at, at - since


def chain(sent: dict[str, tuple[str, datetime, timedelta]], customer: str, at: datetime, left: int) -> int:
    if not left or customer not in sent:
        return 0
    referrer, when, days = sent[customer]
    return 1 + chain(sent, referrer, at, left - 1) if when <= at and days <= QUICK else 0


def test_a_referral_is_told_with_the_chain_that_stood_behind_it(made: FeatureSet, crowd: Lender) -> None:
    sent = {customer: (who, at, days) for customer, who, at, days in referrals(crowd)}
    lengths = set()
    for row in told(made, "referrals"):
        customer, at = row["customer_id"], row["available_at"]
        mine = sent.get(customer)
        known = mine is not None and mine[1] <= at
        assert row["referred"] == known
        assert row["referral_chain"] == (chain(sent, customer, mine[1], 10) if mine and known else 0)
        if mine and known:
            assert row["referrer_days"] == pytest.approx(mine[2].total_seconds() / 86400, abs=1e-4)
        made_by = [one for one in sent.values() if one[0] == customer and one[1] <= at]
        assert row["referrals_made"] == len(made_by)
        assert row["referrals_made_quick"] == sum(days <= QUICK for _, _, days in made_by)
        lengths.add(row["referral_chain"])
    assert len(lengths) > 1


def test_a_dealer_is_told_by_all_its_applications_of_ninety_days(made: FeatureSet, crowd: Lender) -> None:
    vehicles = {row["vehicle_id"]: row for row in crowd["vehicles"]}
    first = {}
    for row in sorted(crowd["applications"], key=lambda row: row["available_at"], reverse=True):
        first[row["customer_id"]] = row["available_at"]
    of = {row["application_id"]: row for row in crowd["applications"]}
    rows = told(made, "dealer_conduct")
    assert len(rows) == 3 * len(of)
    for row in rows:
        at, dealer = row["available_at"], of[row["application_id"]]["dealer_id"]
        filed = [one for one in of.values() if one["dealer_id"] == dealer and one["available_at"] <= at]
        lately = [one for one in filed if one["available_at"] >= at - timedelta(days=90)]
        days = (at - min(one["available_at"] for one in filed)).total_seconds() / 86400
        assert row["dealer_known_days"] == pytest.approx(days, abs=1e-4)
        fresh = sum(one["available_at"] == first[one["customer_id"]] for one in lately)
        assert row["dealer_newcomer_share_90d"] == pytest.approx(fresh / len(lately))
        priced = [
            car
            for one in lately
            if (car := vehicles[one["vehicle_id"]])["available_at"] <= one["available_at"]
        ]
        dear = sum(car["list_price"] > car["appraised_value"] * 12 / 10 for car in priced)
        assert row["dealer_dear_90d"] == dear
        if priced:
            assert row["dealer_dear_share_90d"] == pytest.approx(dear / len(priced))
