"""What may be known: wrap all that is in the vault by a newer master key, while the vault is in use.

Give every process the new key before the old one, rotate, then drop the old one: until it is dropped
both open the keyring. The purposes' keys stay what they are, and so do all tokens.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from loanbook.errors import MasterKeyError
from loanbook.privacy import keyring, keys
from loanbook.privacy.keyring import Vault
from loanbook.settings import Settings

TOGETHER = 10_000


@dataclass(frozen=True)
class Rotated:
    """What a rotation did: the key that wraps now, how many customers' keys it wrapped anew."""

    key_id: str
    customers: int


def rotate(settings: Settings) -> Rotated:
    """Wrap everything by the newest key of this place; killed and run again, it goes on where it was."""
    opened = keyring.existing(settings)
    _refuse_strangers(settings, opened)
    newest, done, last = opened.ring.newest.id, 0, 0
    with keyring.connected(opened.path) as connection:
        while True:
            with keyring.writing(connection):
                rows = _older(connection, newest, last)
                connection.executemany(
                    "UPDATE customers SET key_id = ?, data_key = ? WHERE place = ?",
                    [(newest, _rewrapped(opened, row), row[0]) for row in rows],
                )
            if not rows:
                break
            done, last = done + len(rows), rows[-1][0]
        with keyring.writing(connection):
            _rewrap_keyring(connection, opened)
        keyring.emptied(connection)
    return Rotated(newest, done)


def in_use(settings: Settings) -> Mapping[str, int]:
    """Count what each key wraps: the vault's own keys and the customers'."""
    with keyring.connected(keyring.existing(settings).path) as connection:
        return dict(
            connection.execute(
                "SELECT key_id, sum(wraps) FROM (SELECT key_id, count(*) AS wraps FROM customers GROUP BY 1 "
                "UNION ALL SELECT key_id, count(*) FROM keyring GROUP BY 1) GROUP BY 1 ORDER BY 1"
            ).fetchall()
        )


def _refuse_strangers(settings: Settings, opened: Vault) -> None:
    for key_id in in_use(settings):
        opened.ring.of(key_id, opened.path)


def _older(connection: sqlite3.Connection, newest: str, last: int) -> list[tuple[int, str, str, str, bytes]]:
    return connection.execute(
        "SELECT place, dataset, customer_id, key_id, data_key FROM customers "
        "WHERE place > ? AND key_id <> ? ORDER BY place LIMIT ?",
        (last, newest, TOGETHER),
    ).fetchall()


def _rewrapped(opened: Vault, row: tuple[int, str, str, str, bytes]) -> bytes:
    _, dataset, customer_id, key_id, data_key = row
    bound = keyring.bound_to(dataset, customer_id)
    own = keys.unseal(opened.ring.of(key_id, opened.path).cipher, data_key, bound, opened.path)
    return keys.seal(opened.ring.newest.cipher, own, bound)


def _rewrap_keyring(connection: sqlite3.Connection, opened: Vault) -> None:
    """Come last: until here a place that knows the new key alone is refused."""
    newest = opened.ring.newest
    if connection.execute("SELECT 1 FROM customers WHERE key_id <> ?", (newest.id,)).fetchall():
        raise MasterKeyError(
            "somebody kept customers by an older key meanwhile",
            where=str(opened.path),
            right="Give every process the new key first, and rotate again",
        )
    connection.executemany(
        "UPDATE keyring SET key_id = ?, sealed = ? WHERE use = ? AND key_id <> ?",
        [
            (newest.id, keys.seal(newest.cipher, key, use.encode()), use, newest.id)
            for use, key in opened.uses.items()
        ],
    )
