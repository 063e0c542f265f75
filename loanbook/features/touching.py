"""validated → features: whom a new publication touches, and how a recipe is shown their rows alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from loanbook import digests, lake
from loanbook.features.recipes import Local, Recipe
from loanbook.schema import TABLES, Column, Purpose, consents
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# How each table's rows belong to somebody: by a column of their own, or by their loan's.
OF_CUSTOMER = (
    "customers", "applications", "bureau_reports", "transactions", "links", "loans", "contacts", "cases",
    "limits", "statements",
)  # fmt: skip
OF_LOAN = ("repayments", "recoveries")
OF_VEHICLE = ("vehicles",)
SEEN_BY = MappingProxyType(
    {Local.CUSTOMER: OF_CUSTOMER + OF_LOAN, Local.VEHICLE: OF_VEHICLE, Local.EVERYTHING: tuple(TABLES)}
)


@dataclass(frozen=True)
class Touched:
    """What differs between two publications: which tables, and whose rows were added, changed or withdrawn.

    `keys` gives one column each of customer_id, vehicle_id, and of application_id and loan_id: those of the
    touched customers, before and after.
    """

    tables: frozenset[str]
    keys: Mapping[str, pa.Table]


def touched(settings: Settings, before: Mapping[str, Path], after: Mapping[str, Path]) -> Touched:
    """Compare two publications' files, table by table; equal files are not read."""
    with lake.connect(settings) as connection:
        differing = tuple(name for name in TABLES if not _same(before.get(name), after.get(name)))
        for side, paths in (("was", before), ("is", after)):
            connection.execute(f'CREATE SCHEMA "{side}"')
            for name in {*differing, "loans", "applications"}:
                connection.execute(f'CREATE VIEW "{side}".{name} AS {_rows(name, paths)}')
        keys = {"customer_id": _customers(differing), "vehicle_id": _vehicles(differing)}
        found = {}
        for key, query in keys.items():
            connection.execute(f"CREATE TEMP TABLE touched_{key} AS SELECT DISTINCT {key} FROM ({query})")
            found[key] = connection.sql(f"FROM touched_{key} ORDER BY ALL").to_arrow_table()
        found["application_id"] = connection.sql(_theirs("applications")).to_arrow_table()
        found["loan_id"] = connection.sql(_theirs("loans")).to_arrow_table()
    return Touched(frozenset(differing), found)


def _theirs(name: str) -> str:
    """Give the keys of the touched customers' rows, before and after."""
    sides = " UNION ".join(
        f'SELECT o.{TABLES[name].key} FROM "{side}".{name} AS o '
        "SEMI JOIN touched_customer_id AS t ON o.customer_id IS NOT DISTINCT FROM t.customer_id"
        for side in ("was", "is")
    )
    return f"{sides} ORDER BY ALL"


def _same(before: Path | None, after: Path | None) -> bool:
    if before is None or after is None:
        return before is after
    return before == after or digests.of_file(before) == digests.of_file(after)


def _rows(name: str, paths: Mapping[str, Path]) -> str:
    """Give a table's canonical rows, none where there is no file."""
    if name in paths:
        names = ", ".join(f'"{column}"' for column in TABLES[name].names)
        return f"SELECT {names} FROM read_parquet('{lake.quoted(paths[name])}')"
    nulls = ", ".join(f'NULL::{column.type} AS "{column.name}"' for column in TABLES[name].columns)
    return f"SELECT {nulls} WHERE false"


def _owner(name: str) -> str:
    """Name the column that says whose a table's rows are."""
    return "loan_id" if name in OF_LOAN else "vehicle_id" if name in OF_VEHICLE else "customer_id"


def _customers(differing: tuple[str, ...]) -> str:
    parts = ["SELECT NULL::VARCHAR AS customer_id WHERE false"]
    parts += [_unlike(name) for name in differing if name in OF_CUSTOMER]
    loans = 'SELECT loan_id, customer_id FROM "was".loans UNION SELECT loan_id, customer_id FROM "is".loans'
    parts += [
        f"SELECT l.customer_id FROM ({_unlike(name)}) AS r JOIN ({loans}) AS l USING (loan_id)"
        for name in differing
        if name in OF_LOAN
    ]
    return " UNION ALL ".join(parts)


def _vehicles(differing: tuple[str, ...]) -> str:
    parts = [_unlike(name) for name in differing if name in OF_VEHICLE]
    return " UNION ALL ".join(parts or ["SELECT NULL::VARCHAR AS vehicle_id WHERE false"])


def _unlike(name: str) -> str:
    """Give the owners whose rows are not the same on both sides.

    Rows are compared by two sums of 64-bit hashes an owner, the second with the columns turned round: EXCEPT
    would hold every row of both sides, eight times slower over ten million.
    """
    columns, key = TABLES[name].names, _owner(name)
    one, other = (", ".join(f'"{column}"' for column in order) for order in (columns, columns[::-1]))
    hashed = f"hash(hash({one}))::HUGEINT AS one, hash(hash({other}))::HUGEINT AS other"
    return (
        f'SELECT {key} FROM (SELECT {key}, 1 AS side, {hashed} FROM "was".{name} '
        f'UNION ALL SELECT {key}, -1, {hashed} FROM "is".{name}) GROUP BY {key} '
        "HAVING sum(side) <> 0 OR sum(side * one) <> 0 OR sum(side * other) <> 0"
    )


def show(
    connection: duckdb.DuckDBPyConnection,
    published: Mapping[str, Path],
    recipe: Recipe,
    may_see: Callable[[Column], bool],
    whose: Touched | None = None,
) -> None:
    """Offer the views that a recipe may read: the allowed columns, and of `whose` rows alone.

    What is nobody's own doesn't exist for a recipe that is local to somebody.
    """
    lake.offer(connection, published, may_see, recipe.purpose)
    for name in TABLES.keys() - set(SEEN_BY[recipe.local_to]):
        connection.execute(f"DROP VIEW {name}")
    if whose is None or recipe.local_to is Local.EVERYTHING:
        return
    for key, rows in whose.keys.items():
        connection.register(f"touched_{key}", rows)
    for name in SEEN_BY[recipe.local_to]:
        _narrow(connection, name, published, may_see, recipe.purpose)


def seen(recipe: Recipe) -> frozenset[str]:
    """Name the tables that a recipe's rows follow from: those it reads, and who agreed to be read."""
    asked = {name for name in recipe.reads if consents.rows(name, recipe.purpose, str)}
    return recipe.reads | ({"customers", "loans"} if asked else frozenset())


def _agreed(name: str, published: Mapping[str, Path], purpose: Purpose) -> str:
    """Give a table's rows, as far as their customers agreed to the purpose."""
    agreed = consents.rows(name, purpose, lambda other: f"({_rows(other, published)})")
    return f"FROM ({_rows(name, published)})" + (f" WHERE {agreed}" if agreed else "")


def _narrow(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    published: Mapping[str, Path],
    may_see: Callable[[Column], bool],
    purpose: Purpose,
) -> None:
    key = _owner(name)
    names = ", ".join(f'x."{column.name}"' for column in TABLES[name].columns if may_see(column))
    connection.execute(
        f"CREATE OR REPLACE VIEW {name} AS SELECT {names} FROM ({_agreed(name, published, purpose)}) AS x "
        f"SEMI JOIN touched_{key} AS t ON x.{key} IS NOT DISTINCT FROM t.{key}"
    )
