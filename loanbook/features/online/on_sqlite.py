"""validated → features: serve from a SQLite file: one transaction a view, and readers never wait.

A reader sees all of a view's old values or all of its new ones: the file keeps a write-ahead log.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanbook.features.online import encoding, images
from loanbook.features.online.images import Change, Record, Served
from loanbook.intake.engine import ident
from loanbook.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

STATE = "loanbook_materialised"


def write(settings: Settings, store: Path, view: Served, features: str, as_of: datetime) -> Record:
    """Bring a view's values to what is known at `as_of`, all of them or none; say what is held now."""
    with _writing(store) as online:
        held = standing(online).get(view.name)
        with images.change(settings, view, features, as_of, _images(store, view.name), held) as change:
            if not change.nothing:
                _apply(online, change)
            online.execute(f"INSERT OR REPLACE INTO {STATE} VALUES (?, ?)", (view.name, change.record.told()))
            online.execute("COMMIT")
            return change.record


def retire(store: Path, project: str, declared: Collection[str]) -> None:
    """Take away every view that is no longer declared."""
    with _writing(store) as online:
        gone = [view for view in standing(online) if view not in declared]
        for view in gone:
            if (name := f"{project}_{view}") in _tables(online):
                online.execute(f"DELETE FROM {ident(name)}")
            online.execute(f"DELETE FROM {STATE} WHERE view = ?", (view,))
        online.execute("COMMIT")
    for view in gone:
        shutil.rmtree(_images(store, view), ignore_errors=True)


def forget(settings: Settings, store: Path, join_key: str, key: str) -> int:
    """Take a key out of every view and every image, past recovery; give how many values it had."""
    if not store.is_file():
        return 0
    entity, values = encoding.key_prefix(join_key) + encoding.key_value(key), 0
    with _writing(store) as online:
        for name in _tables(online):
            values += online.execute(f"DELETE FROM {ident(name)} WHERE entity_key = ?", (entity,)).rowcount
        records = {view: one for view, one in standing(online).items() if one.key == join_key}
        for view, held in records.items():
            records[view] = images.without(settings, _images(store, view), held, key)
            online.execute(f"UPDATE {STATE} SET record = ? WHERE view = ?", (records[view].told(), view))
        online.execute("COMMIT")
        online.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    for view, held in records.items():
        images.keep_only(_images(store, view), held)
    return values


def _images(store: Path, view: str) -> Path:
    return store.parent / "served" / "sqlite" / view


def table(view: Served) -> str:
    """Quote the name of a view's table, as Feast names it."""
    return ident(f"{view.project}_{view.name}")


@contextmanager
def _writing(store: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(store, timeout=60, isolation_level=None)) as online:
        online.execute("PRAGMA journal_mode = WAL")
        online.execute("PRAGMA secure_delete = ON")  # what was erased is no longer in the file
        online.execute(f"CREATE TABLE IF NOT EXISTS {STATE} (view TEXT PRIMARY KEY, record TEXT)")
        online.execute("BEGIN IMMEDIATE")
        yield online


def standing(online: sqlite3.Connection) -> dict[str, Record]:
    """Say what is held of each view; nothing, where nothing was ever written."""
    if not online.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (STATE,)).fetchone():
        return {}
    found = online.execute(f"SELECT view, record FROM {STATE}").fetchall()
    return {view: Record.read(said) for view, said in found}


def _tables(online: sqlite3.Connection) -> list[str]:
    """Name the tables of views: Feast gives each this column."""
    found = online.execute(
        "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c "
        "WHERE m.type = 'table' AND c.name = 'entity_key'"
    )
    return [str(name) for (name,) in found.fetchall()]


def _apply(online: sqlite3.Connection, change: Change) -> None:
    if change.old is None:
        online.execute(f"DELETE FROM {table(change.view)}")
    for batch in change.gone():
        keys = _objects(encoding.keys(change.view.key, batch.column(0)))
        online.executemany(f"DELETE FROM {table(change.view)} WHERE entity_key = ?", ((key,) for key in keys))
    for batch in change.written():
        _insert(online, change.view, batch)


def _insert(online: sqlite3.Connection, view: Served, batch: pa.RecordBatch) -> None:
    import pyarrow as pa

    keys = _objects(encoding.keys(view.key, batch.column(view.key)))
    moments = (
        batch.column("available_at").cast(pa.timestamp("us")).cast(pa.int64()).to_numpy() // 10**6
    ).tolist()
    for name, kind in view.features:
        column = batch.column(name)
        rows = zip(
            keys, repeat(name), _objects(encoding.values(column, kind)), _texts(column), moments, strict=False
        )
        online.executemany(
            f"INSERT OR REPLACE INTO {table(view)} (entity_key, feature_name, value, value_text, event_ts) "
            "VALUES (?, ?, ?, ?, ?)",
            rows,
        )


def _objects(column: pa.Array) -> list[Any]:
    return column.to_numpy(zero_copy_only=False).tolist()  # type: ignore[no-any-return]


def _texts(column: pa.Array) -> list[str | None]:
    """Write each value as Feast shows it; NaN is nothing."""
    import pyarrow.compute as pc

    known = pc.if_else(pc.is_null(column, nan_is_null=True), None, column)
    return [None if value is None else str(value) for value in known.to_pylist()]
