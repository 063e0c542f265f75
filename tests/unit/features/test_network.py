"""What is told of links equals a count over all sightings known by then, done without any cleverness."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from loanbook import lake
from loanbook.features import network
from loanbook.features.network import Components
from loanbook.settings import Settings

Rows = list[dict[str, Any]]
NEAR = ("device", "phone", "address", "bank_account")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, publish: Any, crowd: dict[str, Rows]) -> Rows:
    """Compute the links table of a crowd in which two in five keys are shared."""
    from pyarrow import parquet

    from loanbook.features import tables

    home = tmp_path_factory.mktemp("links")
    made = tables.compute(Settings(home=home, threads=2), "crowd", "p", publish(home / "p", crowd))
    rows: Rows = parquet.read_table(made.folder / "links.parquet").to_pylist()
    return rows


@pytest.fixture(scope="module")
def bad_since(crowd: dict[str, Rows]) -> dict[str, datetime]:
    loans = {row["loan_id"]: row for row in crowd["loans"]}
    found: dict[str, datetime] = {}
    for row in crowd["repayments"]:
        if row["days_past_due"] >= 90:
            loan = loans[row["loan_id"]]
            at = max(row["available_at"], loan["available_at"])
            found[loan["customer_id"]] = min(at, found.get(loan["customer_id"], at))
    return found


def known(crowd: dict[str, Rows], at: datetime) -> Rows:
    return [row for row in crowd["links"] if row["available_at"] <= at]


def held(seen: Rows, customer: str) -> Iterator[tuple[str, str]]:
    """Give the key that a customer was last seen with, kind by kind."""
    for kind in (*NEAR, "employer", "guarantor", "referrer"):
        own = [row for row in seen if row["customer_id"] == customer and row["kind"] == kind]
        if own:
            yield kind, max(own, key=lambda row: (row["available_at"], row["shared_key"]))["shared_key"]


def test_there_is_a_row_for_each_moment_at_which_a_customer_was_seen(
    told: Rows, crowd: dict[str, Rows]
) -> None:
    moments = {(row["customer_id"], row["available_at"]) for row in crowd["links"]}

    assert {(row["customer_id"], row["available_at"]) for row in told} == moments
    assert len(told) == len(moments)


def test_a_component_is_everybody_who_can_be_reached_over_keys_seen_by_then(
    told: Rows, crowd: dict[str, Rows], bad_since: dict[str, datetime]
) -> None:
    import networkx

    sizes = set()
    for row in told:
        at, customer = row["available_at"], row["customer_id"]
        graph = networkx.Graph([(customer, customer)])
        for one in known(crowd, at):
            if one["kind"] in NEAR:
                graph.add_edge(one["customer_id"], (one["kind"], one["shared_key"]))
        around = networkx.node_connected_component(graph, customer)
        people = {one for one in around if isinstance(one, str)}
        bads = sum(bad_since.get(one, datetime.max) <= at for one in people - {customer})
        assert row["component_size"] == len(people)
        assert row["component_bad_share"] == (bads / (len(people) - 1) if len(people) > 1 else None)
        sizes.add(len(people))
    assert len(sizes) > 10


def test_sharers_of_a_key_and_the_bad_among_them_are_counted_as_known_then(
    told: Rows, crowd: dict[str, Rows], bad_since: dict[str, datetime]
) -> None:
    shared = 0
    for row in told:
        at, customer = row["available_at"], row["customer_id"]
        seen = known(crowd, at)
        others = {
            kind: {
                one["customer_id"] for one in seen if (one["kind"], one["shared_key"]) == (kind, key)
            } - {customer}
            for kind, key in held(seen, customer)
        }  # fmt: skip
        for kind in (*NEAR, "employer", "guarantor", "referrer"):
            assert row[f"{kind}_others"] == len(others.get(kind, ()))
        near = [one for kind in NEAR for one in others.get(kind, ())]
        bads = sum(bad_since.get(one, datetime.max) <= at for one in near)
        assert row["neighbour_bad_share"] == (bads / len(near) if near else None)
        assert row["keys_shared"] == sum(bool(others.get(kind)) for kind in NEAR)
        shared += bool(near)
    assert shared > 50


@pytest.mark.parametrize("days", [7, 30])
def test_a_keys_velocity_counts_others_who_first_came_within_the_days(
    told: Rows, crowd: dict[str, Rows], days: int
) -> None:
    fast = 0
    for row in told:
        at, customer = row["available_at"], row["customer_id"]
        seen = known(crowd, at)
        most = 0
        for kind, key in held(seen, customer):
            first: dict[str, datetime] = {}
            for one in seen:
                if (one["kind"], one["shared_key"]) == (kind, key):
                    came = one["available_at"]
                    first[one["customer_id"]] = min(came, first.get(one["customer_id"], came))
            new = [
                who for who, when in first.items() if when >= at - timedelta(days=days) and who != customer
            ]
            most = max(most, len(new) if kind in NEAR else 0)
        assert row[f"key_new_{days}d"] == most
        fast += most > 0
    assert fast > 5


def test_sets_grow_as_a_search_through_a_graph_says() -> None:
    import networkx

    chance = random.Random(2)
    sets, graph, bad = Components(60, 40), networkx.Graph(), set()
    graph.add_nodes_from(range(60))
    for _ in range(400):
        node, tie = chance.randrange(60), chance.randrange(40)
        if chance.random() < 0.2:
            sets.go_bad(node)
            bad.add(node)
        elif chance.random() < 0.3:
            sets.sight(node, tie)
            graph.add_edge(node, f"tie {tie}")
        around = {one for one in networkx.node_connected_component(graph, node) if isinstance(one, int)}
        assert sets.around(node) == (len(around), len(around & bad - {node}))
    assert max(sets.around(node)[0] for node in range(60)) > 20


def test_a_key_with_a_crowd_is_read_once_and_not_spread_into_pairs(tmp_path: Any) -> None:
    many = 30_000
    with lake.connect(Settings(home=tmp_path, threads=1, memory="256MB")) as connection:
        connection.execute(
            "CREATE TABLE links AS SELECT 'C' || i AS customer_id, 'device' AS kind, 'one' AS shared_key, "
            f"TIMESTAMP '2024-01-01' + to_minutes(i) AS available_at FROM range({many}) AS r(i)"
        )
        connection.execute(
            "CREATE TABLE loans (loan_id VARCHAR, customer_id VARCHAR, available_at TIMESTAMP)"
        )
        connection.execute(
            "CREATE TABLE repayments (loan_id VARCHAR, days_past_due INTEGER, available_at TIMESTAMP)"
        )

        network.relate(connection)

        assert connection.execute(
            "SELECT count(*), min(size), max(size), sum(size) FROM components"
        ).fetchall() == [(many, 1, many, many * (many + 1) // 2)]


def test_employers_dealers_referrers_and_guarantors_tie_nobody(tmp_path: Any) -> None:
    with lake.connect(Settings(home=tmp_path, threads=1)) as connection:
        connection.execute(
            "CREATE TABLE links AS SELECT 'C' || i AS customer_id, kind, 'one' AS shared_key, "
            "TIMESTAMP '2024-01-01' AS available_at "
            "FROM range(3) AS r(i), unnest(['employer', 'dealer', 'referrer', 'guarantor']) AS k(kind)"
        )
        connection.execute(
            "CREATE TABLE loans (loan_id VARCHAR, customer_id VARCHAR, available_at TIMESTAMP)"
        )
        connection.execute(
            "CREATE TABLE repayments (loan_id VARCHAR, days_past_due INTEGER, available_at TIMESTAMP)"
        )

        network.relate(connection)

        assert connection.execute("SELECT count(*) FROM components").fetchall() == [(0,)]
