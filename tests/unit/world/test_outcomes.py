from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from loanbook.world.calendar import add_months
from loanbook.world.chance import of_key

from .conftest import SHORT, Simulated, World

Loans = dict[str, dict[str, Any]]
BAD_AT = {"auto": 90, "consumer": 30}


def _by_loan(world: World) -> Loans:
    applied = {row["application_id"]: row for row in world.clean("applications").to_pylist()}
    loans: Loans = {}
    for loan in world.clean("loans").to_pylist():
        loans[loan["loan_id"]] = {**loan, "applied": applied[loan["application_id"]]["event_at"], "rows": []}
    for row in world.clean("repayments").to_pylist():
        loans[row["loan_id"]]["rows"].append(row)
    return loans


@pytest.fixture(scope="module")
def loans(world: World) -> Loans:
    return _by_loan(world)


def _a_year_on(day: datetime) -> Any:
    month = np.datetime64(day, "us")
    date = add_months(np.array([month.astype("M8[D]")]), 12)[0]
    return date.astype("M8[us]") + (month - month.astype("M8[D]").astype("M8[us]"))


def test_the_label_of_the_ledger_is_the_truth_for_every_ripe_loan(world: World, loans: Loans) -> None:
    truth = {row["application_id"]: row["bad12"] for row in world.truth("applications").to_pylist()}
    ripe = 0
    for loan in loans.values():
        closes = _a_year_on(loan["applied"])
        if closes > np.datetime64("2024-11-25"):
            continue
        within = [
            row["days_past_due"] for row in loan["rows"] if np.datetime64(row["event_at"], "us") <= closes
        ]
        ripe += 1
        assert (max(within) >= BAD_AT[loan["product"]]) == truth[loan["application_id"]], loan
    assert ripe > 1_500


def test_exactly_the_approved_become_loans(world: World) -> None:
    approved = {row["application_id"] for row in world.truth("applications").to_pylist() if row["approved"]}
    decided = {
        row["application_id"]
        for row in world.clean("applications").to_pylist()
        if row["decision"] == "approved"
    }
    lent = set(world.clean("loans")["application_id"].to_pylist())
    assert decided == approved
    assert lent <= approved
    assert len(approved - lent) < 0.01 * len(approved)  # started after the last month


def test_a_ledger_counts_from_one_without_a_gap_and_ends(loans: Loans) -> None:
    for loan in loans.values():
        numbers = sorted(row["instalment_no"] for row in loan["rows"])
        assert numbers == sorted(set(numbers))
        assert not numbers or numbers[-1] <= loan["term_months"]
        rows = sorted(loan["rows"], key=lambda row: row["instalment_no"])
        settled = [row for row in rows if row["balance"] == 0]
        assert len(settled) <= 1
        if settled:
            assert settled[0] is rows[-1]


def test_balances_fall_and_a_missed_payment_leaves_them(loans: Loans) -> None:
    for loan in loans.values():
        left = loan["principal"]
        for row in sorted(loan["rows"], key=lambda row: row["instalment_no"]):
            assert row["balance"] == left if row["paid_amount"] == 0 else row["balance"] < left
            left = row["balance"]


def test_a_written_off_loan_has_no_further_instalment_and_a_recovery(world: World, loans: Loans) -> None:
    off = [row for row in world.clean("recoveries").to_pylist() if row["kind"] == "charge_off"]
    assert len(off) > 50
    for row in off:
        last = max(loans[row["loan_id"]]["rows"], key=lambda one: one["event_at"])
        assert last["days_past_due"] >= {"auto": 120, "consumer": 90}[loans[row["loan_id"]]["product"]]
        assert row["amount"] == last["balance"]


def test_what_is_recovered_comes_about_a_year_after_the_write_off(world: World) -> None:
    rows = world.clean("recoveries").to_pylist()
    off = {row["loan_id"]: row["event_at"] for row in rows if row["kind"] == "charge_off"}
    waits = [
        (row["available_at"] - off[row["loan_id"]]).days
        for row in rows
        if row["kind"] in ("sale", "payment") and row["loan_id"] in off
    ]
    assert 150 < np.median(waits) < 420


def test_rates_lie_where_a_lender_s_do(world: World) -> None:
    rows = [row for row in world.truth("applications").to_pylist() if row["event_at"].year < 2024]
    for product, low, high in (("auto", 0.05, 0.10), ("consumer", 0.10, 0.17)):
        approved = [row["bad12"] for row in rows if row["approved"] and row["product"] == product]
        assert low < np.mean(approved) < high
    assert 0.62 < np.mean([row["approved"] for row in rows]) < 0.75
    assert 0.010 < np.mean([row["randomised"] for row in rows]) < 0.032
    assert 0.40 < np.mean([row["product"] == "auto" for row in rows]) < 0.50


def test_a_quarter_of_the_applications_come_from_customers_seen_before(world: World) -> None:
    who = world.truth("applications")["customer_id"].to_pylist()
    assert 0.2 < 1 - len(set(who)) / len(who) < 0.3


def test_the_true_pd_is_calibrated_and_ranks_as_a_good_oracle_does(world: World) -> None:
    rows = [row for row in world.truth("applications").to_pylist() if row["approved"]]
    pd = np.array([row["true_pd"] for row in rows])
    bad = np.array([row["bad12"] for row in rows])
    assert abs(pd.mean() - bad.mean()) < 4 * np.sqrt((pd * (1 - pd)).sum()) / len(pd)
    ranks = np.argsort(np.argsort(pd)) + 1
    auc = (ranks[bad].sum() - bad.sum() * (bad.sum() + 1) / 2) / (bad.sum() * (~bad).sum())
    assert 0.74 < auc < 0.84


def test_in_a_noise_world_everybody_of_a_product_has_the_same_pd(simulated: Simulated) -> None:
    rows = simulated(replace(SHORT, noise=True)).truth("applications").to_pylist()
    assert {(row["product"], row["true_pd"]) for row in rows} == {("auto", 0.07), ("consumer", 0.13)}


def test_the_randomised_slice_is_approved_whatever_the_policy_says(world: World) -> None:
    rows = world.truth("applications").to_pylist()
    by_lot = [row for row in rows if row["randomised"]]
    assert all(row["approved"] for row in by_lot)
    others = [row["true_pd"] for row in rows if row["approved"] and not row["randomised"]]
    assert np.mean([row["true_pd"] for row in by_lot]) > np.mean(others)


def test_numbers_drawn_by_key_are_uniform_and_do_not_depend_on_company() -> None:
    keys = np.arange(100_000)
    drawn = of_key(keys, 3, 1)
    assert abs(drawn.mean() - 0.5) < 0.005
    assert abs(np.corrcoef(drawn, of_key(keys, 4, 1))[0, 1]) < 0.02
    assert of_key(keys[5:6], 3, 1)[0] == drawn[5]
    assert len(np.unique(drawn)) == len(drawn)
