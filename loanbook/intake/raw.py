"""raw → validated: look at each delivered file before anything is made of it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from loanbook.errors import RawFileError
from loanbook.intake import engine, relations, soundness
from loanbook.intake.edges import buckets, postgres
from loanbook.intake.relations import Columns, Delivery
from loanbook.intake.sources import Dataset, RawSource

if TYPE_CHECKING:
    import duckdb

__all__ = ["Delivery", "survey"]

UNREADABLE = 0.5  # a declared column of which more can't be read was retyped


def survey(dataset: Dataset, data: Path, environment: Mapping[str, str] = os.environ) -> tuple[Delivery, ...]:
    """Find, fetch and check all that a delivery holds, or raise RawFileError naming the place and the fault.

    `environment` holds the addresses and keys that dataset.toml names. What is fetched is held, sealed,
    for as long as the deliveries are.
    """
    import duckdb

    if not data.is_dir():
        raise RawFileError(
            "there is no such folder", where=str(data), right="Give the folder of the raw files"
        )
    offline: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    found = _found(dataset, data.resolve(), environment)
    if not found:
        names = ", ".join(source.name for source in dataset.raw)
        raise RawFileError(f"there is nothing of {names}", where=str(data), right="Deliver something")
    _refuse_twins(found)
    checked: list[Delivery] = []
    with duckdb.connect(":memory:", config=offline) as connection:
        for source in dataset.raw:
            mine = [delivery for delivery in found if delivery.source == source.name]
            checked += _checked(connection, source, mine) if mine else []
    return tuple(checked)


def unchanged(deliveries: Sequence[Delivery]) -> None:
    """Raise RawFileError when a file was written to since it was surveyed."""
    for delivery in deliveries:
        if not delivery.is_remote and _stamp(delivery.path) != (delivery.size, delivery.modified):
            raise RawFileError(
                "the file changed while it was read",
                where=str(delivery.path),
                right="Run again when it rests",
            )


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise RawFileError(f"can't be read: {error.strerror}", where=str(path)) from error
    return status.st_size, status.st_mtime_ns


def _found(dataset: Dataset, data: Path, environment: Mapping[str, str]) -> list[Delivery]:
    """Find what fills each source, wherever it lies, and read its bytes once."""
    asked = postgres.fetch(dataset.raw, environment)
    found = []
    for source in dataset.raw:
        mine = [delivery for delivery in asked if delivery.source == source.name]
        if source.bucket:
            mine = buckets.fetch(source, environment)
        elif not source.database:
            mine = _here(source, data)
        found += [_sound(source, delivery) for delivery in mine]
    return found


def _here(source: RawSource, data: Path) -> list[Delivery]:
    """Find a source's files by its globs."""
    paths: set[Path] = set()
    for pattern in source.files:
        try:
            matched = {path for path in data.glob(pattern) if path.is_file()}
        except (NotImplementedError, ValueError) as error:
            right = "Write it from the data folder on, as loans/*.csv"
            raise RawFileError(f"{pattern!r} is no pattern: {error}", where=str(data), right=right) from None
        if not matched and not source.optional:
            there = sorted(path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file())
            near = get_close_matches(pattern.replace("*", ""), there, 3, 0.4)
            listed = f"near it: {', '.join(near)}" if near else f"the folder holds {len(there)} other files"
            raise RawFileError(
                f"raw.{source.name}: no file matches {pattern!r}",
                where=str(data),
                right=f"Deliver it; {listed}",
            )
        paths |= matched
    return [
        Delivery(source.name, path.relative_to(data).as_posix(), path, "", *_stamp(path))
        for path in sorted(paths)
    ]


def _sound(source: RawSource, delivery: Delivery) -> Delivery:
    try:
        return soundness.checked(source, delivery)
    except OSError as error:
        raise RawFileError(f"can't be read: {error.strerror}", where=delivery.where) from error


def _refuse_twins(found: Sequence[Delivery]) -> None:
    """Refuse the same bytes under two names: somebody delivered a file twice."""
    seen: dict[str, Delivery] = {}
    for delivery in found:
        twin = seen.setdefault(delivery.digest, delivery)
        if twin.path != delivery.path and not delivery.file.startswith("postgresql:"):
            raise RawFileError(
                f"{delivery.file} was delivered twice: its bytes are those of {twin.file}",
                where=delivery.where,
                right="Remove one of the two",
            )


def _checked(
    connection: duckdb.DuckDBPyConnection, source: RawSource, mine: list[Delivery]
) -> list[Delivery]:
    """Read the files' columns and count what can't be read as declared."""
    described = []
    for delivery in mine:
        with engine.guarded(Path(delivery.where), RawFileError, f"the {source.format} can't be read"):
            columns = relations.columns_of(connection, source, delivery)
        _refuse_names(source, delivery, columns)
        described.append(replace(delivery, columns=columns))
    if not source.union_by_name:
        _refuse_other_columns(described)
    if source.format == "parquet":
        return _counted(connection, source, described)
    return [one for each in described for one in _counted(connection, source, [each])]


def _refuse_names(source: RawSource, delivery: Delivery, columns: Columns) -> None:
    """Refuse a file that lacks a declared column, or has one twice."""
    names = [name for name, _ in columns]
    for wanted in source.columns:
        if wanted not in names:
            raise RawFileError(
                f"the column {wanted!r} is missing", where=delivery.where, right=_near(wanted, names)
            )
    folded = [name.casefold() for name in names]
    for name in names:
        if folded.count(name.casefold()) > 1 or name in {"_file", "_row", "_broken"}:
            what = "is a name of ours" if name.startswith("_") else "stands there twice"
            raise RawFileError(f"the column {name!r} {what}", where=delivery.where, right="Rename it")


def _near(wanted: str, names: list[str]) -> str:
    """Propose the column that the missing one was probably renamed to."""
    folded = {name.casefold(): name for name in names}
    near = [folded[match] for match in get_close_matches(wanted.casefold(), folded, 3, 0.5)]
    if near:
        names_near = " or ".join(repr(name) for name in near)
        return f"Was it renamed to {names_near}? Then say so in dataset.toml and the SQL"
    if len(names) == 1 and (mark := re.search(r"[;\t|,]", names[0])):
        return f"The header looks separated by {mark[0]!r}: declare that delimiter"
    return f"The file has {', '.join(names)}"


def _refuse_other_columns(mine: Sequence[Delivery]) -> None:
    first = {name for name, _ in mine[0].columns}
    for delivery in mine[1:]:
        if other := first ^ {name for name, _ in delivery.columns}:
            raise RawFileError(
                f"its columns are not those of {mine[0].file}: {', '.join(sorted(other))}",
                where=delivery.where,
                right="Declare union_by_name = true if files may differ",
            )


def _counted(
    connection: duckdb.DuckDBPyConnection, source: RawSource, mine: list[Delivery]
) -> list[Delivery]:
    """Count rows and unreadable values per file; refuse no rows, a retyped column, a short record."""
    checks, query = relations.census(connection, source, mine)
    try:
        with engine.guarded(Path(mine[0].where), RawFileError, f"the {source.format} can't be read"):
            rows = {row[0]: row[1:] for row in connection.execute(query).fetchall()}
    except RawFileError as error:
        raise _cut(source, mine, error) from error
    return [_weighed(source, delivery, checks, rows.get(delivery.file, ())) for delivery in mine]


def _weighed(source: RawSource, delivery: Delivery, checks: Sequence[str], row: tuple[int, ...]) -> Delivery:
    if not row or row[0] == 0:
        raise RawFileError("the file holds no row", where=delivery.where, right="Deliver it again")
    total, broken, *pairs = row
    kinds = relations.declared(source, [delivery])
    for name, given, bad in zip(checks, pairs[::2], pairs[1::2], strict=True):
        if bad > UNREADABLE * given:
            raise RawFileError(
                f"the column {name!r} was retyped: {bad:,} of {given:,} values can't be read as "
                f"{kinds[name]}",
                where=delivery.where,
                right="Deliver it as declared, or declare its new type in dataset.toml",
            )
    if source.format == "csv":
        soundness.refuse_lost(source, delivery, total)
    return replace(delivery, rows=total, broken=broken)


def _cut(source: RawSource, mine: Sequence[Delivery], error: RawFileError) -> RawFileError:
    """Say of a record with too few fields whether it is the file's last."""
    found = re.search(r"CSV Error on Line: (\d+)", error.what)
    if source.format != "csv" or not found:
        return error
    line, last = int(found[1]), soundness.last_line(source, mine[0])
    what = "the file is cut short: its last record" if line >= last else "a record"
    return RawFileError(
        f"{what}, on line {line}, has not the {len(mine[0].columns)} fields of the header, or an open quote",
        where=mine[0].where,
        right="Deliver it again, whole, with quotes doubled inside quoted texts",
    )
