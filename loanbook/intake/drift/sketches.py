"""raw → validated: what one batch says of each raw column: counts, sizes, shapes; no value of a person."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from loanbook.intake import engine
from loanbook.intake.drift.columns import (
    DECADE,
    LARGEST,
    MOST_CATEGORIES,
    MOST_SHAPES,
    SHARED,
    SMALLEST,
    Batch,
    Column,
    collapsed,
)
from loanbook.intake.engine import ident, text
from loanbook.intake.mapping import RawSource
from loanbook.intake.relations import Delivery

if TYPE_CHECKING:
    import duckdb

SAMPLE = 50_000  # rows of a source that are looked at closely
LONGEST = 64
TOGETHER = 8  # columns that one query counts: each of them takes memory

# how a text writes a day; the first that reads a column is proposed
DATES = MappingProxyType(
    {
        "%Y-%m-%d": "9-9-9",
        "%d-%m-%Y": "9-9-9",
        "%m-%d-%Y": "9-9-9",
        "%Y/%m/%d": "9/9/9",
        "%d/%m/%Y": "9/9/9",
        "%m/%d/%Y": "9/9/9",
        "%Y.%m.%d": "9.9.9",
        "%d.%m.%Y": "9.9.9",
        "%Y-%m-%d %H:%M:%S": "9-9-9 9:9:9",
        "%d/%m/%Y %H:%M:%S": "9/9/9 9:9:9",
        "%m/%d/%Y %H:%M:%S": "9/9/9 9:9:9",
        "%Y-%m-%dT%H:%M:%S": "9-9-9A9:9:9",
        "%m/%Y": "9/9",
        "%Y/%m": "9/9",
        "%m-%Y": "9-9",
        "%Y-%m": "9-9",
        "%d %b %Y": "9 A 9",
        "%d-%b-%Y": "9-A-9",
        "%b-%Y": "A-9",
    }
)


def of_source(
    connection: duckdb.DuckDBPyConnection,
    source: RawSource,
    mine: Sequence[Delivery],
    naming: Collection[str] | None,
    mark: Callable[[str], str],
) -> tuple[int, Mapping[str, Column]]:
    """Look at a source's relation; give its rows and its columns.

    `naming` are the columns that lead to a person, in small letters; None where that isn't known. `mark`
    gives a value's keyed digest.
    """
    relation = f"raw.{ident(source.name)}"
    provenance = {name for name, _ in engine.PROVENANCE}
    described = connection.execute(f"DESCRIBE {relation}").fetchall()
    kinds = {row[0]: str(row[1]) for row in described if row[0] not in provenance}
    total, counts = _counts(connection, source, relation, kinds)
    own = _own(mine)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE _looked_at AS {_sampled(relation, kinds, total)}")
    seen, sizes = _sizes(connection, kinds)
    found = {}
    for name, kind in kinds.items():
        batch = Batch(total, *counts[name], seen, *sizes[name][2:6])
        distinct, lengths = sizes[name][:2]
        look = _Look(connection, ident(name), engine.family(kind), distinct, lengths, mark)
        found[name] = look.column(
            kind,
            own[name],
            batch,
            whole=bool(sizes[name][6]),
            hidden=naming is None or name.casefold() in naming,
        )
    connection.execute("DROP TABLE _looked_at")
    return total, found


def _own(mine: Sequence[Delivery]) -> Mapping[str, str]:
    """Name each column's type in the files; where they differ, all of them."""
    own: dict[str, set[str]] = {}
    for delivery in mine:
        for name, kind in delivery.columns:
            own.setdefault(name, set()).add(kind)
    return {name: " or ".join(sorted(kinds)) for name, kinds in own.items()}


def _counts(
    connection: duckdb.DuckDBPyConnection, source: RawSource, relation: str, kinds: Mapping[str, str]
) -> tuple[int, Mapping[str, tuple[int, int]]]:
    """Count all rows, and per column those with a value and those whose value can't be read."""
    asked = ["count(*)"]
    for name, kind in kinds.items():
        bad = "0"
        if name in source.columns:
            bad = f"count(*) FILTER ({engine.said_of(name)})"
        asked += [f"count({_given(name, kind)})", bad]
    row = connection.execute(f"SELECT {', '.join(asked)} FROM {relation}").fetchall()[0]
    return row[0], dict(zip(kinds, zip(row[1::2], row[2::2], strict=True), strict=True))


def _sampled(relation: str, kinds: Mapping[str, str], total: int) -> str:
    """Choose rows by a hash of what they hold."""
    values = ", ".join(f"{_given(name, kind)} AS {ident(name)}" for name, kind in kinds.items())
    every = -(-total // SAMPLE)
    names = ", ".join(ident(name) for name in kinds)
    chosen = f" WHERE hash({names}) % {every} = 0" if every > 1 else ""
    return f"SELECT {values} FROM {relation}{chosen}"


def _given(name: str, kind: str) -> str:
    """Take a blank text for none."""
    plain = ident(name)
    return f"CASE WHEN trim({plain}) <> '' THEN {plain} END" if engine.family(kind) == "text" else plain


def _sizes(
    connection: duckdb.DuckDBPyConnection, kinds: Mapping[str, str]
) -> tuple[int, Mapping[str, tuple[Any, ...]]]:
    """Ask of many columns at once: distinct values, lengths, numbers, zeros, negatives, bins, all whole."""
    each = len(_asked("", "other"))
    names = list(kinds)
    found: dict[str, tuple[Any, ...]] = {}
    for start in range(0, len(names), TOGETHER):
        some = names[start : start + TOGETHER]
        asked = ", ".join(one for name in some for one in _asked(name, engine.family(kinds[name])))
        read = ", ".join(["*", *(_number(name, engine.family(kinds[name])) for name in some)])
        row = connection.execute(f"SELECT {asked} FROM (SELECT {read} FROM _looked_at)").fetchall()[0]
        found |= {name: row[at * each : (at + 1) * each] for at, name in enumerate(some)}
    seen = connection.execute("SELECT count(*) FROM _looked_at").fetchall()[0][0]
    return int(seen), found


def _number(name: str, family: str) -> str:
    """Read a column as a number, where it can be one."""
    plain = ident(name)
    value = {
        "integer": f"{plain}::DOUBLE",
        "decimal": f"{plain}::DOUBLE",
        "float": f"CASE WHEN isfinite({plain}) THEN {plain}::DOUBLE END",
        "text": f"CASE WHEN isfinite(TRY_CAST({plain} AS DOUBLE)) THEN TRY_CAST({plain} AS DOUBLE) END",
    }
    return f"{value.get(family, 'NULL::DOUBLE')} AS {ident(f'{name}, read')}"


def _asked(name: str, family: str) -> list[str]:
    if family in {"time", "other"}:
        return ["0", "MAP {}", "0", "0", "0", "MAP {}", "false"]
    plain, number = ident(name), ident(f"{name}, read")
    lengths = f"histogram(least(length(trim({plain})), {LONGEST})) FILTER ({plain} IS NOT NULL)"
    distinct = [f"count(DISTINCT {plain})", lengths if family == "text" else "MAP {}"]
    if family == "boolean":
        return [*distinct, "0", "0", "0", "MAP {}", "false"]
    low, high = SMALLEST * DECADE, LARGEST * DECADE
    place = f"floor(log10(nullif(abs({number}), 0)) * {DECADE} + 1e-9)"
    return [
        *distinct,
        f"count({number})",
        f"count(*) FILTER ({number} = 0)",
        f"count(*) FILTER ({number} < 0)",
        f"histogram(greatest(least({place}, {high}), {low})::INTEGER) FILTER ({number} <> 0)",
        f"bool_and({number} = round({number}))",
    ]


@dataclass(frozen=True)
class _Look:
    """Looks at the values of one column, `name` quoted, among the sampled rows."""

    connection: duckdb.DuckDBPyConnection
    name: str
    family: str
    distinct: int
    lengths: Mapping[int, int] | None
    mark: Callable[[str], str]

    def column(self, kind: str, own: str, batch: Batch, *, whole: bool, hidden: bool) -> Column:
        bins = dict(sorted((batch.bins or {}).items()))
        lengths = dict(sorted((self.lengths or {}).items()))
        texts = sum(lengths.values())
        shapes = self.shapes() if texts else {}
        few = self.distinct <= MOST_CATEGORIES and self.family not in {"time", "other"}
        counted = self.counted() if few and not hidden else None
        told = None if counted is None else [(self.mark(value), value, n) for value, n in counted.items()]
        return Column(
            kind,
            own,
            self.distinct,
            whole,
            marks=None if told is None else {mark: n for mark, _, n in told},
            names=None if told is None else {mark: value for mark, value, n in told if n >= SHARED},
            shapes=shapes,
            unshaped=texts - sum(shapes.values()),
            lengths=lengths,
            dates=self.dates(shapes, texts),
            texts=texts,
            numbers=batch.numbers if texts else 0,
            batches=(replace(batch, bins=bins),),
        )

    def counted(self) -> dict[str, int]:
        """Count each value, a whole number written without its point."""
        value = f"{self.name}::VARCHAR"
        if self.family in {"integer", "float", "decimal"}:
            whole = f"abs({self.name}) < 1e15 AND {self.name} = round({self.name})"
            value = (
                f"CASE WHEN {whole} THEN {self.name}::BIGINT::VARCHAR ELSE {self.name}::DOUBLE::VARCHAR END"
            )
        return self.pairs(
            f"SELECT {value} AS value, count(*) FROM _looked_at WHERE {self.name} IS NOT NULL "
            "GROUP BY value ORDER BY value"
        )

    def shapes(self) -> dict[str, int]:
        """Count the most frequent ways in which the texts are written."""
        letters = f"regexp_replace(left(trim({self.name}), {LONGEST}), '\\p{{L}}+', 'A', 'g')"
        digits = f"regexp_replace({letters}, '[0-9]', '9', 'g')"
        return self.pairs(
            f"SELECT regexp_replace({digits}, '9{{4,}}', '9999', 'g') AS shape, sum(n)::BIGINT AS n "
            f"FROM (SELECT {self.name}, count(*) AS n FROM _looked_at WHERE {self.name} IS NOT NULL "
            f"GROUP BY {self.name}) GROUP BY shape ORDER BY n DESC, shape LIMIT {MOST_SHAPES}"
        )

    def dates(self, shapes: Mapping[str, int], texts: int) -> dict[str, int]:
        """Count what each format reads, where most texts look like days."""
        alike = [
            form
            for form, shape in DATES.items()
            if sum(count for each, count in shapes.items() if collapsed(each) == shape) * 2 > texts
        ]
        if not alike:
            return {}
        asked = ", ".join(f"count(try_strptime({self.name}, {text(form)}))" for form in alike)
        counts = self.connection.execute(f"SELECT {asked} FROM _looked_at").fetchall()[0]
        return {form: count for form, count in zip(alike, counts, strict=True) if count}

    def pairs(self, query: str) -> dict[str, int]:
        return dict(self.connection.execute(query).fetchall())
