"""validated → features: read one customer's values by one round trip, and say only what still holds.

What Feast's own read would give, without what takes it the time; but a value older than its TTL at the asked
moment is unknown, which Feast doesn't look at. Moments are compared to the second: SQLite has them so.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isnan
from typing import TYPE_CHECKING, Any, Protocol

from loanbook.errors import FeatureError
from loanbook.features import asof
from loanbook.features.online import address, encoding, on_redis, on_sqlite
from loanbook.features.online.images import Served

if TYPE_CHECKING:
    import sqlite3

    import redis

Value = float | str | None
Row = tuple[int, str, bytes, int]  # view, feature, value, seconds
DOUBLE = struct.Struct("<d")


@dataclass(frozen=True)
class OnDemand:
    """What is computed as it is asked for, by the declared function: lists of one value in and out."""

    inputs: tuple[str, ...]
    told: tuple[str, ...]
    compute: Callable[[dict[str, list[Any]]], dict[str, list[Any]]]


@dataclass(frozen=True)
class Question:
    """What a service asks of an online store: views with the features it needs of each, and what it tells."""

    keys: tuple[str, ...]
    views: tuple[Served, ...]
    on_demand: tuple[OnDemand, ...]
    told: tuple[str, ...]


class Shelf(Protocol):
    """An online store that a question was prepared for."""

    def rows(self, keys: Mapping[str, bytes]) -> Iterable[Row]:
        """Read all of a question's values, by join key's encoded value."""

    def close(self) -> None:
        """Let go of the connection."""


class Reader:
    """A service's open way to its online store. Of one thread; close it at the end."""

    def __init__(self, question: Question, shelf: Shelf) -> None:
        self._question, self._shelf = question, shelf
        self._prefixes = {key: encoding.key_prefix(key) for key in question.keys}
        self._ttls = [int(view.ttl.total_seconds()) for view in question.views]

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._shelf.close()

    def read(
        self, keys: Mapping[str, str], at: datetime, known: Mapping[str, Value] | None = None
    ) -> dict[str, Value]:
        """Tell a service's features at a moment, and the keys; None is unknown.

        `known` comes with the request, such as what an application says: on-demand features are made of it.
        """
        if missing := [key for key in self._question.keys if key not in keys]:
            raise FeatureError(f"{missing[0]} isn't said", where="an online read", right="Say every join key")
        encoded = {key: prefix + encoding.key_value(keys[key]) for key, prefix in self._prefixes.items()}
        now, values = asof.micros(at) // 1_000_000, dict[str, Value](known or {})
        for view, name, value, seconds in self._shelf.rows(encoded):
            if seconds >= now - self._ttls[view]:
                values[name] = decode(value)
        for one in self._question.on_demand:
            made = one.compute({name: [values.get(name)] for name in one.inputs})
            values |= {name: _plain(made[name][0]) for name in one.told}
        return {**keys, **{name: values.get(name) for name in self._question.told}}


def decode(value: bytes) -> Value:
    """Read a float or text from Feast's protobuf Value."""
    if not value:
        return None
    if value[0] == encoding.DOUBLE_TAG:
        return DOUBLE.unpack_from(value, 1)[0]  # type: ignore[no-any-return]
    start = 1
    while value[start] & 0x80:
        start += 1
    return value[start + 1 :].decode()


def _plain(value: Any) -> Value:
    return None if value is None or (isinstance(value, float) and isnan(value)) else value


class SqliteShelf:
    """Read from a SQLite file, all views as of one moment of the file."""

    def __init__(self, connection: sqlite3.Connection, question: Question) -> None:
        self._connection, self._keys = connection, [view.key for view in question.views]
        wanted = [{*view.names} for view in question.views]
        self._wanted = wanted
        self._query = " UNION ALL ".join(
            f"SELECT {n}, feature_name, value, event_ts FROM {on_sqlite.table(view)} WHERE entity_key = ?"
            for n, view in enumerate(question.views)
        )

    def rows(self, keys: Mapping[str, bytes]) -> Iterable[Row]:
        """Read all of a question's values, by join key's encoded value."""
        found = self._connection.execute(self._query, [keys[key] for key in self._keys])
        return [row for row in found.fetchall() if row[1] in self._wanted[row[0]]]

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


class RedisShelf:
    """Read from Redis, a hash per key, all hashes by one round trip."""

    def __init__(self, client: redis.Redis, question: Question) -> None:
        self._client = client
        self._project = question.views[0].project.encode() if question.views else b""
        self._hashes = {
            key: [(n, view) for n, view in enumerate(question.views) if view.key == key]
            for key in dict.fromkeys(view.key for view in question.views)
        }
        self._fields = {
            key: [field for _, view in views for field in on_redis.fields(view.name, view.names)]
            for key, views in self._hashes.items()
        }

    def rows(self, keys: Mapping[str, bytes]) -> Iterable[Row]:
        """Read all of a question's values, by join key's encoded value."""
        for key, values in zip(self._hashes, self._fetched(keys), strict=True):
            told = iter(values)
            for n, view in self._hashes[key]:
                moment = next(told)
                seconds = _seconds(moment) if moment else None
                for name in view.names:
                    value = next(told)
                    if value is not None and seconds is not None:
                        yield n, name, value, seconds

    def _fetched(self, keys: Mapping[str, bytes]) -> list[list[bytes | None]]:
        import redis

        try:
            return self._asked(keys)
        except redis.RedisError as error:
            raise address.unanswered(error) from None

    def _asked(self, keys: Mapping[str, bytes]) -> list[list[bytes | None]]:
        asked = [(keys[key] + self._project, named) for key, named in self._fields.items()]
        if len(asked) == 1:
            return [self._client.hmget(*asked[0])]  # type: ignore[arg-type, list-item]  # redis types texts
        with self._client.pipeline(transaction=False) as pipe:
            for one, named in asked:
                pipe.hmget(one, named)  # type: ignore[arg-type]
            return pipe.execute()

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()


def _seconds(stamp: bytes) -> int:
    """Read the whole seconds of a protobuf Timestamp, which come first unless they are zero."""
    if stamp[0] != encoding.SECONDS_TAG:
        return 0
    number = shift = 0
    for byte in stamp[1:]:
        number |= (byte & 0x7F) << shift
        if not byte & 0x80:
            break
        shift += 7
    return number - (1 << 64) if number >> 63 else number
