"""validated → features: write Feast's SQLite online store, byte for byte as Feast would, a view at a time.

Feast's own materialize spends some 40 µs on each value in Python and blocks readers meanwhile. This writes
the same rows in one transaction a view: a reader sees all of the old values or all of the new.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isnan
from pathlib import Path

from loanbook import lake
from loanbook.settings import Settings

STRING = 2  # Feast's ValueType of a key
TEXT_TAG = 2 << 3 | 2  # of its protobuf Value: field string_val, sent with its length
DOUBLE_TAG = 5 << 3 | 1  # field double_val, sent as eight bytes

Row = tuple[bytes, str, bytes, str | None, int, None]


@dataclass(frozen=True)
class Served:
    """A view as it is served: its table in the store, file, key, features, and how long they hold."""

    table: str
    path: Path
    key: str
    features: tuple[str, ...]
    ttl: timedelta


def write(settings: Settings, store: Path, view: Served, as_of: datetime) -> int:
    """Replace a view's values by each key's latest known at `as_of`; give the number of keys."""
    names = ", ".join(f'"{name}"' for name in view.features)
    query = (
        f"SELECT \"{view.key}\", available_at, {names} FROM read_parquet('{lake.quoted(view.path)}') "
        f"WHERE available_at <= $as_of AND available_at >= $oldest "
        f'QUALIFY row_number() OVER (PARTITION BY "{view.key}" ORDER BY available_at DESC) = 1 '
        f'ORDER BY "{view.key}"'
    )
    with lake.connect(settings) as connection:
        rows = connection.execute(query, {"as_of": as_of, "oldest": as_of - view.ttl}).fetchall()
    with closing(sqlite3.connect(store, timeout=60)) as online:
        online.execute("PRAGMA journal_mode = WAL")
        with online:
            online.execute(f'DELETE FROM "{view.table}"')
            online.executemany(
                f'INSERT INTO "{view.table}" '
                "(entity_key, feature_name, value, value_text, event_ts, created_ts) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                _encoded(view, rows),
            )
    return len(rows)


def _encoded(view: Served, rows: Sequence[tuple[object, ...]]) -> Iterator[Row]:
    prefix = key_prefix(view.key)
    for key, at, *values in rows:
        assert isinstance(at, datetime)
        entity, moment = prefix + key_value(str(key)), int((at - datetime(1970, 1, 1)).total_seconds())
        for name, value in zip(view.features, values, strict=True):
            yield entity, name, encode(value), None if _unknown(value) else str(value), moment, None


def key_prefix(join_key: str) -> bytes:
    """Encode the name of a single string key, as Feast's entity key serialization version 3 does."""
    name = join_key.encode()
    return struct.pack("<III", 1, STRING, len(name)) + name


def key_value(key: str) -> bytes:
    """Encode a key's value, as Feast's entity key serialization version 3 does."""
    value = key.encode()
    return struct.pack("<II", STRING, len(value)) + value


def encode(value: object) -> bytes:
    """Encode a number or text as Feast's protobuf Value; null is empty, and so is NaN."""
    if _unknown(value):
        return b""
    if isinstance(value, float):
        return bytes([DOUBLE_TAG]) + struct.pack("<d", value)
    text = str(value).encode()
    return bytes([TEXT_TAG]) + _varint(len(text)) + text


def _unknown(value: object) -> bool:
    return value is None or (isinstance(value, float) and isnan(value))


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low]) if not rest else bytes([low | 0x80]) + _varint(rest)
