"""The words: whose rows a purpose may see. Where a purpose needs a person's yes, a null is no."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from loanbook.schema.columns import Purpose
from loanbook.schema.references import REFERENCES
from loanbook.schema.tables import TABLES

# A purpose that only those serve who agreed to it, and the column in which they did.
ASKED = MappingProxyType({Purpose.MARKETING: "consent_marketing"})
# A table that nobody may see of a customer who refused it.
REFUSED = MappingProxyType({"bureau_reports": "consent_bureau"})

Relation = Callable[[str], str]


def rows(table: str, purpose: Purpose, relation: Relation) -> str | None:
    """Give the SQL condition on a table's rows, or null where everybody's may be seen.

    `relation` gives the SQL of a canonical table with all of its columns.
    """
    conditions = [said for said in (_agreed(table, purpose, relation), _allowed(table, relation)) if said]
    return " AND ".join(conditions) or None


def _agreed(table: str, purpose: Purpose, relation: Relation) -> str | None:
    """Keep the customers who said yes, what is theirs, and what hangs on what is theirs."""
    column = ASKED.get(purpose)
    if column is None:
        return None
    if table == "customers":
        return f"coalesce({column}, false)"
    parents = dict(_people(table))
    if not parents:
        return None
    key, parent = next(iter(parents.items()))
    theirs = _agreed(parent, purpose, relation)
    return f"{key} IN (SELECT {key} FROM {relation(parent)} WHERE {theirs})"


def _people(table: str) -> tuple[tuple[str, str], ...]:
    """Name the column by which a row belongs to a person, and where that person stands."""
    named = [(column, parent) for column, parent in REFERENCES.get(table, ()) if parent == "customers"]
    loans = [(column, parent) for column, parent in REFERENCES.get(table, ()) if parent == "loans"]
    return tuple(named or loans)[:1]


def _allowed(table: str, relation: Relation) -> str | None:
    column = REFUSED.get(table)
    if column is None:
        return None
    assert "customer_id" in TABLES[table].names
    return (
        f"customer_id NOT IN (SELECT customer_id FROM {relation('customers')} "
        f"WHERE {column} = false AND customer_id IS NOT NULL)"
    )
