"""validated → features: how many customers hang together by what they share, as it was known at each moment.

Sightings and first days of being bad are read once, in order of time, and each joins two sets or counts one
customer: linear in sightings, whatever a key's crowd. A device, a phone, an address and a bank account tie
customers together. An employer, a dealer, a referrer or a guarantor has to do with strangers, and joins
nobody here.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import duckdb

TYING = ("device", "phone", "address", "bank_account")
SIGHTED, BAD, ASKED = range(3)
BATCH = 65_536

# A key of one customer ties nobody: leaving those out leaves most sightings out.
_TIES = f"""
CREATE OR REPLACE TEMP TABLE network_ties AS
WITH sighted AS (
    SELECT kind, shared_key, customer_id, min(available_at) AS available_at
    FROM links
    WHERE shared_key IS NOT NULL AND kind IN ('{"', '".join(TYING)}')
    GROUP BY ALL
),
numbered AS (
    SELECT kind, shared_key, row_number() OVER (ORDER BY kind, shared_key) - 1 AS tie
    FROM sighted
    GROUP BY kind, shared_key
    HAVING count(*) > 1
)
SELECT tie, customer_id, available_at FROM sighted JOIN numbered USING (kind, shared_key)
"""
_TIED = """
CREATE OR REPLACE TEMP TABLE network_tied AS
SELECT customer_id, row_number() OVER (ORDER BY customer_id) - 1 AS node
FROM (SELECT DISTINCT customer_id FROM network_ties)
"""
_EVENTS = f"""
SELECT moment::BIGINT AS moment, what::TINYINT AS what, node::INTEGER AS node, tie::INTEGER AS tie FROM (
    SELECT epoch_us(available_at) AS moment, {SIGHTED} AS what, node, tie
    FROM network_ties JOIN network_tied USING (customer_id)
    UNION ALL
    SELECT epoch_us(min(greatest(r.available_at, l.available_at))), {BAD}, n.node, -1
    FROM repayments AS r
    JOIN loans AS l USING (loan_id)
    JOIN network_tied AS n USING (customer_id)
    WHERE r.days_past_due >= 90
    GROUP BY n.node
    UNION ALL
    SELECT DISTINCT epoch_us(l.available_at), {ASKED}, n.node, -1
    FROM links AS l JOIN network_tied AS n USING (customer_id)
) ORDER BY moment, what, node, tie
"""
_COMPONENTS = """
CREATE OR REPLACE TEMP TABLE components AS
SELECT n.customer_id, make_timestamp(f.moment) AS available_at, f.size, f.bads
FROM found AS f JOIN network_tied AS n USING (node)
"""


class Components:
    """Customers by number, in sets that only grow; each set knows its size and how many of it went bad."""

    def __init__(self, customers: int, ties: int) -> None:
        self._above = array("i", range(customers))
        self._size = array("i", [1]) * customers
        self._bads = array("i", [0]) * customers
        self._is_bad = bytearray(customers)
        self._holder = array("i", [-1]) * ties

    def sight(self, node: int, tie: int) -> None:
        """Tie a customer to everybody who was seen with the same key."""
        if self._holder[tie] < 0:
            self._holder[tie] = node
            return
        one, other = self._top(node), self._top(self._holder[tie])
        if one == other:
            return
        if self._size[one] < self._size[other]:
            one, other = other, one
        self._above[other] = one
        self._size[one] += self._size[other]
        self._bads[one] += self._bads[other]

    def go_bad(self, node: int) -> None:
        """Count a customer as bad, once."""
        if not self._is_bad[node]:
            self._is_bad[node] = 1
            self._bads[self._top(node)] += 1

    def around(self, node: int) -> tuple[int, int]:
        """Give the size of the customer's set, and how many others of it are bad."""
        top = self._top(node)
        return self._size[top], self._bads[top] - self._is_bad[node]

    def _top(self, node: int) -> int:
        above = self._above
        while above[node] != node:
            above[node] = above[above[node]]
            node = above[node]
        return node


def relate(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table `components`: per tied customer and moment of being seen, the set's size and bads.

    Reads the views `links`, `loans` and `repayments`. Whoever shares nothing has no row.
    """
    import pyarrow as pa

    connection.execute(_TIES)
    connection.execute(_TIED)
    found = pa.table(_walk(connection))
    connection.register("found", found)
    connection.execute(_COMPONENTS)
    connection.unregister("found")


def _walk(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    (customers, ties), *_ = connection.execute(
        "SELECT (SELECT count(*) FROM network_tied), (SELECT coalesce(max(tie), -1) + 1 FROM network_ties)"
    ).fetchall()
    sets = Components(int(customers), int(ties))
    moments, nodes, sizes, bads = array("q"), array("i"), array("i"), array("i")
    for moment, what, node, tie in _events(connection):
        if what == SIGHTED:
            sets.sight(node, tie)
        elif what == BAD:
            sets.go_bad(node)
        else:
            size, bad = sets.around(node)
            moments.append(moment)
            nodes.append(node)
            sizes.append(size)
            bads.append(bad)
    return {
        "moment": np.array(moments, dtype=np.int64),
        "node": np.array(nodes, dtype=np.int32),
        "size": np.array(sizes, dtype=np.int32),
        "bads": np.array(bads, dtype=np.int32),
    }


def _events(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[int, int, int, int]]:
    """Read in order of time; at one moment everybody is seen, then goes bad, then is asked for."""
    for batch in connection.sql(_EVENTS).to_arrow_reader(BATCH):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
