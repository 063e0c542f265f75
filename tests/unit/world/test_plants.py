from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loanbook.schema import TABLES
from loanbook.world import Plant, simulate

from .conftest import SHORT, Simulated, World

KINDS = (Plant.RING_DEVICE, Plant.RING_REFERRAL, Plant.RING_DEALER, Plant.RING_ACCOUNT)


def _without(simulated: Simulated, *plants: Plant) -> World:
    return simulated(replace(SHORT, plants=SHORT.plants - frozenset(plants)))


def _with(simulated: Simulated, *plants: Plant) -> World:
    return simulated(replace(SHORT, plants=SHORT.plants | frozenset(plants)))


def _column(world: World, table: str, name: str) -> list[Any]:
    return world.clean(table)[name].to_pylist()


def _late(world: World, table: str, name: str) -> tuple[list[Any], list[Any]]:
    """A column before and from the drift month."""
    rows = world.clean(table)
    start = np.datetime64(world.spec.name_of(world.spec.drift_month))
    late = [np.datetime64(at, "M") >= start for at in rows["event_at"].to_pylist()]
    values = rows[name].to_pylist()
    return (
        [value for value, after in zip(values, late, strict=True) if not after],
        [value for value, after in zip(values, late, strict=True) if after],
    )


def test_each_ring_shares_its_key(world: World) -> None:
    rings = world.truth("rings").to_pylist()
    assert {row["kind"] for row in rings} == set(KINDS)
    devices = dict(zip(_column(world, "applications", "application_id"),
                       _column(world, "applications", "device_id"), strict=True))  # fmt: skip
    dealers = dict(zip(_column(world, "applications", "application_id"),
                       _column(world, "applications", "dealer_id"), strict=True))  # fmt: skip
    accounts = dict(zip(_column(world, "customers", "customer_id"),
                        _column(world, "customers", "bank_account"), strict=True))  # fmt: skip
    links = {(row["customer_id"], row["kind"], row["shared_key"]) for row in world.clean("links").to_pylist()}
    for row in rings:
        if row["kind"] == Plant.RING_DEVICE:
            assert devices[row["application_id"]] == row["shared_key"]
            assert (row["customer_id"], "device", row["shared_key"]) in links
        if row["kind"] == Plant.RING_DEALER:
            assert dealers[row["application_id"]] == row["shared_key"]
        if row["kind"] == Plant.RING_ACCOUNT:
            assert accounts[row["customer_id"]] == row["shared_key"]
            assert (row["customer_id"], "bank_account", row["shared_key"]) in links
        if row["kind"] == Plant.RING_REFERRAL and row["shared_key"] is not None:
            assert (row["customer_id"], "referrer", row["shared_key"]) in links


def test_rings_are_riskier_than_their_innocent_look_alikes(world: World) -> None:
    pd = {row["application_id"]: row["true_pd"] for row in world.truth("applications").to_pylist()}
    rings = np.mean([pd[row["application_id"]] for row in world.truth("rings").to_pylist()])
    innocent = np.mean([pd[row["application_id"]] for row in world.truth("lookalikes").to_pylist()])
    assert rings > 1.4 * innocent


def test_families_share_a_home_and_a_phone_and_call_centres_a_device(world: World) -> None:
    people = {row["customer_id"]: row for row in world.clean("customers").to_pylist()}
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in world.truth("lookalikes").to_pylist():
        groups[row["kind"], row["group_id"]].append(row)
    for (kind, _), members in groups.items():
        who = [people[row["customer_id"]] for row in members]
        if kind == "family":
            assert len({one["address"] for one in who}) == len({one["phone"] for one in who} - {None}) == 1
            assert who[0]["address"] == members[0]["shared_key"]
        else:
            assert len({row["shared_key"] for row in members}) == 1
    assert max(len(members) for (kind, _), members in groups.items() if kind == "call_centre") > 5


@pytest.mark.parametrize("plant", KINDS)
def test_a_kind_of_ring_left_out_is_gone_and_the_others_stay(
    short: World, simulated: Simulated, plant: Plant
) -> None:
    rest = _without(simulated, plant).truth("rings").to_pylist()
    wanted = [row for row in short.truth("rings").to_pylist() if row["kind"] != plant]
    told = ("group_id", "kind", "customer_id", "shared_key")
    assert [[row[name] for name in told] for row in rest] == [[row[name] for name in told] for row in wanted]


def test_leaving_out_families_or_call_centres_removes_them(simulated: Simulated) -> None:
    rest = _without(simulated, Plant.FAMILIES, Plant.CALL_CENTRES)
    assert rest.truth("lookalikes").num_rows == 0
    assert Counter(_column(rest, "customers", "address")).most_common(1)[0][1] == 1


def test_leaving_out_rings_leaves_forms_and_reports_as_they_were(short: World, simulated: Simulated) -> None:
    rest = _without(simulated, *KINDS)
    assert rest.truth("rings").num_rows == 0
    for table, column in (
        ("applications", "declared_income"), ("applications", "amount"), ("bureau_reports", "score"),
        ("customers", "birth_date"), ("transactions", "amount"), ("contacts", "offer"),
    ):  # fmt: skip
        assert _column(rest, table, column) == _column(short, table, column), (table, column)


@pytest.fixture(scope="module")
def pulled(world: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The same lender, read anew when its last month has ended."""
    folder = tmp_path_factory.mktemp("pulled")
    return World(world.spec, folder, simulate(world.spec, folder, pulled=True))


def test_a_month_is_delivered_before_anything_is_known_of_its_loans(world: World) -> None:
    rows = world.clean("applications").to_pylist()
    assert {row["collections_stage"] for row in rows if row["decision"] == "approved"} == {"none"}
    assert {row["collections_stage"] for row in rows if row["decision"] == "declined"} == {None}
    flags = Counter(_column(world, "customers", "internal_flag"))
    assert 0.01 < flags["watch"] / flags.total() < 0.03


def test_read_anew_the_collections_stage_tells_what_the_ledger_has_told_by_that_day(
    world: World, pulled: World
) -> None:
    default = {row["application_id"]: row["default_at"] for row in world.truth("applications").to_pylist()}
    today = datetime(2025, 1, 1)
    late = {"late", "written_off"}
    rows = [row for row in pulled.clean("applications").to_pylist() if row["decision"] == "approved"]
    assert {row["collections_stage"] for row in rows} == {"none", "early", *late}
    for row in rows:
        at = default[row["application_id"]]
        if at is None or abs(at - today) > timedelta(days=6):
            assert (row["collections_stage"] in late) == (at is not None and at < today), row


def test_read_anew_the_flag_marks_nine_in_ten_of_those_who_went_bad_at_first(
    world: World, pulled: World
) -> None:
    first = {}
    for row in world.truth("applications").to_pylist():
        first.setdefault(row["customer_id"], row)
    flags = dict(
        zip(
            _column(pulled, "customers", "customer_id"),
            _column(pulled, "customers", "internal_flag"),
            strict=True,
        )
    )
    told = [
        flags[who] == "watch"
        for who, row in first.items()
        if row["approved"] and row["bad12"] and row["default_at"] < datetime(2024, 12, 1)
    ]
    assert len(told) > 100
    assert 0.85 < np.mean(told) < 0.98


def test_read_earlier_the_traps_hold_less(world: World, pulled: World, tmp_path: Path) -> None:
    simulate(world.spec, tmp_path, last_month=30, pulled=True)
    earlier = World(world.spec, tmp_path, world.manifest)
    now = dict(zip(_column(pulled, "applications", "application_id"),
                   _column(pulled, "applications", "collections_stage"), strict=True))  # fmt: skip
    order = ["none", "early", "late", "written_off"]
    pairs = [
        (order.index(row["collections_stage"]), order.index(now[row["application_id"]]))
        for row in earlier.clean("applications").to_pylist()
        if row["collections_stage"] is not None
    ]
    assert all(then <= later for then, later in pairs)
    assert sum(then < later for then, later in pairs) > 30


def test_read_anew_only_the_planted_columns_differ(world: World, pulled: World) -> None:
    told = json.loads((world.folder / "truth" / "leaks.json").read_text())["leaks"]
    changing = {(one["table"], one["column"]) for one in told if one["kind"] != "ordered by outcome"}
    differing = {
        (table, name)
        for table in TABLES
        for name in world.raw(table).column_names
        if not world.raw(table)[name].equals(pulled.raw(table)[name])
    }
    assert differing == changing
    assert (pulled.folder / "truth" / "leaks.json").read_text() == (
        world.folder / "truth" / "leaks.json"
    ).read_text()


def test_corrections_are_few_and_know_nothing_of_the_outcome(world: World, pulled: World) -> None:
    bad = {row["application_id"]: row["bad12"] for row in world.truth("applications").to_pylist()}
    pairs = zip(
        world.clean("applications").to_pylist(), pulled.clean("applications").to_pylist(), strict=True
    )
    changed = [
        one["application_id"] for one, two in pairs if one["employment_months"] != two["employment_months"]
    ]
    assert 0 < len(changed) < 0.01 * len(bad)
    assert np.mean([bad[key] for key in changed]) < 0.5


def test_leaky_columns_can_be_left_out_and_nothing_else_changes(short: World, simulated: Simulated) -> None:
    rest = _without(simulated, Plant.LEAKAGE)
    assert "collections_stage" not in rest.raw("applications").column_names
    assert "internal_flag" not in rest.raw("customers").column_names
    for table in ("applications", "customers"):
        kept = [name for name in rest.raw(table).column_names if name not in ("_file", "_row")]
        assert rest.clean(table).select(kept).equals(short.clean(table).select(kept))


def test_what_is_priced_by_lot_is_no_trap_for_the_lot_knows_nobody(world: World) -> None:
    truth = world.truth("applications").to_pylist()
    drawn, rest = (
        np.mean([row["bad12"] for row in truth if row["priced_by_lot"] == by_lot]) for by_lot in (True, False)
    )
    assert abs(drawn - rest) < 0.08
    told = json.loads((world.folder / "truth" / "leaks.json").read_text())["leaks"]
    assert "priced_by_lot" not in {one["column"] for one in told}


def test_application_ids_sort_by_outcome_within_their_month_unless_left_out(
    short: World, simulated: Simulated
) -> None:
    def sorted_months(world: World) -> int:
        months: dict[str, list[tuple[str, bool]]] = defaultdict(list)
        for row in world.truth("applications").to_pylist():
            months[row["application_id"][:7]].append((row["application_id"], row["bad12"]))
        return sum(
            [bad for _, bad in sorted(rows)] == sorted(bad for _, bad in rows) for rows in months.values()
        )

    assert sorted_months(short) == SHORT.months
    assert sorted_months(_without(simulated, Plant.ORDERED_IDS)) == 0


def test_without_lots_nothing_is_randomised(simulated: Simulated) -> None:
    rest = _without(simulated, Plant.RANDOMISED)
    assert not any(_column(rest, "applications", "randomised"))
    assert not any(_column(rest, "contacts", "randomised"))
    assert not any(_column(rest, "loans", "priced_by_lot"))


def test_offers_by_lot_are_independent_of_the_person_and_their_uplift_is_known(world: World) -> None:
    uplift = {row["contact_id"]: row for row in world.truth("uplift").to_pylist()}
    rows = [row for row in world.clean("contacts").to_pylist() if row["randomised"]]
    assert {row["offer"] for row in rows} == {"none", "limit_raise", "rate_cut", "top_up"}
    for row in rows:
        if row["offer"] == "none":
            assert uplift[row["contact_id"]]["uplift"] == 0
            assert row["limit_amount"] is None
    offered = [uplift[row["contact_id"]]["uplift"] for row in rows if row["offer"] != "none"]
    assert np.mean(offered) > 0.02


def test_region_tells_the_ethnic_group_only_while_the_proxy_is_planted(
    short: World, simulated: Simulated
) -> None:
    def share_at_home(world: World) -> float:
        rows = [row for row in world.clean("customers").to_pylist() if row["ethnicity"] == "Zhuang"]
        return float(np.mean([row["region"] == "Guangxi" for row in rows]))

    assert share_at_home(short) > 0.6
    rest = _without(simulated, Plant.PROXY)
    assert share_at_home(rest) < 0.25
    assert "Halal Food Street" not in _column(rest, "transactions", "merchant")
    assert "Halal Food Street" in _column(short, "transactions", "merchant")


def test_canaries_lie_in_customers_as_the_truth_says(world: World, simulated: Simulated) -> None:
    told = json.loads((world.folder / "truth" / "canaries.json").read_text())["canaries"]
    assert len(told) == 5
    people = {row["customer_id"]: row for row in world.clean("customers").to_pylist()}
    for one in told:
        assert {name: people[one["customer_id"]][name] for name in one} == one
        assert one["name"].startswith("CANARY-")
    rest = _without(simulated, Plant.CANARIES)
    assert not [name for name in _column(rest, "customers", "name") if "CANARY" in name]


def test_covariate_drift_moves_scores_incomes_and_channels(world: World) -> None:
    before, after = _late(world, "bureau_reports", "score")
    assert np.mean(before) - np.mean(after) > 0.3 * np.std(before)
    incomes = [
        np.log(np.array(part, dtype=float)) for part in _late(world, "applications", "declared_income")
    ]
    assert incomes[0].mean() - incomes[1].mean() > 0.1
    channels = [np.mean(np.array(part) == "aggregator") for part in _late(world, "applications", "channel")]
    assert channels[1] > 2 * channels[0]


def test_concept_drift_changes_risks_and_leaves_the_forms(short: World, simulated: Simulated) -> None:
    rest = _without(simulated, Plant.CONCEPT)
    assert _column(rest, "applications", "declared_income") == _column(
        short, "applications", "declared_income"
    )
    assert _column(rest, "bureau_reports", "score") == _column(short, "bureau_reports", "score")
    drifted, steady = (world.truth("applications")["true_pd"].to_pylist() for world in (short, rest))
    start = sum(
        np.datetime64(at, "M") < np.datetime64(SHORT.name_of(SHORT.drift_month))
        for at in short.truth("applications")["event_at"].to_pylist()
    )
    assert drifted[:start] == steady[:start]
    assert np.mean(np.abs(np.array(drifted[start:]) - np.array(steady[start:]))) > 0.03


def test_mix_drift_moves_products_and_terms_and_keeps_incomes(short: World, simulated: Simulated) -> None:
    mixed = _with(simulated, Plant.MIX)
    before, after = _late(mixed, "applications", "product")
    assert np.mean(np.array(before) == "auto") - np.mean(np.array(after) == "auto") > 0.1
    before, after = _late(mixed, "applications", "term_months")
    assert np.mean(np.array(after) >= 24) > np.mean(np.array(before) >= 24)
    for column in ("declared_income", "employment_months", "housing"):
        assert _column(mixed, "applications", column) == _column(short, "applications", column)
    assert _column(mixed, "bureau_reports", "score") == _column(short, "bureau_reports", "score")


def test_a_dead_source_reports_nothing_after_its_last_month(simulated: Simulated) -> None:
    dead = _with(simulated, Plant.SOURCE_DIES)
    before, after = _late(dead, "bureau_reports", "score")
    assert len(before) > 500
    assert after == []


def test_a_change_of_unit_touches_one_channel_alone(short: World, simulated: Simulated) -> None:
    changed = _with(simulated, Plant.UNIT)
    pairs = zip(
        short.clean("applications").to_pylist(), changed.clean("applications").to_pylist(), strict=True
    )
    start = np.datetime64(SHORT.name_of(SHORT.drift_month))
    for one, other in pairs:
        same = one["channel"] != "web" or np.datetime64(one["event_at"], "M") < start
        assert (one["declared_income"] == other["declared_income"]) == same


def test_the_drifts_are_written_down(world: World) -> None:
    assert json.loads((world.folder / "truth" / "drift.json").read_text()) == {
        "concept": "2024-01",
        "covariate": "2024-01",
    }
