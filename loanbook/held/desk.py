"""held → ruled: the quarantine desk: every row that is held back now, by which rule, why, and from where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from loanbook import lake
from loanbook.errors import QuarantineError, StorageError
from loanbook.intake import engine, publishing
from loanbook.intake.engine import ident, text
from loanbook.intake.publications import Publication
from loanbook.schema import TABLES, Privacy
from loanbook.settings import Settings

OPEN, REJECTED = "open", "rejected"


@dataclass(frozen=True)
class Held:
    """One held row; `whole` says that it has key and clocks and could be read: else it can't be released."""

    table: str
    row: str
    key: str | None
    rule: str
    rules: Sequence[str]
    reason: str
    file: str
    file_row: int | None
    batch: int
    ruling: str
    whole: bool


@dataclass(frozen=True)
class Count:
    """How many rows of a batch a rule holds; a row counts for the first rule that it breaks."""

    table: str
    rule: str
    batch: int
    rows: int


@dataclass(frozen=True)
class Wanted:
    """Which held rows to list: all that is null is wide open; `rejected` lists those too."""

    table: str | None = None
    rule: str | None = None
    batch: int | None = None
    rejected: bool = False
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listing:
    """Held rows, newest batch first, as many as were asked for; `counts` are of all of them."""

    dataset: str
    publication: str
    counts: tuple[Count, ...]
    rows: tuple[Held, ...]

    @property
    def total(self) -> int:
        """How many there are in all."""
        return sum(count.rows for count in self.counts)

    @property
    def rest(self) -> int:
        """How many are not among `rows`."""
        return self.total - len(self.rows)


def listed(settings: Settings, dataset: str, wanted: Wanted, most: int | None) -> Listing:
    """List what the publication that stands holds back."""
    publication = publishing.current(settings, dataset)
    relation = _relation(publication, wanted)
    if relation is None:
        return Listing(dataset, publication.id, (), ())
    with (
        lake.connect(settings) as connection,
        engine.guarded(publication.quarantine, StorageError, "the held rows can't be read"),
    ):
        connection.execute(f"CREATE TEMP VIEW wanted AS {relation}")
        counts = connection.execute(
            "SELECT tab, rule, batch, count(*) FROM wanted GROUP BY ALL ORDER BY batch DESC, tab, rule"
        ).fetchall()
        limit = "" if most is None else f"LIMIT {most}"
        found = connection.execute(
            f"FROM wanted ORDER BY batch DESC, tab, rule, file, file_row, row {limit}"
        ).fetchall()
    return Listing(
        dataset, publication.id, tuple(Count(*each) for each in counts), tuple(Held(*each) for each in found)
    )


def find(settings: Settings, dataset: str, names: Iterable[str]) -> tuple[Held, ...]:
    """Find held rows by name, open or rejected; raise QuarantineError for one that isn't held."""
    asked = tuple(dict.fromkeys(names))
    rows = listed(settings, dataset, Wanted(rejected=True, rows=asked), None).rows
    lacking = sorted(set(asked) - {row.row for row in rows})
    if lacking or not asked:
        some = f"{', '.join(lacking[:3])}{' …' if len(lacking) > 3 else ''}"
        raise QuarantineError(
            f"not held: {some}" if asked else "no row was named",
            where=dataset,
            right=f"loanbook quarantine list --dataset {dataset} names the rows that are",
        )
    return rows


def _relation(publication: Publication, wanted: Wanted) -> str | None:
    """Write the relation of the wanted rows over all tables, or None where nothing can be held."""
    tables = [one.table for one in publication.tables if one.held.rows]
    if wanted.table is not None:
        if wanted.table not in TABLES:
            raise QuarantineError(f"there is no table {wanted.table}", right=f"Known are {', '.join(TABLES)}")
        tables = [name for name in tables if name == wanted.table]
    told = [_told(name, publication.held_path(name), _condition(wanted)) for name in tables]
    return " UNION ALL ".join(told) or None


def _condition(wanted: Wanted) -> str:
    said = ["true"] if wanted.rejected else [f"ruling = {text(OPEN)}"]
    if wanted.rule is not None:
        said.append(f"list_contains(rules, {text(wanted.rule)})")
    if wanted.batch is not None:
        said.append(f"_batch = {wanted.batch}")
    if wanted.rows:
        said.append(f"_id IN ({', '.join(text(name) for name in wanted.rows)})")
    return " AND ".join(said)


def _told(table: str, path: Path, condition: str) -> str:
    key = ident(TABLES[table].key)
    whole = " AND ".join(f"{name} IS NOT NULL" for name in (key, "event_at", "available_at"))
    return (
        f"SELECT {text(table)} AS tab, _id AS row, {key} AS key, rule, rules, {_reason(table)} AS reason, "
        f"_file AS file, _row AS file_row, _batch AS batch, ruling, {whole} AND _broken IS NULL AS whole "
        f"FROM read_parquet({text(str(path))}) WHERE {condition}"
    )


def _reason(table: str) -> str:
    """Write the reason without protected values, which it tells as `<column> is <value>`."""
    said = "reason"
    for column in TABLES[table].columns:
        if column.privacy is Privacy.PROTECTED:
            name = ident(column.name)
            shown = f"{text(column.name + ' is ')} || left({name}::VARCHAR, {engine.SHOWN})"
            said = f"coalesce(replace({said}, {shown}, {text(column.name + ' is hidden')}), {said})"
    return said
