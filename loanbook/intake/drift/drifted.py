"""raw → validated: tell a source that changed from rows that are bad, and stop its batch with a proposal."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches

from loanbook.errors import DriftedSource
from loanbook.intake.drift import mending, units
from loanbook.intake.drift.changes import Changed, Drift
from loanbook.intake.drift.profiles import Profile
from loanbook.intake.mapping import Dataset, RawSource

__all__ = ["HEADER", "Drift", "afresh", "find", "refuse", "table"]

HEADER = ("id", "severity", "evidence", "proposal")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def find(dataset: Dataset, earlier: Mapping[str, Profile], now: Mapping[str, Profile]) -> tuple[Drift, ...]:
    """Compare a batch's profiles with those of the batches before; a source seen for the first time has none.

    Stops come first, then by source and column. Bad rows, a few in a thousand, are no drift.
    """
    found = [
        drift
        for source in dataset.raw
        if source.name in earlier and source.name in now
        for drift in _of_source(dataset, source, earlier[source.name], now[source.name])
    ]
    return tuple(sorted(found, key=lambda drift: drift.severity != "stop"))


def refuse(dataset: Dataset, drifts: Sequence[Drift], accepted: Collection[str] = ()) -> None:
    """Raise DriftedSource naming each stop that isn't accepted by its id, and what would mend it."""
    stops = [drift for drift in drifts if drift.severity == "stop" and drift.id not in accepted]
    if not stops:
        return
    said = "; ".join(
        f"raw.{drift.source}, {drift.column!r} ({drift.kind}): {drift.evidence}" for drift in stops
    )
    mended = "; ".join(f"for {drift.id}: {drift.proposal}" for drift in stops)
    raise DriftedSource(
        f"the source changed, and no row of it was taken: {said}",
        where=str(dataset.folder),
        right="Mend the mapping where it needs it, then take the change by its id, as in --accept-drift "
        f"{stops[0].id}. Proposed {mended}",
    )


def afresh(drifts: Sequence[Drift], source: str) -> frozenset[str]:
    """Name the columns of a source whose history ends where these drifts are accepted, for `profiles.merge`.

    A new category joins the known ones; after any other stop the past would foresee wrongly.
    """
    return frozenset(
        drift.column
        for drift in drifts
        if drift.source == source and drift.severity == "stop" and drift.kind not in {"category", "new"}
    )


def table(drifts: Sequence[Drift]) -> tuple[tuple[str, ...], ...]:
    """Lay drifts out as rows under HEADER."""
    return tuple((drift.id, drift.severity, drift.evidence, drift.proposal) for drift in drifts)


def _of_source(dataset: Dataset, source: RawSource, earlier: Profile, now: Profile) -> Iterator[Drift]:
    yield from _of_names(dataset, source, earlier, now)
    pairs = {
        name: (earlier.columns[name], now.columns[name]) for name in now.columns if name in earlier.columns
    }
    numbers = [name for name, pair in pairs.items() if pair[1].batches[-1].bins]
    moved = {name for name in numbers if units.moved(pairs[name][0].batches, pairs[name][1].batches[-1])}
    for name, (old, new) in pairs.items():
        alone = len(moved - {name}) <= len(numbers) / 5
        yield from Changed(source.name, name, name in source.columns, alone, old, new).all()


def _of_names(dataset: Dataset, source: RawSource, earlier: Profile, now: Profile) -> Iterator[Drift]:
    """Find columns that came or went. Where files may differ, as `union_by_name` says, both are notes."""
    came = [name for name in now.columns if name not in earlier.columns]
    gone = [name for name in earlier.columns if name not in now.columns]
    for name in came:
        renamed = _near(name, gone)
        figures = (
            f"the column {name!r} is new, with a value in {now.columns[name].given:,} of {now.rows:,} rows"
        )
        proposal = mending.new(source.name, name, now.columns[name], renamed)
        yield Drift(source.name, name, "new", "note" if source.union_by_name else "stop", figures, proposal)
    for name in gone:
        read = _reads(dataset, source.name, name)
        stops = read and not source.union_by_name
        proposal = (
            mending.missing(name, _near(name, came)) if read else "nothing to mend: no mapping reads it"
        )
        figures = f"the column {name!r} is missing{f'; {read} reads it' if read else ''}"
        yield Drift(source.name, name, "missing", "stop" if stops else "note", figures, proposal)


def _near(name: str, others: Sequence[str]) -> str:
    """Find the one that a column was probably renamed from or to."""
    folded = {other.casefold(): other for other in others}
    near = get_close_matches(name.casefold(), folded, 1, 0.6)
    return folded[near[0]] if near else ""


def _reads(dataset: Dataset, source: str, column: str) -> str:
    """Name the mappings that speak of a source's column; rather one too many than one too few."""
    found = []
    for table, sql in dataset.tables.items():
        words = {word.casefold() for word in re.findall(r"\w+", _COMMENT.sub(" ", sql))}
        if {source.casefold(), *re.findall(r"\w+", column.casefold())} <= words:
            found.append(f"{table}.sql")
    return ", ".join(found)
