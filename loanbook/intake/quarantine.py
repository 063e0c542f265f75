"""raw → validated: part the rows that stand from those that are held and those that gave way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loanbook import digests, lake
from loanbook.errors import BatchBlocked, StorageError
from loanbook.intake import engine
from loanbook.intake.engine import PROVENANCE, ident, text
from loanbook.intake.judging import pushdown
from loanbook.intake.judging.rules import Rule, Suite, Verdict
from loanbook.intake.mapping import Dataset
from loanbook.intake.readings import Reading
from loanbook.lake import Lake
from loanbook.schema import TABLES
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb

PUBLISHED, HELD, SUPERSEDED = "published", "quarantine", "quarantine/superseded"
ID = "_part || '-' || _place"  # a row's name at the desk: which file of ours, which row of it


@dataclass(frozen=True)
class Part:
    """One file that was written: its hash and its rows, counted in the file itself."""

    digest: str
    rows: int


@dataclass(frozen=True)
class Divided:
    """One table, parted: every row of the snapshot is in one of the three. `reasons` counts held by rule."""

    table: str
    published: Part
    held: Part
    superseded: Part
    reasons: Mapping[str, int]


def divide(
    settings: Settings, dataset: Dataset, reading: Reading, suite: Suite, verdict: Verdict, into: Path
) -> Divided:
    """Write a table's published, held and superseded rows below `into`, or raise BatchBlocked.

    Of one key the row of the latest batch stands that isn't held; earlier ones gave way to it. What was
    released counts as not held; what was repaired gave way to its repair.
    """
    table = TABLES[suite.table]
    paths = [into / part / f"{table.name}.parquet" for part in (PUBLISHED, HELD, SUPERSEDED)]
    with (
        lake.connect(settings) as connection,
        engine.guarded(into, StorageError, f"{table.name} can't be divided"),
    ):
        _recall(connection, settings, dataset, verdict)
        rows = pushdown.rows_of(reading, suite.table)
        _rule(connection, reading, suite.table, rows)
        _settle(connection, rows, ident(table.key))
        columns = ", ".join(ident(name) for name in table.names)
        order = f"available_at, {ident(table.key)}, _file, _row, _at"
        back = "SELECT _at FROM held UNION ALL SELECT _at FROM gone"
        lake.copy_out(
            connection, f"SELECT {columns} FROM {rows} WHERE _at NOT IN ({back}) ORDER BY {order}", paths[0]
        )
        lake.copy_out(connection, _held_rows(suite, rows, columns, order), paths[1])
        lake.copy_out(connection, _superseded_rows(rows, columns, order), paths[2])
        reasons = _reasons(connection, paths[1])
        good, bad, gone = (Part(digests.of_file(path), _rows_in(connection, path)) for path in paths)
        passed = connection.execute("SELECT count(*) FROM breaches ANTI JOIN held USING (_at) WHERE held")
        divided = Divided(table.name, good, bad, gone, reasons)
        _reconcile(dataset, reading, verdict, divided, int(passed.fetchall()[0][0]))
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


def _rule(connection: duckdb.DuckDBPyConnection, reading: Reading, table: str, rows: str) -> None:
    """Find the rows that people ruled on: the table `ruled` (_at, action)."""
    connection.execute("CREATE TEMP TABLE rulings (row VARCHAR, action VARCHAR)")
    told = [(ruling.row, ruling.action) for ruling in reading.book.rulings if ruling.table == table]
    if told:
        connection.executemany("INSERT INTO rulings VALUES (?, ?)", told)
    connection.execute(
        f"CREATE TEMP TABLE ruled AS SELECT _at, action FROM {rows} JOIN rulings ON {ID} = rulings.row"
        if told
        else "CREATE TEMP TABLE ruled AS SELECT 0::BIGINT AS _at, '' AS action WHERE false"
    )


def _settle(connection: duckdb.DuckDBPyConnection, rows: str, key: str) -> None:
    """Make the tables `gone` (_at, _by) and `held` (_at): who gave way to whom, and who is held."""
    # only keys of a second delivery, or of a released row, can be contested
    connection.execute(
        f"""
        CREATE TEMP TABLE contested AS
        WITH later AS (
            SELECT {key} AS _key FROM {rows} WHERE _batch > 1
            UNION SELECT {key} FROM {rows} SEMI JOIN ruled USING (_at)
        )
        SELECT {key} AS _key, r._at, r._batch, action IS NOT DISTINCT FROM 'release' AS released,
            coalesce(b.held, false) AND action IS DISTINCT FROM 'release' AS stopped
        FROM {rows} AS r LEFT JOIN breaches AS b USING (_at) LEFT JOIN ruled USING (_at)
        WHERE {key} IN (FROM later)
        """
    )
    connection.execute(
        """
        CREATE TEMP TABLE gone AS
        WITH winners AS (
            SELECT _key, arg_max(_at, (_batch, released, _at)) AS _by, max(_batch) AS _last
            FROM contested WHERE NOT stopped GROUP BY _key
        )
        SELECT _at, _by FROM contested JOIN winners USING (_key)
        WHERE _at <> _by AND (NOT stopped OR _batch < _last)
        UNION ALL
        SELECT _at, NULL FROM ruled WHERE action = 'repair'
            AND _at NOT IN (SELECT _at FROM contested JOIN winners USING (_key) WHERE _batch < _last)
        """
    )
    connection.execute(
        """
        CREATE TEMP TABLE held AS
        SELECT _at FROM breaches WHERE held
            AND _at NOT IN (SELECT _at FROM gone)
            AND _at NOT IN (SELECT _at FROM ruled WHERE action = 'release')
        """
    )


def _held_rows(suite: Suite, rows: str, columns: str, order: str) -> str:
    """Write the held rows with the first rule that each breaks, all of them, the reason, the severity."""
    quarantining = [rule for rule in suite.rules if rule.action == "quarantine" and rule.broken is not None]
    names = ", ".join(text(rule.id) for rule in quarantining)
    reasons = " ".join(f"WHEN {text(rule.id)} THEN {reason(rule)}" for rule in quarantining)
    severities = " ".join(f"WHEN {text(rule.id)} THEN {text(rule.severity)}" for rule in quarantining)
    provenance = ", ".join(name for name, _ in PROVENANCE)
    breaches = (
        f"SELECT _at AS _breach, list_filter(rules, lambda rule: rule IN ({names})) AS _rules, "
        f"CASE action WHEN 'reject' THEN 'rejected' ELSE 'open' END AS _ruling "
        f"FROM breaches SEMI JOIN held USING (_at) LEFT JOIN ruled USING (_at)"
    )
    return (
        f"SELECT {columns}, {provenance}, _batch, {ID} AS _id, _ruling AS ruling, _rules[1] AS rule, "
        f"_rules AS rules, CASE _rules[1] {reasons} END AS reason, "
        f"CASE _rules[1] {severities} END AS severity "
        f"FROM {rows} JOIN ({breaches}) ON _at = _breach ORDER BY {order}"
    )


def _superseded_rows(rows: str, columns: str, order: str) -> str:
    """Write the rows that gave way, and to which row of which batch."""
    provenance = ", ".join(name for name, _ in PROVENANCE)
    winners = f"SELECT _at AS _winner, {ID} AS _by_id, _batch AS _by_batch FROM {rows}"
    chosen = f"SELECT * FROM ({winners}) SEMI JOIN gone ON _winner = gone._by"
    return (
        f"SELECT {columns}, {provenance}, _batch, {ID} AS _id, _by_id, _by_batch "
        f"FROM {rows} AS r JOIN (SELECT _at AS _lost, _by FROM gone) ON _at = _lost "
        f"LEFT JOIN ({chosen}) ON _by = _winner ORDER BY {order}"
    )


def reason(rule: Rule) -> str:
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


def _reconcile(dataset: Dataset, reading: Reading, verdict: Verdict, divided: Divided, passed: int) -> None:
    """Block a batch that lost or doubled a row, or whose verdict is of other rows.

    `passed` counts broken rows that are held no more: released, repaired, or corrected by a later batch.
    """
    snapshot = reading.snapshot(divided.table)
    read = snapshot.rows if snapshot else 0
    published, held, gone = divided.published.rows, divided.held.rows, divided.superseded.rows
    reasons = sum(divided.reasons.values())
    if read != published + held + gone or held + passed != verdict.held or reasons != held:
        raise BatchBlocked(
            f"{divided.table} is out of balance: {read:,} read, {published:,} to publish, {held:,} held, "
            f"{gone:,} superseded; {verdict.held:,} held by the verdict",
            where=dataset.name,
            right="Ingest again; if it stays, report it",
        )
