"""raw → validated: whether the texts and types of a raw column are written as before. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Literal

from loanbook.intake import engine
from loanbook.intake.drift import mending
from loanbook.intake.drift.columns import SHARED, Column, collapsed

Severity = Literal["stop", "note"]
Said = tuple[str, Severity, str, str]  # kind, severity, evidence, proposal

SURE = 14.0  # nats: one in a million by chance
FEW = 5  # rows that must have come before anything is said


def changed(name: str, declared: bool, old: Column, now: Column) -> Iterator[Said]:
    """Find how a column is written otherwise: its type in the files, days, numbers, codes, cut zeros."""
    yield from _type(name, declared, old, now)
    if old.type == now.type == "VARCHAR" and old.texts:
        yield from _dates(name, old, now)
        yield from _numbers(name, old, now)
        yield from _shapes(name, old, now)
        yield from _lengths(name, old, now)
    yield from _readable(name, old, now)


def _type(name: str, declared: bool, old: Column, now: Column) -> Iterator[Said]:
    """Another family of types in the files themselves."""
    if _families(now.own) - _families(old.own):
        proposal = mending.own_type(name, old.own, now.own, declared)
        yield ("retyped", "stop", f"it was {old.own}, now {now.own}", proposal)


def _dates(name: str, old: Column, now: Column) -> Iterator[Said]:
    good = [form for form, count in old.dates.items() if count >= 0.95 * old.texts]
    if good and now.dates and now.texts >= FEW:
        reads = max(now.dates.get(form, 0) for form in good) / now.texts
        best = max(now.dates, key=lambda form: now.dates[form])
        if reads < 0.6 and now.dates[best] > 0.9 * now.texts:
            figures = f"{good[0]} read all its days, now {reads:.1%}, and {best} reads them"
            yield ("retyped", "stop", figures, mending.day(name, best))


def _numbers(name: str, old: Column, now: Column) -> Iterator[Said]:
    before, share = numeric(old), numeric(now)
    if (before >= 0.9 and share < 0.5) or (before < 0.1 and share >= 0.9):
        figures = f"{before:.1%} of its texts were plain numbers, now {share:.1%}{_like(now)}"
        yield ("retyped", "stop", figures, mending.written(name, old, now))


def _shapes(name: str, old: Column, now: Column) -> Iterator[Said]:
    """Shapes never seen; of numbers every shape is known."""
    known = {collapsed(shape) for shape in old.shapes}
    told = sum(old.shapes.values()) / old.texts
    if numeric(old) >= 0.9 or told < 0.9 or not now.texts:
        return
    strange = sum(n for shape, n in now.shapes.items() if collapsed(shape) not in known)
    share = strange / now.texts
    by_chance = chance(strange, now.texts, round((1 - told) * old.texts), old.texts)
    if share >= 0.2 and by_chance >= SURE:
        figures = f"{share:.1%} of its texts are written as never before{_like(now, known)}"
        severity: Severity = "stop" if share >= 0.5 else "note"
        yield ("retyped", severity, figures, mending.written(name, old, now))


def _lengths(name: str, old: Column, now: Column) -> Iterator[Said]:
    """Codes of one length that are shorter now: a spreadsheet has cut their zeros."""
    length, count = max(old.lengths.items(), key=lambda pair: pair[1])
    shorter = sum(n for size, n in now.lengths.items() if size < length)
    fixed = count >= 0.99 * old.texts and length >= 4 and old.texts >= SHARED
    if fixed and old.distinct > 1 and shorter >= max(0.5 * now.texts, FEW):
        figures = f"its texts were {length} long, now {shorter / now.texts:.1%} are shorter"
        proposal = f"lpad({engine.ident(name)}, {length}, '0') AS {engine.ident(name)}"
        yield ("retyped", "stop", figures, proposal)


def _readable(name: str, old: Column, now: Column) -> Iterator[Said]:
    """More values that can't be read as declared than bad rows would explain."""
    bad, before = _unreadable(now), _unreadable(old)
    if bad >= 0.03 and before <= bad / 10 and bad * now.rows >= 8 and old.type == now.type:
        figures = f"{before:.2%} of its values couldn't be read as {now.type}, now {bad:.1%}"
        yield ("unreadable", "stop", figures, mending.unreadable(name, now.type))


def numeric(column: Column) -> float:
    """Tell the share of a column's texts that are plain numbers."""
    return column.numbers / column.texts if column.texts else 0.0


def chance(count: int, rows: int, unseen: int, past: int) -> float:
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


def _families(own: str) -> set[str]:
    """Name the families of a column's types in the files; any number is a number."""
    found = {engine.family(kind) for kind in own.split(" or ")}
    return {"number" if kind in {"integer", "float", "decimal"} else kind for kind in found}


def _unreadable(column: Column) -> float:
    return sum(batch.unreadable for batch in column.batches) / column.rows


def _like(column: Column, known: set[str] | frozenset[str] = frozenset()) -> str:
    shapes = Counter({shape: n for shape, n in column.shapes.items() if collapsed(shape) not in known})
    return f", as {shapes.most_common(1)[0][0]!r}" if shapes else ""
