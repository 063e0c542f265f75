"""raw → validated: read one sheet of an Excel workbook, each cell as the text of its value."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO
from xml.etree import ElementTree

from loanbook.errors import LoanbookError, RawFileError
from loanbook.intake.edges.spool import Held
from loanbook.intake.sources import RawSource

# What Excel writes where a formula fails; calamine reads such a cell as empty.
ERRORS = ("#N/A", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!")
BATCH = 20_000
LOCKED = b"\xd0\xcf\x11\xe0"  # what an encrypted workbook begins with, and the format of before 2007
Cells = list[Any]
WIDEST = 50_000_000  # cells between the first and the last that hold something
_FAILED = re.compile(rb"""<(?:\w+:)?c\b([^>]*\bt=["']e["'][^>]*)>(.*?)</(?:\w+:)?c>""", re.DOTALL)
_REF = re.compile(rb"""\br=["']([A-Z]+)(\d+)["']""")
_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]*)<")
_ROW = re.compile(rb"""<(?:\w+:)?row\b[^>]*\br=["'](\d+)["']""")
_FAR = re.compile(rb"""["']([A-Z]{2,3})\d+["']""")
_RELS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read(source: RawSource, stream: BinaryIO, where: str) -> Held:
    """Hold a sheet's rows as Parquet: every column as text, and `_row`, counted from below the header.

    A row without any value is left out. Raises RawFileError for what is no sheet with one header.
    """
    with _guarded(where):
        name = _wanted(source, sheets(stream, where), where)
        text = _xml(stream, name)
    _refuse_wide(text, where)
    with _guarded(where):
        sheet = _opened(stream, where).get_sheet_by_name(name)
        rows = _rows(sheet.to_python(skip_empty_area=False), _failed(text))
    for _ in range(source.header_row - 1):
        next(rows, None)
    names = _names(next(rows, []), source, where)
    _refuse_merged(sheet.merged_cell_ranges or (), source, where)
    return _held(names, rows, source, where)


def sheets(stream: BinaryIO, where: str) -> tuple[str, ...]:
    """Name a workbook's sheets."""
    with _guarded(where):
        return tuple(_opened(stream, where).sheet_names)


def _opened(stream: BinaryIO, where: str) -> Any:
    import python_calamine

    stream.seek(0)
    if stream.read(4) == LOCKED:
        raise RawFileError(
            "the workbook is locked by a password, or of Excel before 2007",
            where=where,
            right="Save it as .xlsx without a password",
        )
    stream.seek(0)
    return python_calamine.load_workbook(stream)


@contextmanager
def _guarded(where: str) -> Iterator[None]:
    """Turn whatever a damaged workbook does to its readers into one sentence."""
    try:
        yield
    except (LoanbookError, MemoryError):
        raise
    except Exception as error:
        raise _corrupt(where, error) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # calamine is Rust, and some damage stops it dead
            raise
        raise _corrupt(where, error) from None


def _corrupt(where: str, error: BaseException) -> RawFileError:
    said = (str(error) or type(error).__name__).split("\n", maxsplit=1)[0][:120]
    return RawFileError(
        f"the workbook can't be read: {said}", where=where, right="Deliver it again, as .xlsx"
    )


def _wanted(source: RawSource, names: Sequence[str], where: str) -> str:
    """Tell which sheet to read: the declared one, or the only one."""
    wanted = source.sheet or (names[0] if len(names) == 1 else "")
    if wanted not in names:
        what = f"there is no sheet {wanted!r}" if wanted else "the workbook has several sheets"
        right = f'Write sheet = "…" in dataset.toml: it has {", ".join(names) or "none"}'
        raise RawFileError(what, where=where, right=right)
    return wanted


def _refuse_wide(text: bytes, where: str) -> None:
    """Refuse a sheet whose used area is larger than memory: a stray cell far away does that."""
    rows = max(map(int, _ROW.findall(text)), default=0)
    columns = max((_number(found.decode()) + 1 for found in set(_FAR.findall(text))), default=26)
    if rows * columns > WIDEST:
        raise RawFileError(
            f"the sheet spans {rows:,} rows and {columns:,} columns",
            where=where,
            right="Delete the stray cells far below or beside the table",
        )


def _rows(given: Iterable[Cells], failed: Mapping[tuple[int, int], str]) -> Iterator[Cells]:
    """Give every row from the sheet's first on, each cell as text, None where it is empty."""
    for number, row in enumerate(given):
        cells = [_text(cell) for cell in row]
        if failed:
            cells = [failed.get((number, place), cell) for place, cell in enumerate(cells)]
        yield cells


def _text(cell: object) -> str | None:
    """Write a cell's value as text that casts back to it; whole numbers without a point."""
    match cell:
        case None | "":
            return None
        case bool():
            said = "true" if cell else "false"
        case float():
            said = str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
        case datetime():
            said = cell.isoformat(sep=" ")
        case date() | time():
            said = cell.isoformat()
        case timedelta():
            said = str(cell / timedelta(days=1))
        case _:
            said = str(cell)
    return said


def _names(header: Cells, source: RawSource, where: str) -> list[str]:
    """Read the header: every name a text, none missing between two."""
    while header and header[-1] is None:
        header.pop()
    place = f"row {source.header_row}"
    if not header:
        raise RawFileError(
            f"{place} of the sheet names no column", where=where, right="Write header_row = the row that does"
        )
    for number, name in enumerate(header):
        if name is None:
            raise RawFileError(
                f"column {_letters(number)} has no name in {place}",
                where=where,
                right="Name it, unmerge the header, or write header_row = the row of the names",
            )
        if re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?|\d{4}-\d\d-\d\d.*", name):
            raise RawFileError(
                f"{place} is no header: its column {_letters(number)} holds a number or a day",
                where=where,
                right="Write header_row = the row that names the columns",
            )
    return [str(name).strip() for name in header]


def _refuse_merged(ranges: Iterable[Any], source: RawSource, where: str) -> None:
    """Refuse merged cells from the header on: all but their first would be read as empty."""
    for (top, left), (bottom, right) in ranges:
        if bottom >= source.header_row - 1:
            named = f"{_letters(left)}{top + 1}:{_letters(right)}{bottom + 1}"
            raise RawFileError(
                f"the cells {named} are merged", where=where, right="Unmerge them and fill each one"
            )


def _letters(number: int) -> str:
    """Name a column as Excel does."""
    name, number = "", number + 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name


def _held(names: Sequence[str], rows: Iterator[Cells], source: RawSource, where: str) -> Held:
    """Write the rows, batch by batch."""
    import pyarrow as pa
    from pyarrow import parquet

    held, null = Held(), frozenset(source.null)
    shape = pa.schema([*((name, pa.string()) for name in names), ("_row", pa.int64())])
    with parquet.ParquetWriter(held, shape, compression="zstd") as writer:
        for batch in _batches(_records(len(names), rows, null, where)):
            columns = zip(zip(*batch, strict=True), shape, strict=True)
            arrays = [pa.array(column, kind.type) for column, kind in columns]
            writer.write_table(pa.Table.from_arrays(arrays, schema=shape))
    return held.done()


def _records(width: int, rows: Iterator[Cells], null: frozenset[str], where: str) -> Iterator[Cells]:
    """Fit each row to the header; a value beside it belongs to no column, and is refused."""
    for number, row in enumerate(rows, 1):
        beside = next((place for place in range(width, len(row)) if row[place] is not None), None)
        if beside is not None:
            raise RawFileError(
                f"row {number} below the header has a value in column {_letters(beside)}, which has no name",
                where=where,
                right="Name that column, or clear the cell",
            )
        cells = [None if cell is None or cell in null else cell for cell in row[:width]]
        cells += [None] * (width - len(cells))
        if any(cell is not None for cell in cells):
            yield [*cells, number]


def _batches(records: Iterator[Cells]) -> Iterator[list[Cells]]:
    batch: list[Cells] = []
    for record in records:
        batch.append(record)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _failed(text: bytes) -> dict[tuple[int, int], str]:
    """Find the cells whose formula failed, by row and column from 0."""
    found = {}
    for attributes, inner in _FAILED.findall(text):
        place, value = _REF.search(attributes), _VALUE.search(inner)
        if place:
            said = value[1].decode() if value else ERRORS[0]
            found[int(place[2]) - 1, _number(place[1].decode())] = said
    return found


def _xml(stream: BinaryIO, sheet: str) -> bytes:
    """Read the part of the file that holds a sheet."""
    stream.seek(0)
    with zipfile.ZipFile(stream) as book:
        links = {
            each.get("Id"): each.get("Target", "")
            for each in ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
        }
        for each in ElementTree.fromstring(book.read("xl/workbook.xml")).iter():
            if each.tag.endswith("}sheet") and each.get("name") == sheet:
                target = links[each.get(_RELS)]
                return book.read(target.removeprefix("/") if target.startswith("/") else f"xl/{target}")
    raise KeyError(sheet)


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
