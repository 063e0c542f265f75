"""held → ruled: where a row came from and what became of it: file, batch, mapping, each rule's verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanbook import lake
from loanbook.errors import QuarantineError, StorageError
from loanbook.held import enforcing, rows
from loanbook.held.enforcing import Ruled
from loanbook.intake import book, engine, parts, publishing, quarantine, snapshots
from loanbook.intake.book import Book
from loanbook.intake.engine import ident, text
from loanbook.intake.judging import measures, pushdown
from loanbook.intake.judging.rules import RuleOutcome, Suite, Verdict
from loanbook.intake.mapping import Dataset
from loanbook.intake.publications import Publication, PublishedTable
from loanbook.intake.quarantine import ID
from loanbook.intake.readings import Reading
from loanbook.lake import Lake
from loanbook.schema import TABLES, Privacy
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb

Suites = Callable[[], Mapping[str, Suite]]
KEPT, BROKEN, UNJUDGED = "kept", "broken", "not judged"
WHOLE_TABLE = frozenset(measures.KINDS)


@dataclass(frozen=True)
class RuleSaid:
    """One rule's verdict on one row; `why` is the reason of a break, or of no judgement."""

    rule: str
    action: str
    verdict: str
    why: str


@dataclass(frozen=True)
class Origin:
    """Where a row came from: a place in a raw file, in a batch, by a mapping. A repair has no file."""

    file: str | None
    file_digest: str | None
    file_row: int | None
    batch: int
    batch_id: str
    day: datetime
    mapping: str


@dataclass(frozen=True)
class Version:
    """One reading of a row: what it says, with tokens for names and nothing protected, and its fate."""

    table: str
    row: str
    key: str | None
    values: Mapping[str, str | None]
    origin: Origin
    fate: str
    suite: str
    rules: tuple[RuleSaid, ...]
    ruled: tuple[str, ...]

    @property
    def broken(self) -> tuple[RuleSaid, ...]:
        """The rules that it breaks."""
        return tuple(rule for rule in self.rules if rule.verdict == BROKEN)


def explain(settings: Settings, source: Dataset, suites: Suites, table: str, key: str) -> tuple[Version, ...]:
    """Tell every version of a key's row ever read, oldest first; a key never seen raises QuarantineError."""
    if table not in TABLES:
        raise QuarantineError(f"there is no table {table}", right=f"Known are {', '.join(TABLES)}")
    asked = f"{ident(TABLES[table].key)} = {text(key)}"
    found = _Seeing(settings, source, suites).versions(table, asked)
    if not found:
        raise QuarantineError(
            f"no row of {table} was ever read with this key",
            where=source.name,
            right="Keys are told exactly as the source writes them; erased rows are gone",
        )
    return found


def of_row(settings: Settings, source: Dataset, suites: Suites, name: str) -> Version:
    """Tell one row by its name at the desk."""
    table = rows.table_of(book.read(settings, source.name), name)
    part, place = rows.split(name)
    (found,) = _Seeing(settings, source, suites).versions(table, f"_part = {text(part)} AND _place = {place}")
    return found


@dataclass(frozen=True)
class _Seeing:
    """What is published of a dataset, opened to look into."""

    settings: Settings
    source: Dataset
    suites: Suites

    def versions(self, table: str, asked: str) -> tuple[Version, ...]:
        """Find rows by a condition, in the order in which they were read."""
        stands = book.read(self.settings, self.source.name)
        reading = snapshots.reading_of(self.settings, stands, before=stands.digest)
        snapshot = pushdown.standing(reading, table)
        publication = publishing.current(self.settings, self.source.name)
        one = publication.table(table)
        verdict = _verdict(self.settings, self.source, reading, one) if one else None
        if one is None or verdict is None:
            raise QuarantineError(
                f"what is published of {table} isn't what the book of batches holds",
                where=self.source.name,
                right=f"loanbook settle --dataset {self.source.name}",
            )
        ruled = enforcing.in_force(self.settings, self.source.name)
        with (
            lake.connect(self.settings) as connection,
            engine.guarded(publication.folder, StorageError, "the rows can't be read"),
        ):
            connection.execute(f"CREATE TEMP TABLE found AS SELECT * FROM {snapshot.relation} WHERE {asked}")
            told = _told(connection, self.settings, self.source, publication, table, verdict)
            broken = {name for row in told for name in row["rules"]}
            suite = _suite(self.suites, one) if broken else None
            reasons = _reasons(connection, suite, broken)
        return tuple(_version(reading, table, verdict, row, reasons, ruled) for row in told)


def _verdict(settings: Settings, source: Dataset, reading: Reading, one: PublishedTable) -> Verdict | None:
    """Find the verdict that a published table follows from."""
    for path in sorted((Lake(settings.home).catalog(source.name) / "verdicts").glob("*.json")):
        verdict = Verdict.from_json(lake.read_json(path))
        same = (verdict.table, verdict.snapshot) == (one.table, one.snapshot)
        if same and publishing.made_from(source, reading, verdict) == one.made_from:
            return verdict
    return None


def _told(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    source: Dataset,
    publication: Publication,
    table: str,
    verdict: Verdict,
) -> list[dict[str, Any]]:
    """Read the rows with what the verdict says of them, and where the publication put them."""
    breaches = Lake(settings.home).catalog(source.name) / "verdicts" / verdict.breaches
    values = ", ".join(f"{ident(name)}::VARCHAR AS {ident(name)}" for name in parts.stored(TABLES[table]))
    held, gone = publication.held_path(table), publication.superseded_path(table)
    asked = connection.execute(
        f"""
        SELECT {values}, {ID} AS _id, _batch, coalesce(rules, []) AS rules, h.rule AS held_by,
            h.ruling AS held_as, s._lost IS NOT NULL AS gone, s._by_id, s._by_batch
        FROM found
        LEFT JOIN (SELECT _at, rules FROM {_parquet(breaches)}) USING (_at)
        LEFT JOIN (SELECT _id AS _held, rule, ruling FROM {_parquet(held)}) AS h ON h._held = {ID}
        LEFT JOIN (SELECT _id AS _lost, _by_id, _by_batch FROM {_parquet(gone)}) AS s ON s._lost = {ID}
        ORDER BY _at
        """
    )
    names = [column[0] for column in asked.description or []]
    return [dict(zip(names, row, strict=True)) for row in asked.fetchall()]


def _parquet(path: Path) -> str:
    return f"read_parquet({text(str(path))})"


def _suite(suites: Suites, one: PublishedTable) -> Suite | None:
    """Load the suite for its sentences, if it is still the one that judged."""
    found = suites()[one.table]
    return found if found.digest == one.suite else None


def _reasons(
    connection: duckdb.DuckDBPyConnection, suite: Suite | None, broken: set[str]
) -> dict[tuple[str, str], str]:
    """Say of each found row why it breaks each of the rules, by row and rule."""
    if suite is None:
        return {}
    said = {rule.id: quarantine.reason(rule) for rule in suite.rules if rule.id in broken and rule.broken}
    columns = ", ".join(f"{sql} AS {ident(name)}" for name, sql in said.items())
    found = connection.execute(
        f"SELECT {ID}, {columns} FROM (SELECT *{rows.masked(suite.table)} FROM found)"
    ).fetchall()
    return {(row[0], rule): why for row in found for rule, why in zip(said, row[1:], strict=True)}


def _version(
    reading: Reading,
    table: str,
    verdict: Verdict,
    row: Mapping[str, Any],
    reasons: Mapping[tuple[str, str], str],
    ruled: Sequence[Ruled],
) -> Version:
    name, number = str(row["_id"]), int(row["_batch"])
    mine = [one for one in ruled if name in {subject.row for subject in one.proposal.rows}]
    made = [one for one in ruled if one.proposal.values == rows.part_digest(reading.book, name)]
    return Version(
        table=table,
        row=name,
        key=row[TABLES[table].key],
        values=_values(table, row),
        origin=_origin(reading.book, number, row),
        fate=_fate(row, mine),
        suite=verdict.suite_digest,
        rules=tuple(_said(outcome, name, row["rules"], reasons) for outcome in verdict.rules),
        ruled=(
            *(one.words for one in mine),
            *(f"this row is the {one.words}, of {_names(one)}" for one in made),
        ),
    )


def _names(one: Ruled) -> str:
    return ", ".join(subject.row for subject in one.proposal.rows)


def _values(table: str, row: Mapping[str, Any]) -> dict[str, str | None]:
    """Show a row as people may see it: tokens with their shape, nothing protected."""
    told: dict[str, str | None] = {}
    for column in TABLES[table].columns:
        value = row[column.name]
        if value is not None and column.privacy is Privacy.PROTECTED:
            value = rows.HIDDEN
        if value is not None and column.privacy is Privacy.IDENTIFYING:
            value = f"{value}, like {row[f'{column.name}__shape']}"
        told[column.name] = value
    return told


def _origin(stands: Book, number: int, row: Mapping[str, Any]) -> Origin:
    """Find a row's file and its hash; a mapping that joins gives rows of earlier batches' files too."""
    batch, file, place = stands.batches[number - 1], row["_file"], row["_row"]
    known = {each.file: each.digest for one in stands.batches[:number] for each in one.files}
    return Origin(
        file=file,
        file_digest=known.get(str(file)),
        file_row=int(place) if place is not None else None,
        batch=number,
        batch_id=batch.id,
        day=batch.as_of,
        mapping=batch.mapping,
    )


def _fate(row: Mapping[str, Any], mine: Sequence[Ruled]) -> str:
    """Say in a sentence where the publication has the row."""
    last = mine[-1].proposal.action.value if mine else ""
    if row["held_by"] is not None:
        return "held, and rejected" if row["held_as"] == "rejected" else f"held by {row['held_by']}"
    if not row["gone"]:
        return "published now, released" if last == "release" else "published now"
    by = f"row {row['_by_id']} of batch {row['_by_batch']}" if row["_by_id"] else "its repair"
    return f"superseded by {by}" + (", repaired" if last == "repair" and row["_by_id"] else "")


def _said(
    outcome: RuleOutcome, name: str, broken: Sequence[str], reasons: Mapping[tuple[str, str], str]
) -> RuleSaid:
    if outcome.skipped:
        return RuleSaid(outcome.rule, outcome.action, UNJUDGED, outcome.skipped)
    if outcome.expectation in WHOLE_TABLE:
        said = "passed" if outcome.passed else "broken"
        return RuleSaid(outcome.rule, outcome.action, UNJUDGED, f"it judges the table as a whole: {said}")
    if outcome.rule not in broken:
        return RuleSaid(outcome.rule, outcome.action, KEPT, "")
    why = reasons.get((name, outcome.rule), "the suite has changed since; ingest again for its sentence")
    return RuleSaid(outcome.rule, outcome.action, BROKEN, why)
