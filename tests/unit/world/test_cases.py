"""What investigators find: most of a ring, late, and some innocent people whom they clear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from loanbook.world import Plant, WorldSpec

from .conftest import SHORT, Simulated, World

LARGE = WorldSpec(applications=30_000, months=30, drift_month=25, seed=11)
CLOSED = timedelta(days=44)  # 30 days to the case and 14 to the finding, at the least


@pytest.fixture(scope="module")
def large(simulated: Simulated) -> World:
    return simulated(LARGE)


def cases(world: World) -> dict[str, dict[str, Any]]:
    return {row["application_id"]: row for row in world.raw("cases").to_pylist()}


def ripe(world: World, name: str) -> list[dict[str, Any]]:
    """Everybody of a list whose case had a year to close."""
    end = datetime(2022, 7, 1) - timedelta(days=365)
    filed = {row["application_id"]: row["event_at"] for row in world.truth("applications").to_pylist()}
    return [row for row in world.truth(name).to_pylist() if filed[row["application_id"]] < end]


def share(found: dict[str, dict[str, Any]], rows: Iterable[dict[str, Any]], outcome: str) -> float:
    told = [found.get(row["application_id"], {}).get("outcome") == outcome for row in rows]
    return sum(told) / len(told)


def test_an_application_is_investigated_once(large: World) -> None:
    rows = large.raw("cases")
    assert rows.num_rows == len(cases(large)) == len(set(rows["case_id"].to_pylist()))


def test_two_in_three_ring_members_are_confirmed_and_never_all_of_them(large: World) -> None:
    found, rings = cases(large), ripe(large, "rings")
    assert 0.5 < share(found, rings, "confirmed") < 0.75
    assert 0 < share(found, rings, "cleared") < 0.1
    by_ring = Counter(row["group_id"] for row in rings)
    seen = Counter(row["group_id"] for row in rings if row["application_id"] in found)
    assert any(by_ring[ring] and not seen[ring] for ring in by_ring)  # a ring that nobody saw


def test_innocent_look_alikes_are_looked_at_and_nearly_all_cleared(large: World) -> None:
    found, alike = cases(large), ripe(large, "lookalikes")
    assert 0.01 < share(found, alike, "cleared") < 0.06
    assert share(found, alike, "confirmed") < 0.005


def test_a_finding_comes_weeks_after_the_application_and_is_known_a_day_later(large: World) -> None:
    filed = {row["application_id"]: row["event_at"] for row in large.truth("applications").to_pylist()}
    for row in cases(large).values():
        assert row["event_at"] - filed[row["application_id"]] >= CLOSED
        assert row["available_at"] - row["event_at"] == timedelta(days=1)


def test_who_was_never_lent_to_can_be_a_case(large: World) -> None:
    lent = {row["application_id"] for row in large.truth("applications").to_pylist() if row["approved"]}
    assert any(one not in lent for one in cases(large))


def test_a_case_is_about_its_applicant(large: World) -> None:
    who = {row["application_id"]: row["customer_id"] for row in large.truth("applications").to_pylist()}
    assert all(row["customer_id"] == who[one] for one, row in cases(large).items())


def test_without_investigators_every_other_byte_stays(short: World, simulated: Simulated) -> None:
    without = simulated(replace(SHORT, plants=SHORT.plants - {Plant.CASES}))
    told = {name: digest for name, digest in short.digests().items() if not name.startswith("raw/cases/")}
    assert len(told) < len(short.digests())
    told.pop("truth/spec.json")  # it lists the plants
    assert told.items() <= without.digests().items()
    assert len(told) + 1 == len(without.digests())
