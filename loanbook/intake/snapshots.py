"""raw → validated: map what is new in a delivery, and freeze it as a batch beside the earlier ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from loanbook import digests, lake
from loanbook.errors import BatchBlocked, DatasetError, RawFileError, StorageError
from loanbook.intake import book, engine, parts, relations
from loanbook.intake.book import Batch, Book, Part, RawFile
from loanbook.intake.mapping import Dataset
from loanbook.intake.parts import Mapped
from loanbook.intake.raw import unchanged
from loanbook.intake.readings import Frozen, Reading, Snapshot, reading_of, snapshot
from loanbook.intake.relations import Delivery
from loanbook.lake import Lake
from loanbook.privacy import tokens, vault
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb

__all__ = ["Frozen", "Reading", "Snapshot", "freeze", "mapping_digest", "reading_of"]

AT_ONCE = 50_000  # customers that go to the vault together


def mapping_digest(dataset: Dataset) -> str:
    """Hash every mapping's SQL and dataset.toml: how raw files are read."""
    return digests.of_json(
        {
            "format": book.FORMAT,
            "mapping": {name: digests.of_bytes(sql.encode()) for name, sql in dataset.tables.items()},
            "dataset": digests.of_file(dataset.folder / "dataset.toml"),
        }
    )


def due(settings: Settings, dataset: Dataset) -> Dataset:
    """Demand no source again that was delivered before: a delivery brings what is new."""
    came = book.read(settings, dataset.name).sources
    raw = tuple(replace(one, optional=one.optional or one.name in came) for one in dataset.raw)
    return replace(dataset, raw=raw)


def expected(settings: Settings, dataset: Dataset, deliveries: Sequence[Delivery]) -> tuple[str, ...]:
    """Name the batches that the book will have with this delivery, before anything is read."""
    stood, mark = book.read(settings, dataset.name), mapping_digest(dataset)
    names: list[str] = []
    for batch in stood.batches:
        names.append(book.batch_id(names[-1] if names else "", mark, batch.files, batch.parts))
    fresh = _files(one for one in deliveries if (one.source, one.digest) not in stood.known)
    if fresh:
        names.append(book.batch_id(names[-1] if names else "", mark, fresh))
    return tuple(names)


def freeze(
    settings: Settings, dataset: Dataset, deliveries: Sequence[Delivery], *, as_of: datetime | None
) -> Reading:
    """Map what is new in a delivery and freeze it as a batch beside the earlier ones.

    Under another mapping everything is read again, batch by batch; raises DatasetError when a file that
    was read before isn't there for it.
    """
    stood = book.read(settings, dataset.name)
    mark = mapping_digest(dataset)
    batches, groups = _groups(settings, dataset, stood, deliveries, mark)
    day = as_of or dataset.as_of
    for group in groups:
        batches = (*batches, _batch(settings, dataset, batches, group, day))
    return reading_of(settings, replace(stood, batches=batches), before=stood.digest, as_of=day)


@dataclass(frozen=True)
class _Delivery:
    """Files to read as one batch: `old` is the batch that they were before, `here` all that was delivered."""

    mark: str
    group: tuple[Delivery, ...]
    here: Mapping[tuple[str, str], Delivery]
    old: Batch | None = None


def _groups(
    settings: Settings, dataset: Dataset, stood: Book, deliveries: Sequence[Delivery], mark: str
) -> tuple[tuple[Batch, ...], list[_Delivery]]:
    """Part the batches that stand as they are from those to read again, and from what is new."""
    kept = tuple(_sound(settings, dataset.name, stood, mark))
    here = {(delivery.source, delivery.digest): delivery for delivery in deliveries}
    again = [
        _Delivery(mark, _again(dataset, old, here, mark), here, old) for old in stood.batches[len(kept) :]
    ]
    fresh = tuple(one for key, one in here.items() if key not in stood.known)
    return kept, [*again, *([_Delivery(mark, fresh, here)] if fresh else [])]


def _sound(settings: Settings, dataset: str, stood: Book, mark: str) -> Iterator[Batch]:
    """Give the leading batches that were read by this mapping and whose parts stand as they were written."""
    for batch in stood.batches:
        paths = [(book.part_path(settings, dataset, part), part.digest) for part in batch.parts]
        if batch.mapping != mark or not all(_stands(path, digest) for path, digest in paths):
            return
        yield batch


def _stands(path: Path, digest: str) -> bool:
    return path.exists() and digests.of_file(path) == digest


def _again(
    dataset: Dataset, old: Batch, here: Mapping[tuple[str, str], Delivery], mark: str
) -> tuple[Delivery, ...]:
    """Find a batch's files in this delivery, or refuse to read it again without them."""
    lacking = [file.file for file in old.files if (file.source, file.digest) not in here]
    if not lacking:
        return tuple(replace(here[file.source, file.digest], file=file.file) for file in old.files)
    names = f"{', '.join(lacking[:3])}{' …' if len(lacking) > 3 else ''}"
    if old.mapping == mark:
        raise StorageError(
            f"a part of the lake is lost or altered, and {len(lacking)} of its files aren't there: {names}",
            where=dataset.name,
            right="Deliver them again, or restore the lake from its copy",
        )
    raise DatasetError(
        f"the mapping changed, and {len(lacking)} files that were read by the old one aren't there: {names}",
        where=str(dataset.folder),
        right="Deliver them again beside the new ones, so that all can be read by the new mapping",
    )


def _batch(
    settings: Settings, dataset: Dataset, before: tuple[Batch, ...], delivery: _Delivery, day: datetime | None
) -> Batch:
    """Freeze one batch, unless this very one was frozen before; a repair has no file to read again."""
    last = before[-1].id if before else ""
    if delivery.old and not delivery.old.files:
        name = book.batch_id(last, delivery.mark, (), delivery.old.parts)
        return replace(delivery.old, id=name, mapping=delivery.mark)
    files = _files(delivery.group)
    name = book.batch_id(last, delivery.mark, files)
    record = Lake(settings.home).catalog(dataset.name) / "batches" / f"{name}.json"
    batch = _remembered(settings, dataset.name, record)
    if batch is None:
        made, latest = _frozen(settings, dataset, Book(dataset.name, before), delivery)
        batch = Batch(name, latest, latest, delivery.mark, files, made)
        lake.write_json(record, book.as_json(batch))
    return replace(batch, as_of=delivery.old.as_of if delivery.old else day or batch.as_of)


def _files(deliveries: Iterable[Delivery]) -> tuple[RawFile, ...]:
    return tuple(RawFile(one.source, one.file, one.digest, one.rows) for one in deliveries)


def _remembered(settings: Settings, dataset: str, record: Path) -> Batch | None:
    if not record.exists():
        return None
    batch = book.batch_of(lake.read_json(record))
    whole = all(_stands(book.part_path(settings, dataset, part), part.digest) for part in batch.parts)
    return batch if whole else None


def _frozen(
    settings: Settings, dataset: Dataset, earlier: Book, delivery: _Delivery
) -> tuple[tuple[Part, ...], datetime]:
    """Map and freeze table by table; also tell the latest `available_at` that can be believed.

    A mapping that goes row by row needs the new files alone; any other is given all that ever came.
    """
    wanted = [name for name in dataset.tables if parts.delivered(dataset, delivery.group, name)]
    alone = [name for name in wanted if len(parts.sources(dataset.tables[name])) < 2 or not earlier.batches]
    made: dict[str, Part] = {}
    if relations.in_place(dataset, delivery.group):
        # row by row, values are tokens before anything is sorted: what is spilled names nobody
        with _attached(settings, dataset, delivery.group, private=False) as connection:
            for name in alone:
                mapped = parts.bind(connection, dataset, delivery.group, name)
                if mapped.row_by_row:
                    made[name] = _part(connection, settings, dataset, mapped, earlier)
    if rest := [name for name in alone if name not in made]:
        with _attached(settings, dataset, delivery.group) as connection:
            for name in rest:
                mapped = parts.bind(connection, dataset, delivery.group, name)
                if mapped.row_by_row or not snapshot(settings, earlier, name):
                    made[name] = _part(connection, settings, dataset, mapped, earlier)
    together = [name for name in wanted if name not in made]
    if together:
        every = (*_earlier(dataset, earlier, delivery, together), *delivery.group)
        with _attached(settings, dataset, every) as connection:
            for name in together:
                mapped = parts.bind(connection, dataset, every, name)
                made[name] = _part(connection, settings, dataset, replace(mapped, row_by_row=False), earlier)
    ordered = tuple(made[name] for name in wanted)
    return ordered, _latest(settings, dataset, earlier, ordered)


def _earlier(
    dataset: Dataset, earlier: Book, delivery: _Delivery, tables: Sequence[str]
) -> tuple[Delivery, ...]:
    """Find the files that came before and are needed again, or raise DatasetError."""
    read = {table: parts.sources(dataset.tables[table]) for table in tables}
    needed = [file for file in earlier.known.values() if any(file.source in names for names in read.values())]
    lacking = [file.file for file in needed if (file.source, file.digest) not in delivery.here]
    if lacking:
        raise DatasetError(
            f"{', '.join(tables)} can't be mapped from new files alone, because the mapping joins or counts, "
            f"and {len(lacking)} earlier files aren't there: {', '.join(lacking[:3])}",
            where=str(dataset.folder),
            right="Deliver them again beside the new ones: what is known already is recognised",
        )
    return tuple(replace(delivery.here[file.source, file.digest], file=file.file) for file in needed)


def _latest(settings: Settings, dataset: Dataset, earlier: Book, made: Sequence[Part]) -> datetime:
    with lake.connect(settings) as connection:
        paths = [book.part_path(settings, dataset.name, part) for part in made]
        days = [parts.latest(connection, path) for path in paths]
    known = [day for day in (*days, *(batch.latest for batch in earlier.batches)) if day]
    if not known:
        raise BatchBlocked(
            "no row says when it could be known",
            where=str(dataset.folder),
            right="Fill available_at, or give as_of in dataset.toml",
        )
    return max(known)


def _part(
    connection: duckdb.DuckDBPyConnection, settings: Settings, dataset: Dataset, mapped: Mapped, earlier: Book
) -> Part:
    """Hide who the rows are about, keep what must be reversible in the vault, and freeze the rest."""
    sealer = None
    if mapped.identifying:
        sealer = tokens.open(settings)
        sealer.arm(connection)
        _keep(connection, settings, dataset, mapped)
    stands = snapshot(settings, earlier, mapped.table.name)
    relation = stands.relation if stands else None
    return parts.freeze(connection, settings, dataset.name, mapped, sealer, relation)


def _keep(
    connection: duckdb.DuckDBPyConnection, settings: Settings, dataset: Dataset, mapped: Mapped
) -> None:
    """Bring the values that must be reversible to the vault, by customer."""
    columns = [column for column in mapped.identifying if column.reversible]
    if not columns or "customer_id" not in mapped.given:
        return
    values = ", ".join(f"{engine.ident(column.name)}::VARCHAR AS {column.name}" for column in columns)
    query = f"SELECT customer_id::VARCHAR AS customer_id, {values} FROM mapped WHERE customer_id IS NOT NULL"
    with engine.guarded(mapped.where, RawFileError, "the mapping fails", "Mend its SQL"):
        vault.keep(settings, dataset.name, connection.sql(query).to_arrow_reader(AT_ONCE))


@contextmanager
def _attached(
    settings: Settings, dataset: Dataset, deliveries: Sequence[Delivery], *, private: bool = True
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend a connection that sees the delivered files as `raw.…` and our own folder, and nothing else."""
    with lake.connect(settings, private=private) as connection:
        with engine.guarded(dataset.folder, RawFileError, "the raw files can't be read"):
            relations.attach(connection, dataset, deliveries)
            files = engine.texts(relations.readable(deliveries))
            connection.execute(f"SET allowed_paths = {files}")
            connection.execute(f"SET allowed_directories = {engine.texts((f'{settings.home}/',))}")
            connection.execute("SET enable_external_access = false")
        yield connection
        unchanged(deliveries)
