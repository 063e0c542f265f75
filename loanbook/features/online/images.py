"""validated → features: what a view serves at a moment, frozen; and what changed since the last freezing.

An image has each key's latest values that are known and still hold. What a store holds is always one image,
whose name stands in the store itself: so the next materialize writes what differs, however late it came,
and takes away what no longer holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from loanbook import lake
from loanbook.features import asof
from loanbook.features.asof import Source
from loanbook.intake.engine import ident, text
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BATCH = 50_000  # keys that are turned into bytes at once


@dataclass(frozen=True)
class Served:
    """A view as it is served: project, feature table, key, features with their types, how long they hold."""

    name: str
    project: str
    path: Path
    key: str
    features: tuple[tuple[str, str], ...]
    ttl: timedelta

    @property
    def names(self) -> tuple[str, ...]:
        """Name the features."""
        return tuple(name for name, _ in self.features)


@dataclass(frozen=True)
class Record:
    """What a store holds of a view: which image, made of which feature set as of when.

    `whole` is false while a store without transactions is being written. Moments are told in ISO, in UTC.
    """

    image: str
    features: str
    as_of: str
    key: str
    names: tuple[str, ...]
    keys: int
    newest: str | None
    whole: bool = True

    def told(self) -> str:
        """Write it as JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def read(cls, said: str | bytes) -> Record:
        """Read it from JSON."""
        given = json.loads(said)
        return cls(**given | {"names": tuple(given["names"])})


@dataclass(frozen=True)
class Change:
    """The way from what a store holds to an image; from nothing known, it is the whole image."""

    connection: duckdb.DuckDBPyConnection
    view: Served
    record: Record
    new: Path
    old: Path | None

    @property
    def nothing(self) -> bool:
        """Tell whether the store holds the image already."""
        return self.old == self.new

    def written(self) -> Iterator[pa.RecordBatch]:
        """Give each key whose values or moment differ: key, moment, features."""
        told = f"SELECT n.* FROM {_file(self.new)} n"
        if self.old:
            key = ident(self.view.key)
            columns = [ident(name) for name in ("available_at", *self.view.names)]
            differs = " OR ".join(f"n.{name} IS DISTINCT FROM o.{name}" for name in columns)
            told += f" LEFT JOIN {_file(self.old)} o ON o.{key} = n.{key} WHERE o.{key} IS NULL OR {differs}"
        yield from self.connection.sql(told).to_arrow_reader(BATCH)

    def gone(self) -> Iterator[pa.RecordBatch]:
        """Give each key that the store holds and the image doesn't."""
        if self.old:
            key = ident(self.view.key)
            told = (
                f"SELECT o.{key} FROM {_file(self.old)} o ANTI JOIN {_file(self.new)} n ON n.{key} = o.{key}"
            )
            yield from self.connection.sql(told).to_arrow_reader(BATCH)

    def without(self, keys: pa.Table) -> pa.Table:
        """Give those of some keys, in a column `key`, that the image doesn't hold."""
        self.connection.register("found", keys)
        told = f"SELECT key FROM found ANTI JOIN {_file(self.new)} n ON n.{ident(self.view.key)} = found.key"
        return self.connection.sql(told).to_arrow_table()


@contextmanager
def change(
    settings: Settings, view: Served, features: str, as_of: datetime, folder: Path, held: Record | None
) -> Iterator[Change]:
    """Freeze what a view serves at `as_of` and lend the way there; at the end no other image is kept."""
    with lake.connect(settings) as connection:
        digest, new = lake.freeze(connection, _latest(connection, view, as_of), folder)
        known, newest = connection.execute(
            f"SELECT count(*), max(available_at) FROM {_file(new)}"
        ).fetchall()[0]
        told = newest.replace(tzinfo=None).isoformat() if newest else None
        moment = as_of.replace(tzinfo=None).isoformat()
        record = Record(digest, features, moment, view.key, view.names, known, told)
        yield Change(connection, view, record, new, _standing(view, folder, held))
    keep_only(folder, record)


def without(settings: Settings, folder: Path, held: Record, key: str) -> Record:
    """Freeze an image again without one key; say what is held then."""
    old = folder / f"{held.image}.parquet"
    if not old.is_file():
        return held
    with lake.connect(settings) as connection:
        others = f"SELECT * FROM {_file(old)} WHERE {ident(held.key)} <> {text(key)}"
        digest, new = lake.freeze(connection, others, folder)
        keys = connection.execute(f"SELECT count(*) FROM {_file(new)}").fetchall()[0][0]
    return replace(held, image=digest, keys=keys)


def keep_only(folder: Path, held: Record) -> None:
    """Remove every image of a view but the one that its store holds."""
    for image in folder.glob("*.parquet"):
        if image.stem != held.image:
            image.unlink(missing_ok=True)


def _latest(connection: duckdb.DuckDBPyConnection, view: Served, as_of: datetime) -> str:
    names = (view.key, "available_at", *view.names)
    source = Source(view.path, ((view.key, view.key),), "available_at", tuple((name, name) for name in names))
    latest = asof.latest(connection, source, as_of - view.ttl, as_of)
    return f"SELECT * FROM ({latest}) WHERE {ident(view.key)} IS NOT NULL"


def _standing(view: Served, folder: Path, held: Record | None) -> Path | None:
    """Find the image that a store holds, if it holds all of one and that can be compared."""
    if held is None or not held.whole or (held.key, held.names) != (view.key, view.names):
        return None
    image = folder / f"{held.image}.parquet"
    return image if image.is_file() else None


def _file(path: Path) -> str:
    return f"read_parquet({text(str(path))})"
