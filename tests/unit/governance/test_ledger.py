from __future__ import annotations

import multiprocessing
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from loanbook.errors import LedgerError
from loanbook.governance import chain
from loanbook.governance.ledger import GUARDS, Ledger, _guard

NOW = datetime(2026, 11, 23, 9, 30)
LENGTH = 12


@pytest.fixture
def book(ledger: Ledger) -> Ledger:
    for number in range(1, LENGTH + 1):
        ledger.append("review", "bo", {"version": number, "reason": "gut ✓"}, NOW, once=f"review:{number}")
    return ledger


def behind(ledger: Ledger, *statements: str) -> None:
    """Change the database as somebody would who owns the file: guards off, change, guards on again."""
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as connection:
        for name in GUARDS:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for name in GUARDS:
            connection.execute(_guard(name))


def test_entries_are_read_in_the_order_they_were_written(book: Ledger) -> None:
    assert [entry.body["version"] for entry in book.entries()] == list(range(1, LENGTH + 1))
    assert book.entries("promotion") == ()
    assert book.verify().holds


def test_an_empty_ledger_holds(ledger: Ledger) -> None:
    assert ledger.entries() == ()
    assert ledger.verify().holds
    assert not ledger.path.exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET actor = 'eve' WHERE seq = 3",
        "DELETE FROM entries WHERE seq = 3",
        "DELETE FROM entries",
        "INSERT OR REPLACE INTO entries VALUES (3, 'k', 'eve', 't', '{}', NULL, 'p', 'd')",
        "INSERT OR REPLACE INTO entries SELECT 13, kind, actor, at, body, once, previous, digest"
        " FROM entries WHERE seq = 3",
        "INSERT OR IGNORE INTO entries VALUES (99, 'k', 'eve', 't', '{}', NULL, 'p', 'd')",
    ],
)
def test_the_database_refuses_to_change_remove_or_replace(book: Ledger, statement: str) -> None:
    with (
        closing(sqlite3.connect(book.path, isolation_level=None)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="only grows"),
    ):
        connection.execute(statement)
    assert book.verify().holds
    assert len(book.entries()) == LENGTH


COLUMNS = {
    "kind": "'promotion'",
    "actor": "'eve'",
    "at": "'2020-01-01T00:00:00Z'",
    "body": "'{}'",
    "once": "'x' || seq",
    "previous": "'00'",
    "digest": "'00'",
}


@pytest.mark.parametrize("seed", range(40))
def test_an_entry_changed_anywhere_is_found_and_named(book: Ledger, seed: int) -> None:
    chance = random.Random(seed)
    seq, column = chance.randint(1, LENGTH), chance.choice(sorted(COLUMNS))
    behind(book, f"UPDATE entries SET {column} = {COLUMNS[column]} WHERE seq = {seq}")
    report = book.verify()
    assert not report.holds
    assert report.broken == seq, report


@pytest.mark.parametrize("seed", range(10))
def test_one_letter_changed_in_a_body_is_found_and_named(book: Ledger, seed: int) -> None:
    seq = random.Random(seed).randint(1, LENGTH)
    behind(book, f"UPDATE entries SET body = replace(body, 'gut', 'got') WHERE seq = {seq}")
    assert book.verify().broken == seq


@pytest.mark.parametrize("seq", range(1, LENGTH + 1))
def test_an_entry_removed_anywhere_is_found_and_named(book: Ledger, seq: int) -> None:
    behind(book, f"DELETE FROM entries WHERE seq = {seq}")
    assert book.verify().broken == seq


def test_removed_and_renumbered_is_found(book: Ledger) -> None:
    behind(book, "DELETE FROM entries WHERE seq = 5", "UPDATE entries SET seq = seq - 1 WHERE seq > 5")
    assert book.verify().broken == 5


def test_reordered_entries_are_found(book: Ledger) -> None:
    swap = [f"UPDATE entries SET seq = {new} WHERE seq = {old}" for old, new in ((4, 99), (7, 4), (99, 7))]
    behind(book, *swap)
    assert book.verify().broken == 4


def test_an_inserted_entry_is_found(book: Ledger) -> None:
    rows = book.entries()
    last = chain.Head(5, rows[4].digest)
    row = chain.link(last, kind="promotion", actor="eve", body="{}", at=NOW, once=None)
    behind(
        book,
        *(f"UPDATE entries SET seq = {seq + 1} WHERE seq = {seq}" for seq in range(LENGTH, 5, -1)),
        f"INSERT INTO entries VALUES (6, 'promotion', 'eve', '{row.at}', '{{}}', NULL, '{row.previous}', "
        f"'{row.digest}')",
    )
    assert book.verify().broken == 7


@pytest.mark.parametrize("kept", [0, 1, LENGTH - 1])
def test_a_removed_end_is_found_by_the_head(book: Ledger, kept: int) -> None:
    behind(book, f"DELETE FROM entries WHERE seq > {kept}")
    report = book.verify()
    assert report.broken == kept + 1
    assert "removed from the end" in report.why


def test_a_chain_rewritten_from_the_middle_is_found_by_the_head(book: Ledger) -> None:
    rows = book.entries()
    last, statements = chain.Head(8, rows[7].digest), ["DELETE FROM entries WHERE seq > 8"]
    for _ in range(LENGTH - 8):
        row = chain.link(last, kind="review", actor="eve", body="{}", at=NOW, once=None)
        statements.append(
            f"INSERT INTO entries VALUES ({row.seq}, 'review', 'eve', '{row.at}', '{{}}', NULL, "
            f"'{row.previous}', '{row.digest}')"
        )
        last = chain.Head(row.seq, row.digest)
    behind(book, *statements)
    report = book.verify()
    assert report.broken == LENGTH
    assert "rewritten" in report.why


def test_a_database_that_is_gone_is_found_and_not_begun_anew(book: Ledger) -> None:
    book.path.unlink()
    assert book.verify().broken == 1
    with pytest.raises(LedgerError, match="removed from the end"):
        book.entries()
    with pytest.raises(LedgerError, match="removed from the end"):
        book.append("review", "bo", {}, NOW)


def test_a_missing_head_is_found(book: Ledger) -> None:
    book.head_path.unlink()
    assert "head is missing" in book.verify().why


@pytest.mark.parametrize("text", ["", "{}", '{"seq": -1, "digest": "x"}', "[]"])
def test_a_head_that_can_not_be_read_is_refused(book: Ledger, text: str) -> None:
    book.head_path.write_text(text)
    with pytest.raises(LedgerError, match="head can't be read"):
        book.verify()


def test_lifted_guards_are_found(book: Ledger) -> None:
    with closing(sqlite3.connect(book.path)) as connection:
        connection.execute("DROP TRIGGER no_update")
    assert "guards" in book.verify().why


BREAKS: dict[str, Callable[[Ledger], object]] = {
    "append": lambda book: book.append("review", "bo", {}, NOW),
    "entries": lambda book: book.entries(),
}


@pytest.mark.parametrize("use", BREAKS)
def test_a_broken_ledger_is_neither_read_nor_continued(book: Ledger, use: str) -> None:
    behind(book, "UPDATE entries SET actor = 'eve' WHERE seq = 2")
    with pytest.raises(LedgerError, match="broken at entry 2"):
        BREAKS[use](book)


def test_a_file_that_is_no_database_is_refused(book: Ledger) -> None:
    book.path.write_bytes(b"not a database, but long enough to be taken for one" * 40)
    with pytest.raises(LedgerError, match="can't be used"):
        book.verify()


def test_the_same_thing_is_written_once(book: Ledger) -> None:
    later = datetime(2026, 12, 1)
    again = book.append("review", "bo", {"version": 3, "reason": "gut ✓"}, later, once="review:3")
    assert (again.seq, again.at) == (3, NOW)
    assert len(book.entries()) == LENGTH


def test_saying_otherwise_under_the_same_key_is_refused(book: Ledger) -> None:
    with pytest.raises(LedgerError, match="says otherwise"):
        book.append("review", "bo", {"version": 4}, NOW, once="review:3")


def test_what_has_no_key_is_written_each_time(book: Ledger) -> None:
    book.append("note", "bo", {}, NOW)
    book.append("note", "bo", {}, NOW)
    assert len(book.entries("note")) == 2


def test_killed_before_the_head_was_noted_it_goes_on(book: Ledger) -> None:
    noted = book.head_path.read_text()
    book.append("review", "bo", {"version": 13}, NOW, once="review:13")
    book.head_path.write_text(noted)
    assert book.verify().holds
    book.append("review", "bo", {"version": 13}, NOW, once="review:13")
    assert chain.Head(LENGTH + 1, book.entries()[-1].digest) == book._head()


def test_killed_before_the_commit_nothing_was_written(book: Ledger) -> None:
    with pytest.raises(KeyboardInterrupt):
        _killed_while_writing(book)
    assert len(book.entries()) == LENGTH


def _killed_while_writing(book: Ledger) -> None:
    with book._writing() as connection:
        connection.execute("INSERT INTO entries VALUES (13, 'k', 'a', 't', '{}', NULL, 'p', 'd')")
        raise KeyboardInterrupt


def _write(path: Path, actor: str, shared: int) -> None:
    book = Ledger(path)
    for number in range(25):
        book.append("note", actor, {"number": number}, NOW)
        book.append("promotion", actor, {"number": number % shared}, NOW, once=f"p:{number % shared}")


def test_two_processes_that_write_at_once_make_one_chain(ledger: Ledger) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(ledger.path, actor, 5)) for actor in ("bo", "cy")]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        ledger.entries()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert ledger.verify().holds
    assert len(ledger.entries("note")) == 50
    assert len(ledger.entries("promotion")) == 5
    head = ledger._head()
    assert head is not None
    assert head.seq == 55
