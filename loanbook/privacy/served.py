"""What may be known: take a customer out of the online store."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from loanbook.errors import PrivacyError
from loanbook.features import online
from loanbook.settings import Settings

KEY, PROJECT = "customer_id", "loanbook"  # of feature_repo/: the join key, the project


def forget(settings: Settings, dataset: str, customer: str) -> int:
    """Delete a customer's values wherever they are served from; give how many there were."""
    key = online.key_prefix(KEY) + online.key_value(customer)
    store = settings.home / "feast" / dataset / "online.db"
    return _from_sqlite(store, key) + (_from_redis(settings, key) if settings.redis else 0)


def _from_sqlite(store: Path, key: bytes) -> int:
    if not store.exists():
        return 0
    gone = 0
    with closing(sqlite3.connect(store, timeout=60, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        for table in _tables(connection):
            gone += connection.execute(f'DELETE FROM "{table}" WHERE entity_key = ?', (key,)).rowcount
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return gone


def _tables(connection: sqlite3.Connection) -> list[str]:
    """Name the views that are served: Feast gives each a table with this column."""
    rows = connection.execute(
        "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c "
        "WHERE m.type = 'table' AND c.name = 'entity_key'"
    ).fetchall()
    return [str(row[0]) for row in rows]


def _from_redis(settings: Settings, key: bytes) -> int:
    """Delete the hash of a customer, which Feast names by entity key and project."""
    import redis

    assert settings.redis is not None
    try:
        with redis.Redis.from_url(settings.redis.reveal()) as client:
            return int(client.delete(key + PROJECT.encode()))
    except redis.RedisError as error:
        raise PrivacyError(
            f"the online store doesn't answer: {type(error).__name__}",
            where="LOANBOOK_REDIS",
            right="Start it and erase again: what is done isn't done twice",
        ) from None
