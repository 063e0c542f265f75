"""What may be known: find the rows whose time is over, and take them out of all that was ever read.

What is being taken out is noted in the catalog until the ledger says so: killed and run again, it goes on.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from loanbook import digests, lake
from loanbook.governance import instants
from loanbook.governance.chain import Entry
from loanbook.governance.ledger import of_home
from loanbook.intake import book
from loanbook.intake.book import Book
from loanbook.intake.engine import text
from loanbook.lake import Lake
from loanbook.privacy import derived, parting, retention, vault
from loanbook.privacy.parting import Changes, Taken
from loanbook.privacy.retention import Retention, Rule
from loanbook.privacy.rewriting import Change
from loanbook.schema import TABLES
from loanbook.settings import Settings

RETAINED = "retention"


@dataclass(frozen=True)
class Due:
    """What of a dataset is due to go at a day: rows by table, and the rules that say so."""

    dataset: str
    as_of: datetime
    rows: Mapping[str, int]
    rules: Retention


def due(settings: Settings, dataset: str, as_of: datetime) -> Due:
    """Count the rows whose time is over; nothing is changed."""
    rules, stands = retention.read(settings.repo), book.read(settings, dataset)
    with _seen(settings, stands) as seen:
        counts = parting.planned(settings, stands, _changes(rules, as_of, seen))
    return Due(dataset, as_of, {table: count.removed for table, count in counts.items()}, rules)


def take_out(settings: Settings, dataset: str, as_of: datetime) -> Book:
    """Take the rows out whose time is over, and the keys of their customers; give the book as it stands."""
    rules = retention.read(settings.repo)
    with parting.alone(settings, dataset):
        stood = book.read(settings, dataset)
        with _seen(settings, stood) as seen:
            changes = _changes(rules, as_of, seen)
            stands, taken = parting.rewritten(settings, stood, changes)
            if taken:
                vault.drop(settings, dataset, _customers(settings, stood, changes))
        if taken:
            _note(settings, dataset, as_of, rules, taken)
            book.write(settings, stands)
        _sweep(settings, dataset, stands)
    return stands


def prove(settings: Settings, dataset: str, at: datetime) -> Entry | None:
    """Clear what was made of the rows, and enter in the ledger what went; null where nothing did."""
    pending = _pending(settings, dataset)
    if pending is None:
        return None
    derived.clear_older(settings, dataset)
    parts = pending.pop("parts")
    rows: dict[str, int] = {}
    for part in parts.values():
        rows[part["table"]] = rows.get(part["table"], 0) + part["rows"]
    files = {old: part["new"] for old, part in parts.items()}
    body = {"dataset": dataset, **pending, "rows": rows, "files": files}
    once = f"{RETAINED}:{dataset}:{digests.of_json(files)}"
    entry = of_home(settings.home).append(RETAINED, settings.actor, body, at, once=once)
    _path(settings, dataset).unlink(missing_ok=True)
    return entry


def _changes(rules: Retention, as_of: datetime, seen: Mapping[str, Path]) -> Changes:
    """Say which rows of each table go."""

    def change(table: str, _: tuple[str, ...]) -> Change | None:
        return Change(gone=_over(rules.rules[table], as_of, seen))

    return change


def _over(rule: Rule, as_of: datetime, seen: Mapping[str, Path]) -> str:
    """Write the condition that a row's time is over; a row without any clock stays."""
    before = f"< TIMESTAMP '{as_of.isoformat(sep=' ')}' - INTERVAL {rule.months} MONTHS"
    if rule.since != "last_seen":
        other = "available_at" if rule.since == "event_at" else "event_at"
        return f"coalesce({rule.since}, {other}) {before}"
    key = retention.owner(rule.table)
    assert key is not None
    return f"{key} IN (SELECT {key} FROM read_parquet({text(str(seen[key]))}) WHERE last_seen {before})"


@contextmanager
def _seen(settings: Settings, stands: Book) -> Iterator[Mapping[str, Path]]:
    """Lend two lists: when each customer was last seen in any table, and the same by loan."""
    folder = settings.home / "tmp"
    paths = {key: folder / f"{secrets.token_hex(4)}.{key}.parquet" for key in ("customer_id", "loan_id")}
    rows = {table: _relation(settings, stands, table) for table in TABLES}
    loans = f"SELECT loan_id, customer_id FROM {rows['loans']} WHERE loan_id IS NOT NULL"
    said = [
        f"SELECT customer_id, available_at AS last_seen FROM {rows[table]}"
        if retention.owner(table) == "customer_id"
        else f"SELECT customer_id, r.available_at FROM {rows[table]} AS r JOIN ({loans}) USING (loan_id)"
        for table in TABLES
        if retention.owner(table)
    ]
    try:
        with lake.connect(settings) as connection:
            connection.execute(
                f"CREATE TEMP TABLE seen AS SELECT customer_id, max(last_seen) AS last_seen "
                f"FROM ({' UNION ALL '.join(said)}) WHERE customer_id IS NOT NULL GROUP BY customer_id"
            )
            lake.copy_out(connection, "FROM seen", paths["customer_id"])
            by_loan = f"SELECT loan_id, last_seen FROM ({loans}) JOIN seen USING (customer_id)"
            lake.copy_out(connection, by_loan, paths["loan_id"])
        yield paths
    finally:
        for path in paths.values():
            path.unlink(missing_ok=True)


def _relation(settings: Settings, stands: Book, table: str) -> str:
    """Write the relation of all that was ever read of a table."""
    found = [batch.part(table) for batch in stands.batches]
    paths = [text(str(book.part_path(settings, stands.dataset, part))) for part in found if part]
    if paths:
        return f"read_parquet([{', '.join(paths)}], union_by_name = true)"
    nulls = ", ".join(f'NULL::{column.type} AS "{column.name}"' for column in TABLES[table].columns)
    return f"(SELECT {nulls} WHERE false)"


def _customers(settings: Settings, stood: Book, changes: Changes) -> list[str]:
    """Name the customers whose rows go, and whose values the vault is to keep no longer."""
    change = changes("customers", TABLES["customers"].names)
    assert change is not None
    with lake.connect(settings) as connection:
        rows = connection.execute(
            f"SELECT DISTINCT customer_id FROM {_relation(settings, stood, 'customers')} "
            f"WHERE customer_id IS NOT NULL AND {change.gone}"
        ).fetchall()
    return [str(row[0]) for row in rows]


def _note(
    settings: Settings, dataset: str, as_of: datetime, rules: Retention, taken: Sequence[Taken]
) -> None:
    """Note which parts take whose place, before the book says so; noted twice, it is the same."""
    pending = _pending(settings, dataset) or {"parts": {}}
    parts = {one.old: {"table": one.table, "new": one.new, "rows": one.count.removed} for one in taken}
    said = {"as_of": instants.text(as_of), "rules": rules.digest, "parts": pending["parts"] | parts}
    lake.write_json(_path(settings, dataset), said)


def _sweep(settings: Settings, dataset: str, stands: Book) -> None:
    """Delete the parts whose place others took."""
    pending, named = _pending(settings, dataset) or {"parts": {}}, parting.named(stands)
    for old, part in pending["parts"].items():
        if (part["table"], old) not in named:
            (Lake(settings.home).snapshots(dataset, part["table"]) / f"{old}.parquet").unlink(missing_ok=True)


def _pending(settings: Settings, dataset: str) -> dict[str, Any] | None:
    path = _path(settings, dataset)
    return dict(lake.read_json(path)) if path.exists() else None


def _path(settings: Settings, dataset: str) -> Path:
    return Lake(settings.home).catalog(dataset) / "retention.json"
