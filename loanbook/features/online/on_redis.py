"""validated → features: serve from Redis, as Feast lays it: a hash per key, in it every view of that key.

A key's values of one view are written by one command: no reader sees half of them. Where a write was cut
short stands in Redis itself, and the next one then writes the whole image.
"""

from __future__ import annotations

import re
import shutil
import struct
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanbook.errors import FeatureError
from loanbook.features.online import encoding, images
from loanbook.features.online.encoding import bulk, bulks, joined
from loanbook.features.online.images import BATCH, Change, Record, Served
from loanbook.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa
    import redis


def write(
    settings: Settings, client: redis.Redis, view: Served, features: str, as_of: datetime, folder: Path
) -> Record:
    """Bring a view's values to what is known at `as_of`; say what is held now."""
    state, held = _state(view.project), standing(client, view.project).get(view.name)
    with images.change(settings, view, features, as_of, folder, held) as change:
        if not change.nothing:
            client.hset(state, view.name, replace(change.record, whole=False).told())
            with _wire(client) as send:
                if change.old is None:  # first, while what is to be looked through is least
                    _clear(client, send, change, held)
                for batch in change.gone():
                    send(_removals(view, batch.column(0), fields(view.name, view.names)))
                for batch in change.written():
                    send(_sets(view, batch))
        client.hset(state, view.name, change.record.told())
        return change.record


def retire(client: redis.Redis, project: str, declared: Collection[str], folder: Path) -> None:
    """Take away every view that is no longer declared; images lie in `folder`, by view."""
    for name, held in standing(client, project).items():
        if name not in declared:
            features = tuple((one, "") for one in held.names)
            view = Served(name, project, Path(), held.key, features, timedelta())
            with _wire(client) as send:
                for keys in _found(client, view):
                    send(_removals(view, keys["key"].combine_chunks(), fields(name, held.names)))
            client.hdel(_state(project), name)
            shutil.rmtree(folder / name, ignore_errors=True)


def forget(
    settings: Settings, client: redis.Redis, project: str, join_key: str, key: str, folder: Path
) -> int:
    """Take a key out of every view and every image; give how many values it had."""
    entity = encoding.key_prefix(join_key) + encoding.key_value(key) + project.encode()
    found: Any = client.hkeys(entity)  # type: ignore[arg-type]  # redis types texts
    client.delete(entity)
    for view, held in standing(client, project).items():
        if held.key == join_key:
            left = images.without(settings, folder / view, held, key)
            client.hset(_state(project), view, left.told())
            images.keep_only(folder / view, left)
    return sum(not field.startswith(b"_ts:") for field in found)


def _state(project: str) -> str:
    return f"loanbook:materialised:{project}"


def standing(client: redis.Redis, project: str) -> dict[str, Record]:
    """Say what is held of each view."""
    found: Any = client.hgetall(_state(project))
    return {view.decode(): Record.read(said) for view, said in found.items()}


def stamp(view: str) -> bytes:
    """Name the field of a view's moment."""
    return f"_ts:{view}".encode()


def fields(view: str, names: tuple[str, ...]) -> tuple[bytes, ...]:
    """Name a view's fields in a hash: its moment's, then each feature's by murmur hash."""
    import mmh3

    hashed = (mmh3.hash(f"{view}:{name}", signed=False) for name in names)
    return stamp(view), *(struct.pack("<I", one) for one in hashed)


def _sets(view: Served, batch: pa.RecordBatch) -> pa.Array:
    """Write one HSET per key, in Redis' own protocol."""
    import pyarrow as pa

    named = fields(view.name, view.names)
    micros = batch.column("available_at").cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
    values = [encoding.stamps(micros)]
    values += [encoding.values(batch.column(name), kind) for name, kind in view.features]
    keys = encoding.keys(view.key, batch.column(view.key), view.project)
    parts: list[pa.Array | bytes] = [b"*%d\r\n$4\r\nHSET\r\n" % (2 + 2 * len(named)), bulks(keys)]
    for name, value in zip(named, values, strict=True):
        parts += [bulk(name), bulks(value)]
    return joined(*parts)


def _removals(view: Served, keys: pa.Array, named: tuple[bytes, ...]) -> pa.Array:
    """Write one HDEL per key; a hash without fields is gone."""
    told = bulks(encoding.keys(view.key, keys, view.project))
    return joined(b"*%d\r\n$4\r\nHDEL\r\n" % (2 + len(named)), told, b"".join(map(bulk, named)))


def _clear(client: redis.Redis, send: Any, change: Change, held: Record | None) -> None:
    """Take away what a store of unknown content holds and the image doesn't."""
    view, before = change.view, held.names if held else ()
    every = fields(view.name, tuple(dict.fromkeys((*view.names, *before))))
    dropped = fields(view.name, tuple(name for name in before if name not in view.names))[1:]
    for keys in _found(client, view):
        for batch in change.without(keys).to_batches():
            send(_removals(view, batch.column(0), every))
        if dropped:
            for batch in keys.to_batches():
                send(_removals(view, batch.column(0), dropped))


def _found(client: redis.Redis, view: Served) -> Iterator[pa.Table]:
    """Look through Redis for keys of a view's entity in this project."""
    import pyarrow as pa

    prefix, project = encoding.key_prefix(view.key), view.project.encode()
    pattern = re.sub(rb"([\[\]*?\\^])", rb"\\\1", prefix) + b"*" + project
    keys = (_plain(key, prefix, project) for key in client.scan_iter(match=pattern, count=BATCH))
    known = (key for key in keys if key is not None)
    while batch := list(islice(known, BATCH)):
        yield pa.table({"key": pa.array(batch, pa.string())})


def _plain(key: bytes, prefix: bytes, project: bytes) -> str | None:
    """Read a key's text, unless it belongs to a project whose name merely ends alike."""
    length = struct.unpack_from("<I", key, len(prefix) + 4)[0]
    start = len(prefix) + 8
    return key[start : start + length].decode() if key[start + length :] == project else None


@contextmanager
def _wire(client: redis.Redis) -> Iterator[Any]:
    """Lend a way to send commands by the column, and to learn that Redis took each of them."""
    connection = client.connection_pool.get_connection()

    def send(commands: pa.Array) -> None:
        if len(commands):
            connection.send_packed_command([_bytes(commands)])  # type: ignore[no-untyped-call]
            # past redis-py, which would parse a million answers one by one
            _taken(connection._sock, len(commands))

    try:
        yield send
    except BaseException:
        connection.disconnect()  # type: ignore[no-untyped-call]
        raise
    finally:
        client.connection_pool.release(connection)


def _bytes(column: pa.Array) -> memoryview:
    """Give a column's bytes as they lie in memory, one value after the other."""
    import numpy as np

    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int32)
    return memoryview(data)[ends[column.offset] : ends[column.offset + len(column)]]


def _taken(sock: Any, commands: int) -> None:
    """Read a line per command: a number, or what Redis has against it."""
    seen, last = 0, b"\n"
    while seen < commands:
        read = sock.recv(1 << 20)
        if not read:
            raise FeatureError(
                "Redis hung up while it was written", where="LOANBOOK_REDIS", right="Run again"
            )
        refusal = (last + read).partition(b"\n-")[2]
        if refusal:
            said = refusal.partition(b"\r\n")[0].decode(errors="replace")
            raise FeatureError(f"Redis refuses to be written: {said}", where="LOANBOOK_REDIS")
        seen, last = seen + read.count(b"\n"), read[-1:]
