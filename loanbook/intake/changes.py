"""raw → validated: what changed in one raw column since the batches before. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from loanbook.intake import engine, mending, units
from loanbook.intake.sketches import DECADE, SHARED, Column, collapsed

Severity = Literal["stop", "note"]

SURE = 14.0  # nats: one in a million by chance
FEW = 5  # rows that must have come before anything is said
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
        retyped = [*self.of_type(), *self.of_writing(), *self.of_readable()]
        if retyped:
            yield retyped[0]
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

    def of_type(self) -> Iterator[Drift]:
        """Another family of types in the files themselves."""
        old, now = _families(self.old.own), _families(self.now.own)
        if now - old:
            proposal = mending.own_type(self.name, self.old.own, self.now.own, self.declared)
            yield self.found("retyped", "stop", f"it was {self.old.own}, now {self.now.own}", proposal)

    def of_writing(self) -> Iterator[Drift]:
        """Texts written in another way: days, numbers, codes, cut zeros."""
        if self.old.type != "VARCHAR" or self.now.type != "VARCHAR" or not self.old.texts:
            return
        yield from self._dates()
        yield from self._numbers()
        yield from self._shapes()
        yield from self._lengths()

    def _dates(self) -> Iterator[Drift]:
        good = [form for form, count in self.old.dates.items() if count >= 0.95 * self.old.texts]
        if good and self.now.dates and self.now.texts >= FEW:
            reads = max(self.now.dates.get(form, 0) for form in good) / self.now.texts
            best = max(self.now.dates, key=lambda form: self.now.dates[form])
            if reads < 0.6 and self.now.dates[best] > 0.9 * self.now.texts:
                figures = f"{good[0]} read all its days, now {reads:.1%}, and {best} reads them"
                yield self.found("retyped", "stop", figures, mending.day(self.name, best))

    def _numbers(self) -> Iterator[Drift]:
        before, now = _numeric(self.old), _numeric(self.now)
        if (before >= 0.9 and now < 0.5) or (before < 0.1 and now >= 0.9):
            figures = f"{before:.1%} of its texts were plain numbers, now {now:.1%}{_like(self.now)}"
            yield self.found("retyped", "stop", figures, mending.written(self.name, self.old, self.now))

    def _shapes(self) -> Iterator[Drift]:
        """Shapes never seen; of numbers every shape is known."""
        known = {collapsed(shape) for shape in self.old.shapes}
        told = sum(self.old.shapes.values()) / self.old.texts
        if _numeric(self.old) >= 0.9 or told < 0.9 or not self.now.texts:
            return
        strange = sum(n for shape, n in self.now.shapes.items() if collapsed(shape) not in known)
        share = strange / self.now.texts
        chance = _chance(strange, self.now.texts, round((1 - told) * self.old.texts), self.old.texts)
        if share >= 0.2 and chance >= SURE:
            figures = f"{share:.1%} of its texts are written as never before{_like(self.now, known)}"
            severity: Severity = "stop" if share >= 0.5 else "note"
            yield self.found("retyped", severity, figures, mending.written(self.name, self.old, self.now))

    def _lengths(self) -> Iterator[Drift]:
        """Codes of one length that are shorter now: a spreadsheet has cut their zeros."""
        length, count = max(self.old.lengths.items(), key=lambda pair: pair[1])
        shorter = sum(n for size, n in self.now.lengths.items() if size < length)
        fixed = count >= 0.99 * self.old.texts and length >= 4 and self.old.texts >= SHARED
        if fixed and self.old.distinct > 1 and shorter >= max(0.5 * self.now.texts, FEW):
            figures = f"its texts were {length} long, now {shorter / self.now.texts:.1%} are shorter"
            proposal = f"lpad({engine.ident(self.name)}, {length}, '0') AS {engine.ident(self.name)}"
            yield self.found("retyped", "stop", figures, proposal)

    def of_readable(self) -> Iterator[Drift]:
        """More values that can't be read as declared than bad rows would explain."""
        bad, before = _unreadable(self.now), _unreadable(self.old)
        if bad >= 0.03 and before <= bad / 10 and bad * self.now.rows >= 8 and self.old.type == self.now.type:
            figures = f"{before:.2%} of its values couldn't be read as {self.now.type}, now {bad:.1%}"
            yield self.found("unreadable", "stop", figures, mending.unreadable(self.name, self.now.type))

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
        known, now = self.old.categories, self.now.categories
        if not known or self.now.type == "BOOLEAN":
            return
        past = sum(known.values()) + self.old.others
        if now is None:
            if len(known) <= CLOSED and self.old.others == 0 and past >= 500:
                figures = f"it had {len(known)} values, now {self.now.distinct:,}"
                yield self.found("category", "stop", figures, mending.category(self.name, (), known))
            return
        rows = sum(now.values()) + self.now.others
        new = {value: n for value, n in now.items() if value not in known}
        sure = {value: n for value, n in new.items() if _chance(n, rows, self.old.others, past) >= SURE}
        severity = self._severity(known, sure, rows)
        if new and severity:
            told = sure if severity == "stop" else new
            listed = ", ".join(f"{value!r} ({n:,}, {n / rows:.1%})" for value, n in sorted(told.items()))
            figures = f"never seen in {past:,} rows: {listed} of {rows:,} rows"
            yield self.found("category", severity, figures, mending.category(self.name, tuple(told), known))

    def _severity(self, known: Mapping[str, int], new: Mapping[str, int], rows: int) -> Severity | None:
        """Judge by what the values are: words, short codes, numbers, or names that go on for ever."""
        if self.now.type != "VARCHAR":
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
        known, now = self.old.categories, self.now.categories
        if not known or now is None or self.now.others:
            return
        past, rows = sum(known.values()) + self.old.others, sum(now.values())
        gone = [
            value
            for value, n in known.items()
            if value not in now and n >= 0.05 * past and -rows * math.log1p(-min(n / past, 0.999)) >= SURE
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


def _unreadable(column: Column) -> float:
    return sum(batch.unreadable for batch in column.batches) / column.rows


def _families(own: str) -> set[str]:
    """Name the families of a column's types in the files; any number is a number."""
    found = {engine.family(kind) for kind in own.split(" or ")}
    return {"number" if kind in {"integer", "float", "decimal"} else kind for kind in found}


def _numeric(column: Column) -> float:
    seen = sum(column.lengths.values())
    return min(sum(batch.numbers for batch in column.batches) / seen, 1.0) if seen else 0.0


def _like(column: Column, known: set[str] | frozenset[str] = frozenset()) -> str:
    shapes = Counter({shape: n for shape, n in column.shapes.items() if collapsed(shape) not in known})
    return f", as {shapes.most_common(1)[0][0]!r}" if shapes else ""


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


def _chance(count: int, rows: int, unseen: int, past: int) -> float:
    """Give the nats against `count` of `rows` being the same share as at most `unseen` of `past`."""
    if not count or not past:
        return 0.0
    before, now = (unseen + 0.5) / (past + 1), count / rows
    if now <= before:
        return 0.0
    # the likelihood ratio of one common share against two
    both = (count + unseen) / (rows + past)
    return _binomial(count, rows, now, both) + _binomial(unseen, past, unseen / past, both)


def _binomial(count: int, rows: int, own: float, shared: float) -> float:
    nats = 0.0
    if count:
        nats += count * math.log(own / shared)
    if count < rows:
        nats += (rows - count) * math.log((1 - own) / (1 - shared))
    return nats
