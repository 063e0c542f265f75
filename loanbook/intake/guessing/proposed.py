"""raw → validated: the pieces of a proposal: a column of ours, how it is read, and what was guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from loanbook.intake.engine import ident
from loanbook.intake.guessing import matching, naming, units
from loanbook.intake.guessing.looking import ColumnLook, RawLook
from loanbook.intake.guessing.matching import Match
from loanbook.schema import TABLES


@dataclass(frozen=True)
class Line:
    """One column of a SELECT: its SQL, and what was guessed."""

    column: str
    sql: str
    guessed: str = ""


@dataclass(frozen=True)
class Select:
    """One SELECT from one raw table; `group` says by which columns rows are put together."""

    source: str
    lines: tuple[Line, ...]
    reads: tuple[ColumnLook, ...] = ()
    group: str = ""
    where: str = ""
    join: str = ""


@dataclass(frozen=True)
class Proposal:
    """What fills each table, what each raw table was taken for, and why raw columns were left out."""

    tables: Mapping[str, tuple[Select, ...]]
    taken_for: Mapping[str, str]
    left_out: Mapping[str, Mapping[str, str]]
    used: Mapping[str, frozenset[str]]


@dataclass
class Draft:
    """A proposal while it is made."""

    tables: dict[str, list[Select]] = field(default_factory=dict)
    left: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, table: str, select: Select) -> None:
        """Add one SELECT to a table's."""
        self.tables.setdefault(table, []).append(select)

    def used(self, look: RawLook) -> frozenset[str]:
        """Name the columns of a raw table that any SELECT reads."""
        name, texts = f"raw.{ident(look.source.name)}", []
        for select in (select for selects in self.tables.values() for select in selects):
            if select.source == look.source.name:
                texts += [line.sql for line in select.lines] + [select.where, select.join]
            elif name in select.join:
                texts.append(select.join)
        return frozenset(
            column.name for column in look.columns if any(ident(column.name) in part for part in texts)
        )


def wide(look: RawLook) -> frozenset[str]:
    """Find columns that are one column month by month: BAL1, BAL2 and on."""
    stems: dict[str, list[str]] = {}
    for column in look.columns:
        if numbered := re.fullmatch(r"(\D+?)_?(\d+)", column.name):
            stems.setdefault(numbered[1], []).append(column.name)
    return frozenset(name for names in stems.values() if len(names) >= 6 for name in names)


def clock_of(look: RawLook, table: str) -> Match | None:
    """Find a table's clock; a birth, a due day or a maturity is none."""
    leave = {
        column.name for column in look.columns if naming.tokens(column.name) & {"birth", "maturity", "due"}
    }
    return matching.clock(look, table, leave)


def paid_on(look: RawLook) -> Match | None:
    """Find the day of a payment: a time whose name says paid, whatever else was left out."""
    found = [
        Match(column, 1.0)
        for column in look.columns
        if column.kind == "time" and ({"paid"} <= naming.tokens(column.name) or "还款" in column.name)
    ]
    return found[0] if found else None


def key_of(look: RawLook, table: str) -> Line:
    """Name each row: by a column that does, else by its place in its file."""
    name = TABLES[table].key
    for other in (table, "loans", "applications"):
        key = TABLES[other].key
        match = matching.matches(look, other).get(key) if other in {table, "loans", "applications"} else None
        if match and _nearly(look, match.column) and (other == table or table in {"applications", "loans"}):
            return Line(name, ident(match.column.name), unique(look, match.column))
    if name == "month":
        when = clock_of(look, table)
        if when:
            return Line(name, f"strftime({read(when.column)}, '%Y-%m')", "one row a month")
    for spare in look.keys:
        said = naming.tokens(spare)
        if (said & {"id", "number"} or "号" in spare) and not said & {"customer", "person", "user"}:
            return Line(name, ident(spare), unique(look, look.column(spare)))
    return Line(
        name, "_file || '-' || _row", "no column names each row: it is named by its place in its file"
    )


def person_of(look: RawLook, key: Line) -> Line:
    """Name the customer of a deal."""
    found = matching.matches(look, "applications").get("customer_id")
    if found:
        return Line("customer_id", ident(found.column.name))
    return Line("customer_id", key.sql, "no column names the customer: each deal is one of its own")


def car_of(cars: Mapping[str, Match], key: Line) -> Line | None:
    """Name the vehicle of a deal, where the table tells of one."""
    told = [name for name in cars if name != "vehicle_id"]
    if len(told) < 2 or not {"make", "model", "model_year"} & set(told):
        return None
    if "vehicle_id" in cars:
        return Line("vehicle_id", ident(cars["vehicle_id"].column.name))
    return Line("vehicle_id", key.sql, "no column names the vehicle: each deal has one of its own")


def clocks(look: RawLook, when: Match) -> list[Line]:
    """Say when a row happened, and that it is taken for known then."""
    column, sql = when.column, read(when.column)
    span = f", from {column.first:%Y-%m-%d} to {column.last:%Y-%m-%d}" if column.first and column.last else ""
    by = "its name" if when.score >= matching.ENOUGH else "being the only time there is"
    swap = "; day before month, though every value reads either way" if column.either else ""
    known = "taken for known when it happened: if the lender learned it later, write that time"
    later = matching.known(look)
    told = (
        Line("available_at", read(later.column), "by its name") if later else Line("available_at", sql, known)
    )
    return [Line("event_at", sql, f"by {by}{span}{swap}"), told]


def lines_of(
    look: RawLook, table: str, found: Mapping[str, Match], own: Sequence[Line]
) -> tuple[list[Line], list[ColumnLook]]:
    """Write a table's lines in the schema's order: what was said already, and what was matched."""
    said = {line.column: line for line in own}
    lines, reads = [], []
    for column in TABLES[table].columns:
        if column.name in said:
            lines.append(said[column.name])
        elif column.name in found:
            match = found[column.name]
            sql, told = units.converted(look, table, column, match.column, read(match.column))
            sure = "" if match.score >= matching.SURE else f"by the name of {match.column.name!r}"
            lines.append(Line(column.name, sql, "; ".join(filter(None, (sure, told)))))
            reads.append(match.column)
    return lines, reads


def select_of(
    look: RawLook,
    lines: Sequence[Line],
    reads: Sequence[ColumnLook],
    *,
    group: str = "",
    where: str = "",
    join: str = "",
) -> Select:
    """Make one SELECT; what a plain cast does not read is read first."""
    unlike = tuple({column.name: column for column in reads if column.read}.values())
    return Select(look.source.name, tuple(lines), unlike, group, where, join)


def read(column: ColumnLook) -> str:
    """Name a column; what a plain cast doesn't read was read before the SELECT."""
    return ident(column.name)


def _nearly(look: RawLook, column: ColumnLook) -> bool:
    return column.filled >= 0.98 * look.rows and column.distinct >= 0.95 * column.filled


def unique(look: RawLook, column: ColumnLook) -> str:
    """Say why a column was taken for a key."""
    return f"{column.distinct:,} values in {look.rows:,} rows of {look.source.name}"
