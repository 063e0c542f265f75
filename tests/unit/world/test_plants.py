from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from loanbook.world import Plant

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


def test_leaky_columns_tell_the_outcome_and_can_be_left_out(short: World, simulated: Simulated) -> None:
    bad = {row["application_id"]: row["bad12"] for row in short.truth("applications").to_pylist()}
    rows = [row for row in short.clean("applications").to_pylist() if row["decision"] == "approved"]
    late = {"late", "written_off"}
    assert all((row["collections_stage"] in late) == bad[row["application_id"]] for row in rows)
    assert set(_column(short, "customers", "internal_flag")) == {"standard", "watch"}
    rest = _without(simulated, Plant.LEAKAGE)
    assert "collections_stage" not in rest.raw("applications").column_names
    assert "internal_flag" not in rest.raw("customers").column_names
    for table in ("applications", "customers"):
        kept = [name for name in rest.raw(table).column_names if name not in ("_file", "_row")]
        assert rest.clean(table).select(kept).equals(short.clean(table).select(kept))


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
