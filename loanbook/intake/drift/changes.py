"""raw → validated: what changed in one raw column since the batches before. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from loanbook.intake.drift import mending, units, writings
from loanbook.intake.drift.columns import DECADE, SHARED, Column
from loanbook.intake.drift.writings import FEW, SURE, Severity, chance, numeric

CLOSED = 12  # categories up to which a list of codes or numbers is taken for complete
_CODE = re.compile(r"\d{4}")


@dataclass(frozen=True)
class Drift:
    """One thing that changed in a source: in which column, by what figures, and the line that mends it."""

    source: str
    column: str
    kind: str
    severity: Severity
    evidence: str
    proposal: str

    @property
    def id(self) -> str:
        """Name it, to accept it by."""
        return f"{self.source}.{self.column}.{self.kind}"


@dataclass(frozen=True)
class Changed:
    """One column before and now; each `of_…` yields what it finds."""

    source: str
    name: str
    declared: bool
    alone: bool  # the source's other numbers stayed as they were
    old: Column
    now: Column

    def all(self) -> Iterator[Drift]:
        """Find everything, the plainest explanation alone where several say the same."""
        emptied = [*self.of_emptied()]
        if emptied or self.old.given < FEW or self.now.given == 0:
            yield from emptied
            return
        said = [*writings.changed(self.name, self.declared, self.old, self.now)]
        stops = [each for each in said if each[1] == "stop"]
        yield from (self.found(*each) for each in (stops or said)[:1])
        if stops:
            return
        unit = [*self.of_unit()]
        yield from unit
        if not unit:
            yield from self.of_categories()
            yield from self.of_vanished()

    def found(self, kind: str, severity: Severity, evidence: str, proposal: str) -> Drift:
        """Make a drift of this column."""
        return Drift(self.source, self.name, kind, severity, evidence, proposal)

    def of_emptied(self) -> Iterator[Drift]:
        """A column that was filled and is not, or the other way round."""
        before, now = _filled(self.old), _filled(self.now)
        rows = self.now.rows
        if self.old.rows < FEW or not rows:
            return
        least = min(_filled_of(batch.given, batch.unreadable, batch.rows) for batch in self.old.batches)
        nats = math.inf if before >= 1 else -rows * math.log(1 - before)
        figures = f"{before:.1%} of its rows had a value, now {now:.1%} of {rows:,}"
        died = now <= 0.01 and before >= 0.05 and nats >= SURE and least >= before / 4
        halved = now <= 0.5 and least >= 0.95 and rows * (0.95 - now) >= SURE
        if died or halved:
            yield self.found("emptied", "stop", figures, mending.emptied(self.name))
        elif before <= 0.001 and now >= 0.5 and rows >= SHARED:
            yield self.found("filled", "note", figures, f"nothing to mend: {self.name} has come to life")

    def of_unit(self) -> Iterator[Drift]:
        """Numbers that are a factor of what they were."""
        batch = self.now.batches[-1]
        unique = self.now.whole and self.now.distinct >= 0.9 * batch.numbers
        if not batch.bins or (unique and _counter(self.now)):
            return
        found = units.change(self.old.batches, batch, alone=self.alone, known_only=unique)
        if found and not self._other_codes(found.factor):
            before, now = (units.middle(units.added(each)) for each in (self.old.batches, (batch,)))
            part = found.share < units.ALL
            rows = f"{found.share:.0%} of the values are" if part else "the values are"
            name = units.named(found.factor)
            figures = (
                f"{rows} {found.factor:.4g} times what they were{f' ({name})' if name else ''}: "
                f"median {before:.4g}, now {now:.4g}; the misfit falls from {found.before:.2f} to "
                f"{found.after:.2f} nats a row"
            )
            proposal = mending.unit(self.name, found, before)
            yield self.found(
                "part_unit" if part else "unit", "stop" if found.sure else "note", figures, proposal
            )

    def _other_codes(self, factor: float) -> bool:
        """Tell whether a short list of values became another one, not the same in another unit."""
        known, now = self.old.categories, self.now.categories
        if not known or not now or len(known) > CLOSED:
            return False
        exact = [each for one in units.KNOWN for each in (one, 1 / one) if abs(each / factor - 1) < 0.07]
        olds = [float(value) for value in known if float(value)]
        news = [float(value) for value in now if value not in known]
        return not any(
            all(any(abs(new / (old * by) - 1) < 0.005 for old in olds) for new in news)
            for by in (factor, *exact)
        )

    def of_categories(self) -> Iterator[Drift]:
        """Values never seen, in a column that has few."""
        known, marks = self.old.categories, self.old.marks
        if not known or not marks or self.now.type == "BOOLEAN":
            return
        past = sum(marks.values())
        if self.now.marks is None or self.now.names is None:
            if len(known) == len(marks) <= CLOSED and past >= 500:
                figures = f"it had {len(known)} values, now {self.now.distinct:,}"
                yield self.found("category", "stop", figures, mending.category(self.name, (), known))
            return
        rows = sum(self.now.marks.values())
        sure = {
            mark: n
            for mark, n in self.now.marks.items()
            if mark not in (self.old.names or ()) and chance(n, rows, marks.get(mark, 0), past) >= SURE
        }
        named = {self.now.names[mark]: n for mark, n in sure.items() if mark in self.now.names}
        severity = self._severity(known, dict(sorted(named.items())), rows)
        if severity:
            listed = ", ".join(f"{value!r} ({n:,}, {n / rows:.1%})" for value, n in named.items())
            figures = f"not among the values of {past:,} rows before: {listed} of {rows:,} rows"
            yield self.found("category", severity, figures, mending.category(self.name, tuple(named), known))

    def _severity(self, known: Mapping[str, int], new: Mapping[str, int], rows: int) -> Severity | None:
        """Judge by what the values are: words, short codes, numbers, or names that go on for ever."""
        if not new:
            return None
        if self.now.type != "VARCHAR" or numeric(self.old) >= 0.9:
            closed = len(known) <= CLOSED and (self.old.settled >= 2 or sum(known.values()) >= 1000)
            apart = {value: n for value, n in new.items() if not _next(value, {*known, *new} - {value})}
            share = sum(apart.values()) / rows
            if not closed or share < 0.01:
                return None
            return "stop" if share >= 0.1 else "note"
        if any(_CODE.search(value) for value in (*known, *new)):
            return None
        if any(re.search(r"\d", value) for value in new):
            closed = len(known) <= CLOSED and self.old.settled >= 2
            return "stop" if closed and _share(new, rows) >= 0.01 else "note"
        return "stop" if _share(new, rows) >= 0.01 else "note"

    def of_vanished(self) -> Iterator[Drift]:
        """A value that was common and is gone: worth a note."""
        marks, names, now = self.old.marks, self.old.names, self.now.marks
        if not marks or not names or now is None:
            return
        past, rows = sum(marks.values()), sum(now.values())
        gone = [
            name
            for mark, name in names.items()
            if mark not in now
            and marks[mark] >= 0.05 * past
            and -rows * math.log1p(-min(marks[mark] / past, 0.999)) >= SURE
        ]
        if gone:
            figures = f"no row of {rows:,} says {', '.join(repr(value) for value in gone)} any more"
            yield self.found(
                "vanished", "note", figures, "nothing to mend; ask the source whether it's meant"
            )


def _filled(column: Column) -> float:
    return _filled_of(column.given, sum(batch.unreadable for batch in column.batches), column.rows)


def _filled_of(given: int, unreadable: int, rows: int) -> float:
    return (given + unreadable) / rows if rows else 0.0


def _counter(column: Column) -> bool:
    """Tell whether whole numbers merely count the rows."""
    batch = column.batches[-1]
    return bool(10 ** (max(batch.bins) / DECADE) <= 2 * batch.rows)


def _next(value: str, known: set[str]) -> bool:
    """Tell whether a whole number goes on where others end, as counts and years do."""
    try:
        number = int(value)
    except ValueError:
        return False
    return str(number - 1) in known or str(number + 1) in known


def _share(counts: Mapping[str, int], rows: int) -> float:
    return max(counts.values(), default=0) / rows if rows else 0.0
