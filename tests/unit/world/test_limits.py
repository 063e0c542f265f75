"""What limits lead to: known at every dose, drawn by lot or judged, and told month by month."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from loanbook.world import Plant, WorldSpec
from loanbook.world.limits import DOSES, FULL, LASTS, LATE

from .conftest import SHORT, Simulated, World

LARGE = WorldSpec(applications=30_000, months=30, drift_month=25, seed=11)
END = datetime(2022, 7, 1)
Rows = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def large(simulated: Simulated) -> World:
    return simulated(LARGE)


def responses(world: World) -> Rows:
    return {row["limit_id"]: row for row in world.truth("responses").to_pylist()}


def over(world: World) -> Rows:
    """The limits of whom every statement was due by the end."""
    rows = world.clean("limits").to_pylist()
    return {row["limit_id"]: row for row in rows if row["event_at"] < END - timedelta(days=368)}


def told(world: World) -> dict[str, list[dict[str, Any]]]:
    by: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in world.clean("statements").to_pylist():
        by[row["limit_id"]].append(row)
    return by


def curves(rows: Rows, name: str) -> Any:
    return np.array([[row[f"{name}_at_{dose:.0f}"] for dose in DOSES] for row in rows.values()])


def test_a_larger_limit_is_drawn_more_and_each_doubling_adds_no_more_per_unit(large: World) -> None:
    balance = curves(responses(large), "balance")
    assert (np.diff(balance) > 0).all()
    assert (balance < FULL * DOSES).all()
    assert (np.diff(np.diff(balance) / np.diff(DOSES)) < 0).all()


def test_a_larger_limit_defaults_more_and_most_where_default_is_likely(large: World) -> None:
    pd = curves(responses(large), "pd")
    assert (np.diff(pd) > 0).all()
    rise = pd[:, -1] - pd[:, 0]
    risky = pd[:, 2] > np.median(pd[:, 2])
    assert rise[risky].mean() > 2 * rise[~risky].mean()


def test_what_is_dear_is_drawn_less(large: World) -> None:
    rows, balance = responses(large), curves(responses(large), "balance")[:, 2]
    rate = np.array([row["rate"] for row in rows.values()])
    lot = {row["limit_id"] for row in large.clean("limits").to_pylist() if row["randomised"]}
    drawn = np.array([key in lot for key in rows])
    assert balance[drawn & (rate == 0.08)].mean() > 1.1 * balance[drawn & (rate == 0.20)].mean()


def test_balances_and_defaults_come_out_as_the_truth_says(large: World) -> None:
    rows, true, statements = over(large), responses(large), told(large)
    said = {key: (float(row["limit_amount"]), true[key]) for key, row in rows.items()}
    balance = [sum(float(one["balance"]) for one in statements[key]) / LASTS for key in rows]
    bad = [max(one["days_past_due"] for one in statements[key]) >= 60 for key in rows]
    for seen, name in ((np.array(balance), "balance"), (np.array(bad), "pd")):
        expected = np.array([row[f"{name}_at_{dose:.0f}"] for dose, row in said.values()])
        error = seen.std() / np.sqrt(len(seen))
        assert abs(seen.mean() - expected.mean()) < 3 * error + 0.01 * expected.mean(), name


def test_a_lot_knows_nobody_and_judgement_gives_most_to_who_needs_it_least(large: World) -> None:
    rows, true = large.clean("limits").to_pylist(), responses(large)

    def correlation(lot: bool) -> float:
        chosen = [row for row in rows if row["randomised"] is lot]
        need = [true[row["limit_id"]]["balance_at_16000"] for row in chosen]
        return float(np.corrcoef(need, [np.log(float(row["limit_amount"])) for row in chosen])[0, 1])

    share = np.mean([row["randomised"] for row in rows])
    assert 0.5 < share < 0.6
    assert abs(correlation(True)) < 0.06
    assert correlation(False) < -0.25


def test_every_dose_and_rate_comes_as_often_by_lot(large: World) -> None:
    rows = [row for row in large.clean("limits").to_pylist() if row["randomised"]]
    for name, many in (("limit_amount", 5), ("rate", 4)):
        _, counts = np.unique([float(row[name]) for row in rows], return_counts=True)
        assert len(counts) == many
        assert (abs(counts / len(rows) - 1 / many) < 4 * np.sqrt(1 / many / len(rows))).all()


def test_a_year_of_statements_follows_each_limit_unless_it_was_closed_or_one_got_lost(large: World) -> None:
    statements, rows = told(large), over(large)
    lost = 0
    for key, row in rows.items():
        own = sorted(statements[key], key=lambda one: one["event_at"])
        assert len(own) <= LASTS
        assert all(row["event_at"] < one["event_at"] for one in own)
        assert {one["customer_id"] for one in own} == {row["customer_id"]}
        assert all(0 <= one["balance"] <= row["limit_amount"] for one in own)
        closed = own[-1]["balance"] == 0
        lost += not closed and len(own) < LASTS
    assert 0 < lost < 0.03 * len(rows)


def test_lateness_grows_by_a_month_from_the_first_payment_missed(large: World) -> None:
    for own in told(large).values():
        late = [one["days_past_due"] for one in sorted(own, key=lambda one: one["event_at"])]
        for before, after in pairwise(late):
            assert after <= 31 or after - before in (30, 60)  # 60: the statement between got lost
    habit = [one["days_past_due"] > 0 for own in told(large).values() for one in own]
    assert np.mean(habit) < LATE + 0.08


def test_a_customer_has_one_limit_at_a_time(large: World) -> None:
    by: dict[str, list[datetime]] = defaultdict(list)
    for row in large.clean("limits").to_pylist():
        by[row["customer_id"]].append(row["event_at"])
    for days in by.values():
        days.sort()
        assert all((two - one).days > 330 for one, two in pairwise(days))


def test_without_lots_no_limit_is_randomised(simulated: Simulated) -> None:
    rest = simulated(replace(SHORT, plants=SHORT.plants - {Plant.RANDOMISED}))
    assert not any(rest.clean("limits")["randomised"].to_pylist())


def test_of_a_noise_world_everybody_defaults_alike_at_every_dose(simulated: Simulated) -> None:
    noise = simulated(replace(SHORT, noise=True))
    assert len(np.unique(curves(responses(noise), "pd"))) == 1


def test_without_limits_every_other_byte_stays(short: World, simulated: Simulated) -> None:
    without = simulated(replace(SHORT, plants=SHORT.plants - {Plant.LIMITS}))
    own = ("raw/limits/", "raw/statements/", "truth/responses", "truth/spec.json", "truth/bad_rows")
    kept = {name: digest for name, digest in short.digests().items() if not name.startswith(own)}
    assert len(kept) < len(short.digests()) - 2
    assert kept.items() <= without.digests().items()
    assert len(kept) + 2 == len(without.digests())
    broken = [
        row for row in short.truth("bad_rows").to_pylist() if row["table"] not in ("limits", "statements")
    ]
    assert broken == without.truth("bad_rows").to_pylist()
