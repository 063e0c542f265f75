"""raw → validated: look at each delivered file before anything is made of it."""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from loanbook.errors import RawFileError
from loanbook.intake import engine, relations
from loanbook.intake.mapping import Dataset, RawSource
from loanbook.intake.relations import Columns, Delivery

if TYPE_CHECKING:
    import duckdb

__all__ = ["Delivery", "survey"]

CHUNK = 1 << 22
UNREADABLE = 0.5  # a declared column of which more can't be read was retyped
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF32_LE: "utf-32"}


def survey(dataset: Dataset, data: Path) -> tuple[Delivery, ...]:
    """Find and check every raw file of a delivery, or raise RawFileError naming the file and the fault."""
    import duckdb

    if not data.is_dir():
        raise RawFileError(
            "there is no such folder", where=str(data), right="Give the folder of the raw files"
        )
    data = data.resolve()
    offline: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    found = [delivery for source in dataset.raw for delivery in _found(source, data)]
    _refuse_twins(found)
    checked: list[Delivery] = []
    with duckdb.connect(":memory:", config=offline) as connection, tempfile.TemporaryDirectory() as scratch:
        for source in dataset.raw:
            mine = [delivery for delivery in found if delivery.source == source.name]
            checked += _checked(connection, source, mine, Path(scratch)) if mine else []
    return tuple(checked)


def unchanged(deliveries: Sequence[Delivery]) -> None:
    """Raise RawFileError when a file was written to since it was surveyed."""
    for delivery in deliveries:
        if _stamp(delivery.path) != (delivery.size, delivery.modified):
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


def _found(source: RawSource, data: Path) -> list[Delivery]:
    """Find a source's files by its globs."""
    paths: set[Path] = set()
    for pattern in source.files:
        matched = {path for path in data.glob(pattern) if path.is_file()}
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
    return [_opened(source, path, path.relative_to(data).as_posix()) for path in sorted(paths)]


def _opened(source: RawSource, path: Path, name: str) -> Delivery:
    """Read a file's bytes once: its hash, and whether they are whole and of the declared encoding."""
    size, modified = _stamp(path)
    if size == 0:
        raise RawFileError("the file is empty", where=str(path), right="Deliver it again")
    try:
        digest = _text_digest(path, source.encoding) if source.format == "csv" else _plain_digest(path)
        if source.format == "parquet":
            _parquet_ends(path, size)
    except OSError as error:
        raise RawFileError(f"can't be read: {error.strerror}", where=str(path)) from error
    return Delivery(source.name, name, path, digest, size, modified)


def _plain_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _parquet_ends(path: Path, size: int) -> None:
    """Look for Parquet's mark at both ends: the footer is written last."""
    with path.open("rb") as stream:
        head = stream.read(4)
        stream.seek(max(size - 4, 0))
        tail = stream.read(4)
    if head != b"PAR1":
        raise RawFileError(
            "this is no Parquet file", where=str(path), right="Declare its format, or deliver Parquet"
        )
    if tail != b"PAR1" or size < 12:
        raise RawFileError(
            "the file is cut short: its Parquet footer is missing",
            where=str(path),
            right="Deliver it again, whole",
        )


def _text_digest(path: Path, encoding: str) -> str:
    """Hash a text file while decoding it, so that no byte goes unread."""
    digest, decoder, lines = hashlib.sha256(), codecs.getincrementaldecoder(encoding)(), 1
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            try:
                if "\0" in decoder.decode(chunk):
                    raise _encoding(path, encoding, f"line {lines} holds a zero byte")
            except UnicodeDecodeError as error:
                line = lines + chunk[: error.start].count(b"\n")
                raise _encoding(path, encoding, f"line {line} can't be decoded ({error.reason})") from None
            lines += chunk.count(b"\n")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise RawFileError(
            f"the file is cut short inside a character, on line {lines}",
            where=str(path),
            right="Deliver it again",
        ) from None
    return digest.hexdigest()


def _encoding(path: Path, encoding: str, what: str) -> RawFileError:
    with path.open("rb") as stream:
        head = stream.read(4)
    looks = next((name for mark, name in _MARKS.items() if head.startswith(mark)), "")
    right = f"It looks like {looks}. " if looks else ""
    return RawFileError(
        f"the file is not in {encoding}: {what}",
        where=str(path),
        right=f"{right}Deliver it in {encoding}, or declare its encoding in dataset.toml",
    )


def _refuse_twins(found: Sequence[Delivery]) -> None:
    """Refuse the same bytes under two names: somebody delivered a file twice."""
    seen: dict[str, Delivery] = {}
    for delivery in found:
        twin = seen.setdefault(delivery.digest, delivery)
        if twin.path != delivery.path:
            raise RawFileError(
                f"{delivery.file} was delivered twice: its bytes are those of {twin.file}",
                where=str(delivery.path),
                right="Remove one of the two",
            )


def _checked(
    connection: duckdb.DuckDBPyConnection, source: RawSource, mine: list[Delivery], scratch: Path
) -> list[Delivery]:
    """Read the files' columns and count what can't be read as declared."""
    described = []
    for delivery in mine:
        with engine.guarded(delivery.path, RawFileError, f"the {source.format} can't be read"):
            columns = relations.columns_of(connection, source, delivery.path)
        _refuse_names(source, delivery, columns)
        described.append(replace(delivery, columns=columns))
    if not source.union_by_name:
        _refuse_other_columns(described)
    if source.format == "parquet":
        return _counted(connection, source, described, scratch)
    return [one for each in described for one in _counted(connection, source, [each], scratch)]


def _refuse_names(source: RawSource, delivery: Delivery, columns: Columns) -> None:
    """Refuse a file that lacks a declared column, or has one twice."""
    names = [name for name, _ in columns]
    for wanted in source.columns:
        if wanted not in names:
            raise RawFileError(
                f"the column {wanted!r} is missing", where=str(delivery.path), right=_near(wanted, names)
            )
    folded = [name.casefold() for name in names]
    for name in names:
        if folded.count(name.casefold()) > 1 or name in {"_file", "_row", "_broken"}:
            what = "is a name of ours" if name.startswith("_") else "stands there twice"
            raise RawFileError(f"the column {name!r} {what}", where=str(delivery.path), right="Rename it")


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
                where=str(delivery.path),
                right="Declare union_by_name = true if files may differ",
            )


def _counted(
    connection: duckdb.DuckDBPyConnection, source: RawSource, mine: list[Delivery], scratch: Path
) -> list[Delivery]:
    """Count rows and unreadable values per file; refuse no rows, a retyped column, a short record."""
    checks, query = relations.census(connection, source, mine, scratch)
    try:
        with engine.guarded(mine[0].path, RawFileError, f"the {source.format} can't be read"):
            rows = {row[0]: row[1:] for row in connection.execute(query).fetchall()}
    except RawFileError as error:
        raise _cut(source, mine, error) from error
    return [_weighed(source, delivery, checks, rows.get(delivery.file, ())) for delivery in mine]


def _weighed(source: RawSource, delivery: Delivery, checks: Sequence[str], row: tuple[int, ...]) -> Delivery:
    if not row or row[0] == 0:
        raise RawFileError("the file holds no row", where=str(delivery.path), right="Deliver it again")
    total, broken, *pairs = row
    for name, given, bad in zip(checks, pairs[::2], pairs[1::2], strict=True):
        if bad > UNREADABLE * given:
            raise RawFileError(
                f"the column {name!r} was retyped: {bad:,} of {given:,} values can't be read as "
                f"{source.columns[name]}",
                where=str(delivery.path),
                right="Deliver it as declared, or declare its new type in dataset.toml",
            )
    if source.format == "csv":
        _refuse_lost(source, delivery, total)
    return replace(delivery, rows=total, broken=broken)


def _cut(source: RawSource, mine: Sequence[Delivery], error: RawFileError) -> RawFileError:
    """Say of a record with too few fields whether it is the file's last."""
    found = re.search(r"CSV Error on Line: (\d+)", error.what)
    if source.format != "csv" or not found:
        return error
    path, line = mine[0].path, int(found[1])
    with path.open(encoding=source.encoding, newline="") as stream:
        last = sum(1 for text in stream if text.strip())
    what = "the file is cut short: its last record" if line >= last else "a record"
    return RawFileError(
        f"{what}, on line {line}, has not the {len(mine[0].columns)} fields of the header, or an open quote",
        where=str(path),
        right="Deliver it again, whole, with quotes doubled inside quoted texts",
    )


def _refuse_lost(source: RawSource, delivery: Delivery, total: int) -> None:
    """Count again where quotes don't pair: DuckDB drops a last record whose quote never closes."""
    with delivery.path.open("rb") as bytes_of:
        quotes = sum(chunk.count(b'"') for chunk in iter(lambda: bytes_of.read(CHUNK), b""))
    if quotes % 2 == 0:
        return
    with delivery.path.open(encoding=source.encoding, newline="") as stream:
        csv.field_size_limit(sys.maxsize)
        records = sum(1 for record in csv.reader(stream, delimiter=source.delimiter) if record) - 1
    if records != total:
        raise RawFileError(
            f"the file is cut short inside a quoted text: {records:,} records begin, {total:,} can be read",
            where=str(delivery.path),
            right="Deliver it again, whole",
        )
