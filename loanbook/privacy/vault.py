"""What may be known: the vault, where alone plain values lie, each customer's under a key of its own.

The master key wraps the purposes' keys and the customers' data keys; without a data key its customer's
values are noise. `PRAGMA secure_delete` overwrites what is deleted.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from json.encoder import encode_basestring as quote
from typing import TYPE_CHECKING, Any

from loanbook.errors import PrivacyError
from loanbook.privacy import keys
from loanbook.privacy.keyring import (
    CONTENT,
    Vault,
    begun,
    bound_to,
    connected,
    emptied,
    existing,
    opened,
    writing,
)
from loanbook.privacy.keys import BYTES, NONCE
from loanbook.schema import TABLES
from loanbook.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

TOGETHER = 50_000  # customers a transaction
DIGEST = 16
EMPTY, NOTHING = b"{}", b""  # a customer without values, and no digest
COLUMNS = ("dataset", "customer_id", "key_id", "data_key", "sealed", "content")
UPSERT = (
    f"INSERT INTO customers ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "
    f"ON CONFLICT (dataset, customer_id) DO UPDATE SET "
    f"{', '.join(f'{name} = excluded.{name}' for name in COLUMNS[2:])}"
)


@dataclass(frozen=True)
class Kept:
    """What came of a delivery of customers: how many came, were written, were erased before, named nobody."""

    came: int = 0
    written: int = 0
    erased: int = 0
    nameless: int = 0


def keep(settings: Settings, dataset: str, batches: Iterable[pa.RecordBatch]) -> Kept:
    """Keep customers' plain values: `customer_id` beside reversible columns of `customers`, as text.

    What came before the same is left alone; of a customer who came twice the last values stand.
    """
    vault, kept = opened(settings), Kept()
    with connected(vault.path) as connection:
        for names, rows in _together(batches):
            with writing(connection):
                kept = _kept(kept, _keep(connection, vault, dataset, names, rows))
    return kept


def plain(settings: Settings, dataset: str, customer_id: str) -> dict[str, str]:
    """Decrypt one customer's values, or raise PrivacyError when none are kept."""
    vault = existing(settings)
    with connected(vault.path) as connection:
        found = connection.execute(
            "SELECT key_id, data_key, sealed FROM customers WHERE dataset = ? AND customer_id = ?",
            (dataset, customer_id),
        ).fetchall()
    if not found:
        raise PrivacyError(
            "nothing is kept of this customer",
            where=f"{vault.path}, {dataset}",
            right="Erased, never delivered, or of a dataset without such columns",
        )
    key_id, data_key, sealed = found[0]
    bound = bound_to(dataset, customer_id)
    own = keys.unseal(vault.ring.of(key_id, vault.path).cipher, data_key, bound, vault.path)
    values: dict[str, str] = json.loads(keys.unseal(keys.cipher(own), sealed, bound, vault.path))
    return values


def knows(settings: Settings, dataset: str, customer_id: str) -> bool:
    """Say whether values of a customer are kept."""
    if not begun(settings):
        return False
    with connected(existing(settings).path) as connection:
        return bool(
            connection.execute(
                "SELECT 1 FROM customers WHERE dataset = ? AND customer_id = ?", (dataset, customer_id)
            ).fetchall()
        )


def forget(settings: Settings, dataset: str, customer_id: str) -> str:
    """Destroy a customer's key and values, bar their return, and give the token that is left of them."""
    vault = opened(settings)
    token = vault.token(dataset, customer_id)
    with connected(vault.path) as connection:
        with writing(connection):
            connection.execute("INSERT OR IGNORE INTO erased VALUES (?)", (token,))
            connection.execute(
                "DELETE FROM customers WHERE dataset = ? AND customer_id = ?", (dataset, customer_id)
            )
        emptied(connection)
    return token


def drop(settings: Settings, dataset: str, customers: Sequence[str]) -> None:
    """Destroy the keys and values of customers whose time is over; they may come back."""
    if not begun(settings):
        return
    with connected(existing(settings).path) as connection:
        with writing(connection):
            connection.executemany(
                "DELETE FROM customers WHERE dataset = ? AND customer_id = ?",
                [(dataset, customer) for customer in customers],
            )
        emptied(connection)


def erased(settings: Settings) -> frozenset[str]:
    """Give the tokens of all who were erased."""
    if not begun(settings):
        return frozenset()
    with connected(existing(settings).path) as connection:
        return _erased(connection)


def _together(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[list[str], list[Sequence[Any]]]]:
    """Give the columns' names and the rows, so many that a transaction is worth it."""
    names: list[str] = []
    waiting: list[Sequence[Any]] = []
    for batch in batches:
        names = _columns(batch.schema.names)
        rows = zip(*(batch.column(name).to_pylist() for name in ["customer_id", *names]), strict=True)
        while some := list(islice(rows, TOGETHER - len(waiting))):
            waiting += some
            if len(waiting) >= TOGETHER:
                yield names, waiting
                waiting = []
    if waiting:
        yield names, waiting


def _columns(names: Sequence[str]) -> list[str]:
    """Name the columns to keep, in one order; one that isn't reversible is refused."""
    reversible = {column.name for column in TABLES["customers"].columns if column.reversible}
    strangers = set(names) - reversible - {"customer_id"}
    if strangers or "customer_id" not in names:
        raise PrivacyError(
            f"the vault keeps no {', '.join(sorted(strangers)) or 'rows without customer_id'}",
            where="loanbook/schema/tables.py, customers",
            right=f"It keeps customer_id and {', '.join(sorted(reversible))}",
        )
    return sorted(set(names) & reversible)


def _keep(
    connection: sqlite3.Connection, vault: Vault, dataset: str, names: list[str], rows: list[Sequence[Any]]
) -> Kept:
    """Write the customers whose values are new or others than those that are kept."""
    people = {str(row[0]): row for row in rows if row[0] is not None}
    gone = _erased(connection)
    back = {one for one in people if vault.token(dataset, one) in gone} if gone else set()
    known = _contents(connection, dataset, people)
    content = hashlib.blake2b(key=vault.uses[CONTENT], digest_size=DIGEST)
    newest, write, changed = vault.ring.newest, _writer(names), []
    for customer, row in people.items():
        bound, text = bound_to(dataset, customer), write(row[1:])
        told = content.copy()
        told.update(bound + b"\0" + text)
        digest = told.digest()
        if known.get(customer, NOTHING if text == EMPTY else None) in (digest, NOTHING) or customer in back:
            continue
        own = os.urandom(BYTES + 2 * NONCE)
        key, first, second = own[:BYTES], own[BYTES:-NONCE], own[-NONCE:]
        data_key = first + newest.cipher.encrypt(first, key, bound)
        sealed = second + keys.cipher(key).encrypt(second, text, bound)
        changed.append((dataset, customer, newest.id, data_key, sealed, digest))
    connection.executemany(UPSERT, changed)
    return Kept(len(rows), len(changed), len(back), sum(row[0] is None for row in rows))


def _writer(names: Sequence[str]) -> Callable[[Sequence[str | None]], bytes]:
    """Give what writes a customer's values as JSON, leaving nulls out: done ten million times, so by hand."""
    labels = [f"{quote(name)}:" for name in names]
    whole = "{" + ",".join(f"{label}%s" for label in labels) + "}"

    def write(values: Sequence[str | None]) -> bytes:
        given = [value for value in values if value is not None]
        if len(given) == len(labels):
            return (whole % tuple(map(quote, given))).encode()
        told = zip(labels, values, strict=True)
        said = [label + quote(value) for label, value in told if value is not None]
        return ("{" + ",".join(said) + "}").encode()

    return write


def _contents(connection: sqlite3.Connection, dataset: str, people: Iterable[str]) -> dict[str, bytes]:
    asked = json.dumps(list(people))
    return dict(
        connection.execute(
            "SELECT customer_id, content FROM customers "
            "WHERE dataset = ? AND customer_id IN (SELECT value FROM json_each(?))",
            (dataset, asked),
        ).fetchall()
    )


def _kept(one: Kept, other: Kept) -> Kept:
    return Kept(
        one.came + other.came,
        one.written + other.written,
        one.erased + other.erased,
        one.nameless + other.nameless,
    )


def _erased(connection: sqlite3.Connection) -> frozenset[str]:
    return frozenset(row[0] for row in connection.execute("SELECT customer FROM erased").fetchall())
