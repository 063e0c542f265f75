"""raw → validated: what a source looks like, kept over its batches; nothing personal lies in it."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from loanbook import lake
from loanbook.errors import RawFileError, StorageError
from loanbook.intake import engine, relations, tracing
from loanbook.intake.drift import sketches
from loanbook.intake.drift.columns import MOST_CATEGORIES, MOST_MARKS, MOST_SHAPES, Column, column
from loanbook.intake.mapping import Dataset
from loanbook.intake.relations import Delivery
from loanbook.privacy import keyring
from loanbook.privacy.keyring import DIGITS, DRIFT
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb

VERSION = 2
RECENT = 6  # batches whose numbers are kept apart: a trend over more is no change of unit


@dataclass(frozen=True)
class Profile:
    """One source over the batches so far, with its raw columns."""

    source: str
    batches: int
    rows: int
    columns: Mapping[str, Column] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Write it for `lake.write_json`."""
        return {"version": VERSION} | asdict(self)

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Profile:
        """Read it, or raise StorageError."""
        if given.get("version") != VERSION:
            raise StorageError(
                f"the profile is of version {given.get('version')!r}",
                right=f"Known is {VERSION}; take it again from the batches so far",
            )
        columns = {name: column(each) for name, each in given["columns"].items()}
        return cls(given["source"], given["batches"], given["rows"], columns)


def take(settings: Settings, dataset: Dataset, deliveries: Sequence[Delivery]) -> Mapping[str, Profile]:
    """Profile every source that has a file here. Numbers, shapes and categories are of at most 50,000 rows.

    The rows of a larger source are chosen by their content, so that the same rows give the same profile in
    whatever order they lie. A value that few rows share is kept as a digest under a key of the vault's, so
    that it is known again and never told.
    """
    key = keyring.opened(settings).uses[DRIFT]

    def mark(value: str) -> str:
        return hmac.new(key, value.encode(), "sha256").hexdigest()[:DIGITS]

    with (
        lake.connect(settings, private=True) as connection,
        engine.guarded(dataset.folder, RawFileError, "the raw files can't be read"),
    ):
        relations.attach(connection, dataset, deliveries)
        return _taken(connection, dataset, deliveries, mark)


def _taken(
    connection: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    deliveries: Sequence[Delivery],
    mark: Callable[[str], str],
) -> Mapping[str, Profile]:
    found, traced = {}, tracing.traced(connection, dataset)
    for source in dataset.raw:
        mine = [delivery for delivery in deliveries if delivery.source == source.name]
        if mine:
            rows, columns = sketches.of_source(connection, source, mine, traced, mark)
            found[source.name] = Profile(source.name, 1, rows, columns)
    return found


def merge(earlier: Profile, new: Profile, afresh: Collection[str] = ()) -> Profile:
    """Add a batch. What an earlier batch said of a column in `afresh` is forgotten.

    Counts add up exactly; of the last batches the numbers are kept one by one. A column that the batch lacks
    is kept, unless it is in `afresh`.
    """
    known = {name: column for name, column in earlier.columns.items() if name not in afresh}
    joined = {
        name: _joined(column, new.columns[name]) if name in new.columns else column
        for name, column in known.items()
    }
    return Profile(
        earlier.source,
        earlier.batches + new.batches,
        earlier.rows + new.rows,
        joined | {name: column for name, column in new.columns.items() if name not in joined},
    )


def _joined(old: Column, new: Column) -> Column:
    if new.given == 0:  # an empty column is written as any type at all
        return replace(old, batches=(*old.batches, *new.batches)[-RECENT:])
    if old.given == 0:
        return replace(new, batches=(*old.batches, *new.batches)[-RECENT:])
    shapes = Counter(old.shapes) + Counter(new.shapes)
    kept = dict(sorted(shapes.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_SHAPES])
    marks, names = _marked(old, new)
    return Column(
        type=new.type,
        own=new.own,
        distinct=max(old.distinct, new.distinct),
        whole=old.whole and new.whole,
        marks=marks,
        names=names,
        settled=0 if set(new.names or ()) - set(old.names or ()) else old.settled + 1,
        shapes=kept,
        unshaped=old.unshaped + new.unshaped + sum(shapes.values()) - sum(kept.values()),
        lengths=dict(Counter(old.lengths) + Counter(new.lengths)),
        dates=dict(Counter(old.dates) + Counter(new.dates)),
        texts=old.texts + new.texts,
        numbers=old.numbers + new.numbers,
        batches=(*old.batches, *new.batches)[-RECENT:],
    )


def _marked(old: Column, new: Column) -> tuple[Mapping[str, int] | None, Mapping[str, str] | None]:
    """Unite two sets of values and of their names; a set that grows too large is none."""
    if old.marks is None or new.marks is None or old.names is None or new.names is None:
        return None, None
    marks, names = Counter(old.marks) + Counter(new.marks), {**old.names, **new.names}
    if len(names) > MOST_CATEGORIES or len(marks) > MOST_MARKS:
        return None, None
    return dict(sorted(marks.items())), dict(sorted(names.items()))
