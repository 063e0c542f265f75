"""raw → validated: the line that would mend a drift, as SQL or TOML to paste. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from loanbook.intake import engine
from loanbook.intake.drift.columns import Column, collapsed
from loanbook.intake.drift.units import ALL, Change
from loanbook.intake.engine import ident, text


def new(source: str, name: str, column: Column, renamed: str = "") -> str:
    """Declare a column, or read it under its old name."""
    if renamed:
        return f"{ident(name)} AS {ident(renamed)}, and declare {name} in place of {renamed}"
    return f"[raw.{source}.columns] {_key(name)} = {_quoted(_type(column))}"


def missing(name: str, renamed: str = "") -> str:
    """Read the column under its new name, or none."""
    return f"{ident(renamed)} AS {ident(name)}" if renamed else f"NULL AS {ident(name)}"


def emptied(name: str) -> str:
    """Do without a column."""
    return f"have the source fill it again; if it is gone for good, NULL AS {ident(name)}"


def own_type(name: str, old: str, now: str, declared: bool) -> str:
    """Read a column of another type as before."""
    kind = old.partition(" or ")[0]
    if declared and engine.agrees(now.partition(" or ")[0], kind):
        return f"nothing to mend if {now} can be read as declared: look at some rows, then accept"
    return f"TRY_CAST({ident(name)} AS {kind}) AS {ident(name)}"


def day(name: str, form: str) -> str:
    """Read a day in another format."""
    return f"strptime({ident(name)}, {text(form)}) AS {ident(name)}"


def written(name: str, old: Column, now: Column) -> str:
    """Read a text that is written in another way."""
    if now.dates:
        best = max(now.dates, key=lambda form: now.dates[form])
        if now.dates[best] > 0.9 * now.texts:
            return day(name, best)
    shape = collapsed(max(now.shapes, key=lambda each: now.shapes[each], default=""))
    plain = ident(name)
    if set(shape) <= set("9.,-' "):
        comma = "," if shape.rfind(",") > shape.rfind(".") else "."
        for mark in sorted(set(",.' ") - {comma}):
            plain = f"replace({plain}, {text(mark)}, '')" if mark in shape else plain
        plain = f"replace({plain}, ',', '.')" if comma == "," else plain
        return f"TRY_CAST({plain} AS DOUBLE) AS {ident(name)}"
    was = max(old.shapes, key=lambda each: old.shapes[each], default="")
    return f"write {plain} as {was!r} again, or map it: CASE {plain} WHEN '…' THEN '…' END AS {plain}"


def unreadable(name: str, kind: str) -> str:
    """Read as text what can't be read as declared."""
    return f'declare {_key(name)} = "VARCHAR" and read it: TRY_CAST({ident(name)} AS {kind}) AS {ident(name)}'


def unit(name: str, found: Change, before: float) -> str:
    """Bring numbers back to their unit."""
    plain = ident(name)
    back = f"{plain} / {found.factor:.7g}" if found.factor > 1 else f"{plain} * {1 / found.factor:.7g}"
    if found.share >= ALL:
        return f"{back} AS {plain}"
    limit = before * math.sqrt(found.factor)
    side = f"abs({plain}) {'>' if found.factor > 1 else '<'} {limit:.3g}"
    case = f"CASE WHEN {side} THEN {back} ELSE {plain} END AS {plain}"
    return f"{case}, or better by the column that tells which rows"


def category(name: str, values: Sequence[str], known: Mapping[str, int]) -> str:
    """Map values that were never seen to known ones."""
    plain = ident(name)
    folded = {value.strip().casefold(): value for value in known}
    renamed = {
        value: folded[value.strip().casefold()] for value in values if value.strip().casefold() in folded
    }
    if not values:
        return f"map {plain} to {', '.join(repr(value) for value in known)}, or accept it as it is"
    cases = " ".join(f"WHEN {text(value)} THEN {text(renamed.get(value, '…'))}" for value in values)
    return f"CASE {plain} {cases} ELSE {plain} END AS {plain}, or accept it as a new category"


def _type(column: Column) -> str:
    """Guess the type that a new column should be declared as."""
    if column.type != "VARCHAR":
        return column.type
    batch = column.batches[-1]
    if (
        column.texts
        and batch.numbers == column.texts
        and not any(shape.startswith("0") for shape in column.shapes)
    ):
        return "BIGINT" if column.whole else "DOUBLE"
    if column.dates.get("%Y-%m-%d") == column.texts and column.texts:
        return "DATE"
    return "VARCHAR"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
