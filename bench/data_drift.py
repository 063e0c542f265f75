"""A source's drift, told from honest change and from bad rows: mutants refused, honest batches let in."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from bench.measuring import DATA, Row, exactly
from loanbook.errors import RawFileError
from loanbook.intake import mapping, raw
from loanbook.intake.drift import drifted, profiles
from loanbook.intake.drift.columns import SHARED, Column
from loanbook.intake.drift.drifted import Drift
from loanbook.intake.drift.profiles import Profile
from loanbook.intake.engine import ident, text
from loanbook.intake.mapping import Dataset
from loanbook.settings import Settings
from loanbook.world import WorldSpec, simulate
from loanbook.world.spec import DEFAULT_PLANTS, Plant

HISTORY, MUTATED = 48, 50
ENOUGH = 50  # values that a column needs in the month for its mutant to count
# what Lending Club and Ally did change: new terms, new words, states where it began to lend (California from
# 7 of 603 loans to 456 of 2,393), another filing of the makes, other codes of where a value is from (1, then
# 3 and 98)
TRUE = {
    "lending_club": {
        "loans.verification_status.category",
        "loans.term.category",
        "loans.emp_length.category",
        "loans.addr_state.category",
    },
    "ally_auto": {"pools.vehicleManufacturerName.category", "pools.vehicleValueSourceCode.category"},
    "superlender": set[str](),
}
SCALES = {
    "×100": "{c} * 100",
    "×12": "{c} * 12",
    "/1000": "{c}::DOUBLE / 1000",
    "half of the rows ×12": "CASE WHEN hash({k}) % 2 = 0 THEN {c} * 12 ELSE {c} END",
}
# no mapping reads these: one of them may go, with a note
UNMAPPED = frozenset({"collections_stage", "internal_flag", "priced_by_lot"})
Batches = Iterator[tuple[str, Mapping[str, Profile]]]


@dataclass(frozen=True)
class Mutant:
    """One way in which a table's file of a month is not what it was."""

    kind: str
    table: str
    column: str
    query: str


@dataclass
class Book:
    """Profiles a dataset's batches as they come, and keeps what was found."""

    dataset: Dataset
    kept: dict[str, Profile]
    found: list[Drift]
    batches: int = 0
    stopped: int = 0

    def deliver(self, now: Mapping[str, Profile]) -> None:
        """Compare a batch with the book, and add it whatever was found."""
        drifts = drifted.find(self.dataset, self.kept, now)
        self.found += drifts
        self.batches += 1
        self.stopped += any(drift.severity == "stop" for drift in drifts)
        for name, profile in now.items():
            self.kept[name] = profiles.merge(self.kept[name], profile) if name in self.kept else profile

    def stops(self) -> set[str]:
        """Name what stopped a batch."""
        return {drift.id for drift in self.found if drift.severity == "stop"}


def rows() -> Iterator[Row]:
    """Live through honest months, then deliver one month in every wrong way."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Settings(home=Path(scratch) / "home", threads=2)
        yield from world(place, Path(scratch))
        yield from _unit(place, Path(scratch))
        yield from _real(place, Path(scratch))


def world(place: Settings, scratch: Path) -> Iterator[Row]:
    """Deliver the default world month by month, as 48 and 12, and then its mutants."""
    simulate(WorldSpec(applications=20_000), scratch / "world")
    dataset, folder = mapping.load("world"), scratch / "world" / "raw"
    book = Book(dataset, {}, [])
    before: dict[str, Profile] = {}
    for number, (_, now) in enumerate(_months(place, dataset, folder), start=1):
        if number == HISTORY + 1:
            before = dict(book.kept)
        book.deliver(now)
    yield exactly("data", f"world, honest months stopped (of {book.batches})", book.stopped, 0)
    whole = Book(dataset, {}, [])
    surveyed = raw.survey(dataset, folder)
    months = sorted({each.path.stem for each in surveyed})
    for part in (months[:HISTORY], months[HISTORY:]):
        whole.deliver(profiles.take(place, dataset, [each for each in surveyed if each.path.stem in part]))
    yield exactly("data", "world, honest deliveries of 48 and 12 months stopped", whole.stopped, 0)
    yield from _mutants(place, dataset, folder, before, months[MUTATED - 1], scratch / "mutant")


def _months(place: Settings, dataset: Dataset, folder: Path) -> Batches:
    """Profile the world's files month by month."""
    surveyed = raw.survey(dataset, folder)
    for month in sorted({each.path.stem for each in surveyed}):
        mine = [each for each in surveyed if each.path.stem == month]
        yield month, profiles.take(place, dataset, mine)


def _mutants(
    place: Settings, dataset: Dataset, folder: Path, before: Mapping[str, Profile], month: str, scratch: Path
) -> Iterator[Row]:
    tried, missed = Counter[str](), dict[str, list[str]]()
    for source in dataset.raw:
        file = folder / source.name / f"{month}.parquet"
        alone = replace(dataset, raw=(source,))
        surveyed = [each for each in raw.survey(alone, folder) if each.path == file]
        clean = profiles.take(place, alone, surveyed)[source.name]
        for mutant in mutants(clean, file):
            tried[mutant.kind] += 1
            if not refused(place, alone, before, mutant, scratch):
                missed.setdefault(mutant.kind, []).append(f"{mutant.table}.{mutant.column}")
    for kind, count in tried.items():
        lost = missed.get(kind, [])
        which = f" (missed {', '.join(lost[:5])})" if lost else ""
        said = f"source drift, {kind}: refused{which}"
        yield exactly("data", said, f"{count - len(lost)} of {count}", f"{count} of {count}")


def refused(
    place: Settings, alone: Dataset, before: Mapping[str, Profile], mutant: Mutant, scratch: Path
) -> bool:
    """Deliver a mutant; tell whether it is refused for its column."""
    import duckdb

    file = scratch / mutant.table / "2099-01.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({mutant.query}) TO '{file}' (FORMAT parquet)")
    try:
        now = profiles.take(place, alone, raw.survey(alone, scratch))
    except RawFileError as refusal:
        return repr(mutant.column) in refusal.what
    found = drifted.find(alone, before, now)
    return any(drift.severity == "stop" and drift.column == mutant.column for drift in found)


def mutants(clean: Profile, file: Path) -> Iterator[Mutant]:
    """Write every mutant of a file that its columns allow."""
    table, key = clean.source, next(iter(clean.columns))

    def one(kind: str, column: str, change: str) -> Mutant:
        return Mutant(kind, table, column, f"SELECT {change} FROM read_parquet('{file}')")

    yield one("a new column", "surprise", "*, 1 AS surprise")
    for name, column in clean.columns.items():
        if name not in UNMAPPED:
            yield one("a dropped column", name, f"* EXCLUDE ({ident(name)})")
        for kind, change in _changes(name, column, ident(key)):
            yield one(kind, name, f"* REPLACE ({change} AS {ident(name)})")


def _changes(name: str, column: Column, key: str) -> Iterator[tuple[str, str]]:
    """Say what can be done to a column, as SQL for its new value."""
    quoted, batch = ident(name), column.batches[-1]
    texts = column.type == "VARCHAR"
    if batch.given >= 0.05 * batch.rows:
        yield "every value null", "NULL"
    if column.dates or column.type == "TIMESTAMP":
        yield "retyped: days as 31/01/2024", f"strftime(TRY_CAST({quoted} AS TIMESTAMP), '%d/%m/%Y')"
    if batch.numbers and not texts:
        yield "retyped: numbers as 1234,50", f"replace(printf('%.2f', {quoted}::DOUBLE), '.', ',')"
    if sum(batch.bins.values()) >= ENOUGH and not texts:
        for kind, change in SCALES.items():
            yield f"a unit: {kind}", change.format(c=quoted, k=key)
    if name == "mileage_km":
        yield "a unit: miles", f"{quoted} / 1.609344"
    if texts and sum((column.categories or {}).values()) >= ENOUGH:
        yield "a category never seen", f"CASE WHEN hash({key}) % 5 = 0 THEN 'surprise' ELSE {quoted} END"
    if texts and column.categories is None and column.texts >= SHARED:
        yield "retyped: codes as letters", f"'{name}-' || translate({quoted}, '0123456789', 'abcdefghij')"
        yield "retyped: codes as numbers", f"(hash({quoted}) % 1000000000)::BIGINT"


def _unit(place: Settings, scratch: Path) -> Iterator[Row]:
    """Deliver the month in which one channel begins to declare income by the month, after 48 honest ones."""
    spec = WorldSpec(applications=20_000, plants=DEFAULT_PLANTS | {Plant.UNIT})
    simulate(spec, scratch / "unit", last_month=HISTORY + 6)
    dataset = mapping.load("world")
    surveyed = raw.survey(dataset, scratch / "unit" / "raw")
    months = sorted({each.path.stem for each in surveyed})
    book = Book(dataset, {}, [])
    for part in (months[:HISTORY], months[HISTORY:]):
        book.deliver(profiles.take(place, dataset, [each for each in surveyed if each.path.stem in part]))
    yield exactly(
        "data",
        "one channel declares income by the month: what stops",
        ", ".join(sorted(book.stops())),
        "applications.declared_income.part_unit",
    )


def _real(place: Settings, scratch: Path) -> Iterator[Row]:
    """Deliver real lenders' files as they came: by year, by quarter, by pool."""
    for name, true in TRUE.items():
        if not (DATA / name).is_dir():
            yield Row(f"{name}: stops beyond the true", "data", "no data beside the checkout", "0", False)
            continue
        book = Book(mapping.load(name), {}, [])
        for folder in split(name, scratch / name):
            book.deliver(profiles.take(place, book.dataset, raw.survey(book.dataset, folder)))
        stops = book.stops()
        yield exactly(
            "data", f"{name}, {book.batches} batches in time: stops beyond the true", len(stops - true), 0
        )
        yield exactly("data", f"{name}: true changes found", len(stops & true), len(true))


def split(name: str, into: Path) -> Sequence[Path]:
    """Part a real lender's files in time, a folder each."""
    import duckdb

    folders: list[Path] = []

    def part(label: str, queries: Mapping[str, str]) -> None:
        folder = into / label
        folder.mkdir(parents=True)
        folders.append(folder)
        with duckdb.connect() as connection:
            for file, query in queries.items():
                kind = "parquet" if file.endswith("parquet") else "csv, HEADER"
                connection.execute(f"COPY ({query}) TO '{folder / file}' (FORMAT {kind})")

    if name == "lending_club":
        file = DATA / name / "lending_club_2007_2011.parquet"
        for year in range(2007, 2012):
            query = f"SELECT * FROM read_parquet('{file}') WHERE issue_year = '{year}'"
            part(str(year), {f"lending_club_{year}.parquet": query})
    elif name == "ally_auto":
        for pool in sorted((DATA / name).glob("aart*.csv")):
            part(pool.stem, {pool.name: f"SELECT * FROM read_csv('{pool}', all_varchar = true)"})
    else:
        edges = ("2016-01", "2016-04", "2016-07", "2016-10", "2017-01", "2017-04", "2017-09")
        for number, (start, end) in enumerate(pairwise(edges)):
            since = f"approveddate >= {text(start)} AND approveddate < {text(end)}"
            chosen = {
                "trainprevloans.csv": since,
                "trainperf.csv": f"hash(systemloanid) % {len(edges) - 1} = {number}",
                "traindemographics.csv": f"hash(customerid) % {len(edges) - 1} = {number}",
            }
            queries = {
                file: f"SELECT * FROM read_csv('{DATA / name / file}', all_varchar = true) WHERE {where}"
                for file, where in chosen.items()
            }
            part(start, queries)
    return folders
