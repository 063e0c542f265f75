"""held → ruled: find a row again by its name at the desk: which part of ours, which row of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from loanbook import digests
from loanbook.errors import QuarantineError
from loanbook.intake import parts
from loanbook.intake.book import Book
from loanbook.intake.engine import ident, text
from loanbook.intake.judging import pushdown
from loanbook.intake.quarantine import ID
from loanbook.intake.readings import Reading
from loanbook.schema import TABLES, Privacy, Table

if TYPE_CHECKING:
    import duckdb

HIDDEN = "hidden"


def split(name: str) -> tuple[str, int]:
    """Take part and place from a row's name, or raise QuarantineError."""
    part, _, place = name.partition("-")
    if not part or not place.isdecimal():
        raise QuarantineError(
            f"{name!r} names no row", right="Write it as `loanbook quarantine list` does: 1f0c9a7b22de-17"
        )
    return part, int(place)


def table_of(stands: Book, name: str) -> str:
    """Find the table that a row lies in, or raise QuarantineError."""
    prefix, place = split(name)
    for batch in stands.batches:
        for part in batch.parts:
            if part.digest.startswith(prefix) and len(prefix) == 12 and place < part.rows:
                return part.table
    raise QuarantineError(
        f"there is no row {name}",
        where=stands.dataset,
        right="See `loanbook quarantine list`; under another mapping rows have other names",
    )


def named(reading: Reading, table: str, names: Iterable[str]) -> str:
    """Write the relation of some rows of a table."""
    found = [split(name) for name in names]
    places = " OR ".join(f"(_part = {text(part)} AND _place = {place})" for part, place in found)
    return f"(SELECT * FROM {pushdown.rows_of(reading, table)} WHERE {places or 'false'})"


def contents(
    connection: duckdb.DuckDBPyConnection, relation: str, table: Table
) -> dict[str, tuple[str, ...]]:
    """Give each row as the texts of all that is stored of it, by its name."""
    columns = ", ".join(f"{ident(name)}::VARCHAR" for name in parts.stored(table))
    found = connection.execute(f"SELECT {ID}, {columns} FROM {relation}").fetchall()
    return {str(name): tuple(values) for name, *values in found}


def content_digest(values: Sequence[str | None]) -> str:
    """Hash what is stored of a row."""
    return digests.of_json(list(values))


def part_digest(stands: Book, name: str) -> str:
    """Give the whole hash of the part that a row lies in."""
    prefix, _ = split(name)
    digests_of = (part.digest for batch in stands.batches for part in batch.parts)
    found = {digest for digest in digests_of if digest.startswith(prefix)}
    if len(found) != 1:
        raise QuarantineError(f"the part of row {name} is not told apart", where=stands.dataset)
    return found.pop()


def masked(table: str) -> str:
    """Write the REPLACE clause that hides protected values, so that no reason tells them."""
    protected = [column for column in TABLES[table].columns if column.privacy is Privacy.PROTECTED]
    said = ", ".join(
        f"CASE WHEN {ident(column.name)} IS NOT NULL THEN {text(HIDDEN)} END AS {ident(column.name)}"
        for column in protected
    )
    return f" REPLACE ({said})" if said else ""
