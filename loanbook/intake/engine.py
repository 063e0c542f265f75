"""raw → validated: what every step here says to DuckDB: names, texts, casts that lose nothing silently."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loanbook.errors import LoanbookError
from loanbook.lake import storage_error

PROVENANCE = (("_file", "VARCHAR"), ("_row", "BIGINT"), ("_broken", "VARCHAR"))
SHOWN = 80  # characters of a broken value that are told

_INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
)
_FLOATS = frozenset({"DOUBLE", "FLOAT"})
_TIMES = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"})
_FULL = ("No space left", "failed to offload", "max_temp_directory_size")
_UNWRITTEN = ("Could not write", "File too large", "Read-only file system", "Cannot open file")


@dataclass(frozen=True)
class Cast:
    """How a column is read as another type: the value, and a condition that holds where it can't be."""

    value: str
    broken: str | None


def ident(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Quote a text for SQL."""
    return "'" + value.replace("'", "''") + "'"


def texts(values: tuple[str, ...]) -> str:
    """Write a list of texts in SQL."""
    return "[" + ", ".join(text(value) for value in values) + "]"


def among(values: tuple[str, ...]) -> str:
    """Write what stands after IN."""
    return "(" + ", ".join(text(value) for value in values) + ")"


def family(kind: str) -> str:
    """Tell which family a DuckDB type is of: integer, float, decimal, time, boolean, text or other."""
    plain = kind.split("(", maxsplit=1)[0].upper()
    for name, members in (("integer", _INTEGERS), ("float", _FLOATS), ("time", _TIMES)):
        if plain in members:
            return name
    if plain == "TIMESTAMP WITH TIME ZONE":
        return "time"
    return {"DECIMAL": "decimal", "BOOLEAN": "boolean", "VARCHAR": "text"}.get(plain, "other")


def agrees(given: str, wanted: str) -> bool:
    """Tell whether values of one type can mean the same as another: an epoch is no time, a day no number."""
    old, new = family(given), family(wanted)
    numbers = {"integer", "float", "decimal"}
    if "text" in {old, new} or old == new:
        return True
    return {old, new} <= numbers or (old, new) == ("integer", "boolean")


def cast(column: str, given: str, wanted: str) -> Cast:
    """Read a column as `wanted`. NaN, infinity, and a fraction where a whole number is wanted are broken."""
    name = ident(column)
    if not agrees(given, wanted):
        return Cast(f"NULL::{wanted}", f"({name} IS NOT NULL)")
    read = name if given == wanted else f"TRY_CAST({name} AS {wanted})"
    kind = family(wanted)
    if given == wanted and kind not in {"float", "time"}:
        return Cast(name, None)
    if kind in {"float", "time"} and family(given) != "integer":
        read = f"CASE WHEN isfinite({read}) THEN {read} END"
    if kind == "integer" and family(given) != "integer":
        number = f"TRY_CAST({name} AS DOUBLE)"
        read = f"CASE WHEN {number} = round({number}) THEN {read} END"
    if kind == "text":
        return Cast(read, None)
    return Cast(read, f"({name} IS NOT NULL AND ({read}) IS NULL)")


def told(column: str, broken: str) -> str:
    """Say `column=value` where the condition holds, else null."""
    name = ident(column)
    return f"CASE WHEN {broken} THEN {text(column + '=')} || left({name}::VARCHAR, {SHOWN}) END"


def said_of(column: str) -> str:
    """Write the condition that `_broken` speaks of a column, by its value or by how that looks."""
    starts = [text(column + sign) for sign in ("=", " like ")]
    return " OR ".join(f"starts_with(_broken, {one}) OR contains(_broken, '; ' || {one})" for one in starts)


def joined(parts: list[str]) -> str:
    """Join texts with '; ', null when there is none."""
    if not parts:
        return "NULL::VARCHAR"
    return f"nullif(concat_ws('; ', {', '.join(parts)}), '')"


@contextmanager
def guarded(path: Path, kind: type[LoanbookError], what: str, right: str = "") -> Iterator[None]:
    """Turn DuckDB's and the system's errors into StorageError where the disk is to blame, else `kind`."""
    import duckdb

    try:
        yield
    except OSError as error:
        raise storage_error(error, path) from error
    except duckdb.Error as error:
        message = str(error)
        if any(sign in message for sign in _FULL):
            raise storage_error(OSError(errno.ENOSPC, message), path) from error
        if any(sign in message for sign in _UNWRITTEN):
            raise storage_error(OSError(errno.EIO, _first_line(message)), path) from error
        raise kind(f"{what}: {_first_line(message)}", where=str(path), right=right) from error


def _first_line(message: str) -> str:
    """Keep what DuckDB says first, with the place in the SQL that it points at."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    pointed = next((line for line in lines[1:] if re.match(r"LINE \d+:", line)), "")
    return " ".join(part for part in (lines[0] if lines else "it gives no reason", pointed) if part)
