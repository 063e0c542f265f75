"""raw → validated: the columns that intake supplies to rules beside a table's own, each as SQL over a row."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from loanbook.intake.judging import measures
from loanbook.schema import REFERENCES, TABLES, Privacy

SHAPE = "__shape"
MONTH = "year(available_at)::INTEGER * 12 + month(available_at)::INTEGER"


def columns(table: str) -> Mapping[str, str]:
    """Name the supplied columns of a table, with their types."""
    own = TABLES[table]
    given = {
        "_readable": "BOOLEAN",
        "_first_of_key": "BOOLEAN",
        "_held": "DOUBLE",
        "_age_days": "DOUBLE",
        "_month": "INTEGER",
        "_lately": "BOOLEAN",
    }
    for column, parent in REFERENCES.get(table, ()):
        given[f"{column}__known"] = "BOOLEAN"
        given |= {f"{column}__{each.name}": each.type for each in TABLES[parent].columns}
        given[f"_first_of_{column}"] = "BOOLEAN"
    if {"lat", "lon"} <= set(own.names):
        given["_place_inside"] = "BOOLEAN"
    given |= {name + SHAPE: "VARCHAR" for name in shaped(table)}
    return MappingProxyType(given)


def shaped(table: str) -> tuple[str, ...]:
    """Name the columns whose values rules see as shapes alone."""
    return tuple(each.name for each in TABLES[table].columns if each.privacy is Privacy.IDENTIFYING)


def of_parent(table: str, name: str) -> tuple[str, str, str] | None:
    """Read `loan_id__principal` as column, parent and the parent's column; None if it is no such name."""
    for column, parent in REFERENCES.get(table, ()):
        if name.startswith(f"{column}__") and name.removeprefix(f"{column}__") in TABLES[parent].names:
            return column, parent, name.removeprefix(f"{column}__")
    return None


def lately(batches: int, last_batch: int | None, last_month: int | None) -> str:
    """Tell the newest rows from those before: the last batch, or of a first one the newest months."""
    if batches > 1:
        return f"_batch = {last_batch}"
    if last_month is None:
        return "NULL::BOOLEAN"
    return f"{MONTH} > {last_month - measures.NEWEST_MONTHS}"


def past(rows: str) -> str:
    """Write the query that says how many batches there are, and which batch and month is the newest."""
    return (
        "SELECT count(DISTINCT _batch), max(_batch), "
        f"quantile_disc({MONTH}, {1 - measures.STRAY}) FROM {rows}"
    )
