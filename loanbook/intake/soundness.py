"""raw → validated: look at a delivery's bytes once: their hash, and whether they are whole."""

from __future__ import annotations

import codecs
import csv
import hashlib
import sys
from dataclasses import replace
from typing import BinaryIO

from loanbook.errors import RawFileError
from loanbook.intake.edges import workbooks
from loanbook.intake.edges.spool import Held
from loanbook.intake.relations import Delivery, lines
from loanbook.intake.sources import RawSource

CHUNK = 1 << 22
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF32_LE: "utf-32"}


def checked(source: RawSource, delivery: Delivery) -> Delivery:
    """Give the delivery with its digest, and with what is read in its place: a sheet, or UTF-8."""
    if delivery.size == 0:
        raise RawFileError("the file is empty", where=delivery.where, right="Deliver it again")
    match source.format:
        case "postgresql":
            return delivery
        case "csv":
            return _text(source, delivery)
        case "parquet":
            _parquet_ends(delivery)
    with delivery.open() as stream:
        digest = delivery.digest or _digest(stream)
        if source.format != "xlsx":
            return replace(delivery, digest=digest)
        stream.seek(0)
        return replace(delivery, digest=digest, held=workbooks.read(source, stream, delivery.where))


def _digest(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _parquet_ends(delivery: Delivery) -> None:
    """Look for Parquet's mark at both ends: the footer is written last."""
    with delivery.open() as stream:
        head = stream.read(4)
        stream.seek(max(delivery.size - 4, 0))
        tail = stream.read(4)
    if head != b"PAR1":
        raise RawFileError(
            "this is no Parquet file", where=delivery.where, right="Declare its format, or deliver Parquet"
        )
    if tail != b"PAR1" or delivery.size < 12:
        raise RawFileError(
            "the file is cut short: its Parquet footer is missing",
            where=delivery.where,
            right="Deliver it again, whole",
        )


def _text(source: RawSource, delivery: Delivery) -> Delivery:
    """Hash a text file while decoding it, so that no byte goes unread; recode what is not in UTF-8.

    DuckDB's other encodings are a download.
    """
    digest, decoder, line = hashlib.sha256(), codecs.getincrementaldecoder(source.encoding)(), 1
    recoded = None if source.encoding == "utf-8" else Held()
    with delivery.open() as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            try:
                part = decoder.decode(chunk)
            except UnicodeError as error:
                line += chunk[: getattr(error, "start", 0)].count(b"\n")
                said = getattr(error, "reason", str(error))
                raise _encoding(source, delivery, f"line {line} can't be decoded ({said})") from None
            if "\0" in part:
                raise _encoding(source, delivery, f"line {line} holds a zero byte")
            if recoded is not None:
                recoded.write(part.encode())
            line += chunk.count(b"\n")
    try:
        decoder.decode(b"", final=True)
    except UnicodeError:
        raise RawFileError(
            f"the file is cut short inside a character, on line {line}",
            where=delivery.where,
            right="Deliver it again",
        ) from None
    return replace(delivery, digest=digest.hexdigest(), held=recoded.done() if recoded else delivery.held)


def _encoding(source: RawSource, delivery: Delivery, what: str) -> RawFileError:
    with delivery.open() as stream:
        head = stream.read(4)
    looks = next((name for mark, name in _MARKS.items() if head.startswith(mark)), "")
    right = f"It looks like {looks}. " if looks else ""
    return RawFileError(
        f"the file is not in {source.encoding}: {what}",
        where=delivery.where,
        right=f"{right}Deliver it in {source.encoding}, or declare its encoding in dataset.toml",
    )


def last_line(source: RawSource, delivery: Delivery) -> int:
    """Count the lines of a CSV that hold anything."""
    with lines(source, delivery) as stream:
        return sum(1 for line in stream if line.strip())


def refuse_lost(source: RawSource, delivery: Delivery, total: int) -> None:
    """Count again where quotes don't pair: DuckDB drops a last record whose quote never closes."""
    with delivery.open() as stream:
        quotes = sum(chunk.count(b'"') for chunk in iter(lambda: stream.read(CHUNK), b""))
    if quotes % 2 == 0:
        return
    with lines(source, delivery) as text:
        csv.field_size_limit(sys.maxsize)
        records = sum(1 for record in csv.reader(text, delimiter=source.delimiter) if record) - 1
    if records != total:
        raise RawFileError(
            f"the file is cut short inside a quoted text: {records:,} records begin, {total:,} can be read",
            where=delivery.where,
            right="Deliver it again, whole",
        )
