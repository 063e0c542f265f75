"""raw → validated: part the rows that may be published from those that are held, and say why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loanbook import digests, lake
from loanbook.errors import BatchBlocked, StorageError
from loanbook.intake import engine, pushdown
from loanbook.intake.engine import PROVENANCE, ident, text
from loanbook.intake.mapping import Dataset
from loanbook.intake.rules import Rule, Suite, Verdict
from loanbook.intake.snapshots import Reading
from loanbook.lake import Lake
from loanbook.schema import TABLES
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb

PUBLISHED, HELD = "published", "quarantine"


@dataclass(frozen=True)
class Part:
    """One file that was written: its hash and its rows, counted in the file itself."""

    digest: str
    rows: int


@dataclass(frozen=True)
class Divided:
    """One table, parted: every row of the snapshot is in one of the two. `reasons` counts rows by rule."""

    table: str
    published: Part
    held: Part
    reasons: Mapping[str, int]


def divide(
    settings: Settings, dataset: Dataset, reading: Reading, suite: Suite, verdict: Verdict, into: Path
) -> Divided:
    """Write `into`/published/<table>.parquet and `into`/quarantine/<table>.parquet, or raise BatchBlocked."""
    table = TABLES[suite.table]
    good, bad = (into / part / f"{table.name}.parquet" for part in (PUBLISHED, HELD))
    with (
        lake.connect(settings) as connection,
        engine.guarded(into, StorageError, f"{table.name} can't be divided"),
    ):
        _recall(connection, settings, dataset, verdict)
        rows = pushdown.rows_of(reading, suite.table)
        columns = ", ".join(ident(name) for name in table.names)
        order = f"available_at, {ident(table.key)}, _file, _row, _at"
        held = "SELECT _at FROM breaches WHERE held"
        lake.copy_out(
            connection, f"SELECT {columns} FROM {rows} WHERE _at NOT IN ({held}) ORDER BY {order}", good
        )
        lake.copy_out(connection, _held_rows(suite, rows, columns, order), bad)
        reasons = _reasons(connection, bad)
        parts = [Part(digests.of_file(path), _rows_in(connection, path)) for path in (good, bad)]
    divided = Divided(table.name, parts[0], parts[1], reasons)
    _reconcile(dataset, reading, verdict, divided)
    return divided


def _recall(
    connection: duckdb.DuckDBPyConnection, settings: Settings, dataset: Dataset, verdict: Verdict
) -> None:
    """Read the broken rows that the verdict lists, if the list is the one it was given on."""
    path = Lake(settings.home).catalog(dataset.name) / "verdicts" / verdict.breaches
    if not path.exists() or digests.of_file(path) != verdict.breaches_digest:
        raise BatchBlocked(
            f"the list of broken rows of {verdict.table} is not the one that was judged",
            where=str(path),
            right="Judge the table again",
        )
    connection.execute(f"CREATE TEMP TABLE breaches AS FROM read_parquet({text(str(path))})")


def _held_rows(suite: Suite, rows: str, columns: str, order: str) -> str:
    """Write the held rows with the first rule that each breaks, all of them, the reason, the severity."""
    quarantining = [rule for rule in suite.rules if rule.action == "quarantine" and rule.broken is not None]
    names = ", ".join(text(rule.id) for rule in quarantining)
    reasons = " ".join(f"WHEN {text(rule.id)} THEN {_reason(rule)}" for rule in quarantining)
    severities = " ".join(f"WHEN {text(rule.id)} THEN {text(rule.severity)}" for rule in quarantining)
    provenance = ", ".join(name for name, _ in PROVENANCE)
    breaches = (
        f"SELECT _at AS _breach, list_filter(rules, lambda rule: rule IN ({names})) AS _rules "
        f"FROM breaches WHERE held"
    )
    return (
        f"SELECT {columns}, {provenance}, _rules[1] AS rule, _rules AS rules, "
        f"CASE _rules[1] {reasons} END AS reason, CASE _rules[1] {severities} END AS severity "
        f"FROM {rows} JOIN ({breaches}) ON _at = _breach ORDER BY {order}"
    )


def _reason(rule: Rule) -> str:
    """Say in a sentence what a value is and why it may not be, as SQL over the row."""
    shown = " || ', ' || ".join(
        f"{text(name + ' is ')} || coalesce(left({ident(name)}::VARCHAR, {engine.SHOWN}), 'null')"
        for name in rule.shows
    )
    return f"{shown} || {text(': ' + rule.because)}"


def _reasons(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, int]:
    counted = connection.execute(
        f"SELECT rule, count(*) FROM read_parquet({text(str(path))}) GROUP BY rule ORDER BY rule"
    ).fetchall()
    return {str(rule): int(rows) for rule, rows in counted}


def _rows_in(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    counted = connection.execute(f"SELECT count(*) FROM read_parquet({text(str(path))})").fetchall()
    return int(counted[0][0])


def _reconcile(dataset: Dataset, reading: Reading, verdict: Verdict, divided: Divided) -> None:
    """Block a batch that lost or doubled a row, or whose verdict is of other rows."""
    snapshot = reading.snapshot(divided.table)
    read = snapshot.rows if snapshot else 0
    published, held = divided.published.rows, divided.held.rows
    if read != published + held or held != verdict.held or sum(divided.reasons.values()) != held:
        raise BatchBlocked(
            f"{divided.table} is out of balance: {read:,} read, {published:,} to publish, {held:,} held; "
            f"{verdict.held:,} held by the verdict",
            where=dataset.name,
            right="Ingest again; if it stays, report it",
        )
