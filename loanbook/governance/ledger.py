"""candidate → champion: the append-only book of every decision, in SQLite. Its one door.

The database refuses UPDATE and DELETE; whoever lifts that is found by the hash chain, and whoever
cuts off its end is found by `ledger.head`, which lies beside it and may be copied anywhere.
The rollback journal is kept on purpose: at rest the ledger is one file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from loanbook import digests, lake
from loanbook.errors import LedgerError, StorageError
from loanbook.governance import chain, reading
from loanbook.governance.chain import Entry, Head, LedgerReport, Row
from loanbook.governance.reading import UnreadableFact

BUSY_SECONDS = 30.0
COLUMNS = "seq, kind, actor, at, body, once, previous, digest"
TABLE = """
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    at TEXT NOT NULL,
    body TEXT NOT NULL,
    once TEXT UNIQUE,
    previous TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE
) STRICT
"""
# INSERT OR REPLACE deletes without firing a DELETE trigger, so inserting has a guard of its own.
GUARDS = {
    "no_update": "BEFORE UPDATE ON entries",
    "no_delete": "BEFORE DELETE ON entries",
    "no_replace": (
        "BEFORE INSERT ON entries WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM entries)"
        " OR EXISTS (SELECT 1 FROM entries WHERE once = NEW.once OR digest = NEW.digest)"
    ),
}


def _guard(name: str) -> str:
    return f"CREATE TRIGGER {name} {GUARDS[name]} BEGIN SELECT raise(ABORT, 'the ledger only grows'); END"


@dataclass(frozen=True)
class Ledger:
    """The book at `path`; each call opens and closes it, so that processes may share it."""

    path: Path

    @property
    def head_path(self) -> Path:
        """Where the head is noted."""
        return self.path.with_suffix(".head")

    def append(
        self, kind: str, actor: str, body: Mapping[str, Any], at: datetime, *, once: str | None = None
    ) -> Entry:
        """Add an entry and note the new head; writers wait for each other.

        What bears the same `once` is written once: appended again, alike in kind and body, it gives the
        entry that stands; unlike raises LedgerError, as does a chain that is broken.
        """
        text = digests.canonical(dict(body)).decode()
        with self._writing() as connection:
            rows = self._sound(connection)
            row = next((row for row in rows if once is not None and row.once == once), None)
            if row is None:
                row = chain.link(_last(rows), kind=kind, actor=actor, body=text, at=at, once=once)
                marks = ", ".join("?" * 8)
                connection.execute(f"INSERT INTO entries ({COLUMNS}) VALUES ({marks})", _values(row))
            elif (row.kind, row.body) != (kind, text):
                raise LedgerError(
                    f"{once} stands already, and says otherwise",
                    where=f"{self.path}, entry {row.seq}",
                    right="What is written stays; write a new entry",
                )
        self._note_head()
        return chain.entry_of(row)

    def entries(self, kind: str | None = None) -> tuple[Entry, ...]:
        """Read the entries in order, or those of one kind; a broken chain raises LedgerError."""
        if not self.path.exists():
            self._demand(chain.check([], self._head()))
            return ()
        with self._open() as connection:
            rows = self._sound(connection)
        return tuple(chain.entry_of(row) for row in rows if kind is None or row.kind == kind)

    def verify(self) -> LedgerReport:
        """Say whether the whole chain, its guards and its head hold, and where they first don't."""
        if not self.path.exists():
            return chain.check([], self._head())
        with self._open() as connection:
            return _judge(*self._seen(connection), connection)

    def _sound(self, connection: sqlite3.Connection) -> list[Row]:
        """Read all rows, or raise LedgerError."""
        rows, head = self._seen(connection)
        self._demand(_judge(rows, head, connection))
        return rows

    def _seen(self, connection: sqlite3.Connection) -> tuple[list[Row], Head | None]:
        """Read the head and then the rows, so that beside a writer the head can only lag."""
        head = self._head()
        rows = _rows(connection)
        if rows and head is None:  # begun since: the head is noted before the first entry
            head = self._head()
            rows = _rows(connection)
        return rows, head

    def _demand(self, report: LedgerReport) -> None:
        if not report.holds:
            raise LedgerError(
                f"the ledger is broken at entry {report.broken}: {report.why}",
                where=str(self.path),
                right="Keep it as it is for the auditor and restore the last copy that verifies",
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)) as opened:
                opened.execute("PRAGMA synchronous = FULL")
                yield opened
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise LedgerError(
                f"the ledger can't be used: {error}", where=str(self.path), right="Nothing was added"
            ) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that alone may write; make the book if there is none."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise lake.storage_error(error, self.path) from error
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._begin(connection)
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _begin(self, connection: sqlite3.Connection) -> None:
        if not _has_table(connection):
            connection.execute(TABLE)
            for name in GUARDS:
                connection.execute(_guard(name))
        if not self.head_path.exists() and not _rows(connection, "LIMIT 1"):
            self._write_head(Head(0, chain.GENESIS))

    def _note_head(self) -> None:
        """Note the head under the write lock, so that it never goes back when two writers meet."""
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            self._write_head(_last(_rows(connection, "ORDER BY seq DESC LIMIT 1")))
            connection.execute("COMMIT")

    def _write_head(self, head: Head) -> None:
        lake.write_json(self.head_path, {"format": 1, "seq": head.seq, "digest": head.digest})

    def _head(self) -> Head | None:
        if not self.head_path.exists():
            return None
        try:
            noted = lake.read_json(self.head_path)
            return Head(reading.count(noted, "seq"), reading.digest(noted, "digest"))
        except (StorageError, UnreadableFact) as error:
            raise LedgerError(
                f"the noted head can't be read: {error}",
                where=str(self.head_path),
                right="Restore it from the copy that was kept outside",
            ) from None


def _judge(rows: list[Row], head: Head | None, connection: sqlite3.Connection) -> LedgerReport:
    report = chain.check(rows, head)
    if report.holds and rows and not _guarded(connection):
        return LedgerReport(report.entries, report.head, 1, "the guards against change were lifted")
    return report


def _rows(connection: sqlite3.Connection, order: str = "ORDER BY seq") -> list[Row]:
    if not _has_table(connection):
        return []
    return [Row(*values) for values in connection.execute(f"SELECT {COLUMNS} FROM entries {order}")]


def _values(row: Row) -> tuple[object, ...]:
    return (row.seq, row.kind, row.actor, row.at, row.body, row.once, row.previous, row.digest)


def _last(rows: list[Row]) -> Head:
    return Head(rows[-1].seq, rows[-1].digest) if rows else Head(0, chain.GENESIS)


def _has_table(connection: sqlite3.Connection) -> bool:
    found = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'entries'").fetchall()
    return bool(found[0][0])


def _guarded(connection: sqlite3.Connection) -> bool:
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    return dict(found) == {name: _guard(name) for name in GUARDS}


def of_home(home: Path) -> Ledger:
    """Find the ledger of a home folder."""
    return Ledger(home / "governance" / "ledger.sqlite")
