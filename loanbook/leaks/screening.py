"""raw and features → refused: look at each column of one reading, as it stood before the outcome."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from loanbook.intake.engine import family, ident
from loanbook.leaks import telling
from loanbook.leaks.findings import Finding, Kind, Verdict
from loanbook.leaks.readings import Reading, Relation, joined
from loanbook.leaks.telling import ALPHA, Codes, Flags, Told, Values

if TYPE_CHECKING:
    import pyarrow as pa

READABLE = 0.95  # of a text column's values that make it one of numbers or of times
UNIQUE = 0.95  # of values that make an identifier
DAY = 86_400e6  # microseconds
LATER_SHARE, LATER_DISTANCES = 0.05, 10  # plans lie at a few distances, facts at many
GAP, STEP = 0.25, 0.02  # by how much more of the old rows is filled than of the young
OUTCOMES = {
    "__bad": "went bad in its window",
    "__ever": "ever went bad",
    "__ended": "ended early",
}
AGED = ("applications", "loans", "customers", "vehicles", "bureau_reports")


@dataclass(frozen=True)
class Rows:
    """The rows of a relation; `strata` are product and month, `at` is when known.

    `outcomes` gives, by what is said of a loan, for which rows it can be said and of which it is true.
    """

    bad: Flags
    outcomes: Mapping[str, tuple[Flags, Flags]]
    half: Flags
    strata: Codes
    at: Values


def screen(reading: Reading, relations: Sequence[Relation]) -> tuple[Finding, ...]:
    """Judge every column of the relations, or nothing where too few outcomes are ripe."""
    alpha = ALPHA / max(sum(len(one.columns) + 1 for one in relations), 1) / 3
    made = [finding for relation in relations for finding in _screen(reading, relation, alpha)]
    aged = [one for relation in relations if relation.table in AGED for one in _ages(reading, relation)]
    refused = {one.column for one in made}
    return (*made, *(one for one in aged if one.column not in refused))


def features(table: pa.Table, names: Sequence[str], bad: Flags, half: Flags) -> tuple[Finding, ...]:
    """Judge a training set's features against its outcomes, which have to be enough."""
    import pyarrow as pa

    made = []
    for name in names:
        column = table[name].combine_chunks()
        texts = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        codes = _words(column) if texts else telling.number_groups(_numbers(column))
        told = telling.judge(codes, bad, half, ALPHA / len(names))
        made += _tells(name, told)
    return tuple(made)


def halves(customers: Sequence[object]) -> Flags:
    """Divide customers into two halves that don't depend on anything else."""
    return np.array([zlib.crc32(f"half {customer}".encode()) & 1 for customer in customers], dtype=bool)


def _screen(reading: Reading, relation: Relation, alpha: float) -> list[Finding]:
    kinds = _kinds(reading, relation)
    names = [name for name, _ in relation.columns]
    values = ", ".join(
        f"{_value(name, kind, kinds[name])} AS {ident(name)}" for name, kind in relation.columns
    )
    table = reading.connection.sql(
        f"SELECT t.bad AS __bad, t.ever AS __ever, t.ended AS __ended, t.half AS __half, "
        f"t.product AS __product, t.key AS __key, t._file AS __file, t._row AS __row, "
        f"date_trunc('month', t.event_at) AS __month, "
        f"epoch_us(t.available_at)::DOUBLE AS __at, {values} "
        f"FROM linked_{relation.table} AS t JOIN {relation.source} AS r ON {joined(relation)} "
        f"ORDER BY t.key, t._file, t._row"
    ).to_arrow_table()
    rows = _rows(table)
    if not rows.outcomes:
        return []
    made: list[Finding] = []
    for name in names:
        made += _column(reading, relation, name, kinds[name], table[name].combine_chunks(), rows, alpha)
    if relation.is_raw:
        made += _placed(relation, table, rows, alpha)
    return made


def _column(
    reading: Reading, relation: Relation, name: str, kind: str, column: Any, rows: Rows, alpha: float
) -> list[Finding]:
    full = relation.full(name)
    values = None if kind == "text" else _numbers(column)
    codes = _words(column) if values is None else telling.number_groups(values)
    told = {
        words: telling.judge(codes[known], true[known], rows.half[known], alpha / len(rows.outcomes))
        for words, (known, true) in rows.outcomes.items()
    }
    words = max(told, key=lambda one: (told[one].leaks, told[one].odd, told[one].lower))
    found = _tells(full, told[words], words)
    sure = any(one.refused for one in found)
    if not sure and kind == "time" and values is not None:
        found = _later(full, values, rows, _micros(reading.as_of)) or found
    if not sure and _names_a_row(column, dict(relation.columns)[name]):
        found = _ordered(full, _ranks(column), rows.strata, rows.bad, alpha) or found
    return found


def _micros(moment: datetime) -> float:
    return float(np.datetime64(moment, "us").astype(np.int64))


def _outcome(column: Any) -> tuple[Flags, Flags]:
    import pyarrow.compute as pc

    known = np.asarray(column.is_valid().to_numpy(), dtype=bool)
    return known, np.asarray(pc.fill_null(column, False).to_numpy(), dtype=bool)


def _tells(column: str, told: Told, words: str = "went bad") -> list[Finding]:
    """Refuse a column off which the outcome can be read; point at one that tells more than a form does."""
    verdict = Verdict.REFUSED if told.leaks else Verdict.EXPLAIN
    if not told.leaks and not told.odd:
        return []
    said = [f"AUC {told.auc:.3f} (at least {told.lower:.3f}) for whether it {words}"]
    for sure, (bads, rows, bound), word in (
        (told.sure_of_bad, told.certain, "at least"),
        (told.rarer >= telling.SELDOM, told.safe, "at most"),
    ):
        if sure:
            said.append(
                f"of {rows:,} rows picked by it {bads:,} did, {word} {bound:.1%}, of all {told.base:.1%}"
            )
    figures = {"auc": told.auc, "lower": told.lower, "base": told.base}
    return [Finding(column, Kind.TELLS, verdict, "; ".join(said), figures)]


def _later(column: str, values: Values, rows: Rows, as_of: float) -> list[Finding]:
    """Refuse times that lie after the row's own: of many distances, and never after the reading."""
    ahead = (values - rows.at) / DAY
    beyond = ahead[~np.isnan(ahead) & (ahead > 31)]
    share = len(beyond) / len(values)
    months, counts = np.unique(np.floor(beyond / 30.4375), return_counts=True)
    distances = int((counts >= 0.005 * len(values)).sum()) if len(months) else 0
    known = values[~np.isnan(values)]
    if share < LATER_SHARE or distances < LATER_DISTANCES or known.max() > as_of + 31 * DAY:
        return []
    said = f"{share:.1%} of its times lie a month or more after the row's own, at {distances} distances"
    figures = {"share": share, "distances": float(distances)}
    return [Finding(column, Kind.LATER, Verdict.REFUSED, said, figures)]


def _ordered(column: str, ranks: Codes, strata: Codes, bad: Flags, alpha: float) -> list[Finding]:
    auc, lower = telling.order(ranks, strata, bad, alpha)
    if lower < telling.ORDER_FLOOR:
        return []
    said = f"within a month of one product its order tells the outcome: AUC {auc:.3f} (at least {lower:.3f})"
    return [Finding(column, Kind.ORDERED, Verdict.REFUSED, said, {"auc": auc, "lower": lower})]


def _placed(relation: Relation, table: pa.Table, rows: Rows, alpha: float) -> list[Finding]:
    """Look whether the rows lie in their files by outcome."""
    files = np.unique(np.array(table["__file"].to_pylist(), dtype=str), return_inverse=True)[1]
    strata = rows.strata * (int(files.max()) + 1) + files
    places = np.asarray(table["__row"].to_numpy(), dtype=np.int64)
    return _ordered(relation.full("(order of rows)"), places, strata, rows.bad, alpha)


def _rows(table: pa.Table) -> Rows:
    months = np.asarray(table["__month"].to_numpy(), dtype="datetime64[M]").astype(np.int64)
    products = np.array(table["__product"].to_pylist(), dtype=object)
    place = np.unique(products.astype(str), return_inverse=True)[1] if len(products) else np.array([], int)
    half = np.asarray(table["__half"].to_numpy(), dtype=bool)
    return Rows(
        bad=np.asarray(table["__bad"].to_numpy(), dtype=bool),
        outcomes={
            words: outcome
            for name, words in OUTCOMES.items()
            if telling.enough((outcome := _outcome(table[name]))[1], half, outcome[0])
        },
        half=half,
        strata=months * 64 + place,
        at=np.asarray(table["__at"].to_numpy(), dtype=float),
    )


def _kinds(reading: Reading, relation: Relation) -> dict[str, str]:
    """Tell each column's kind: number, time or text; a text whose values can be read as one is one."""
    kinds = {name: _kind(kind) for name, kind in relation.columns}
    texts = [name for name, kind in kinds.items() if kind == "text"]
    if not texts:
        return kinds
    counted = ", ".join(
        f"count({_said(name)}), count(TRY_CAST({_said(name)} AS DOUBLE)), "
        f"count(TRY_CAST({_said(name)} AS TIMESTAMP))"
        for name in texts
    )
    row = reading.rows(
        f"SELECT {counted} FROM linked_{relation.table} AS t "
        f"JOIN {relation.source} AS r ON {joined(relation)}"
    )[0]
    for name, said, numbers, times in zip(texts, row[::3], row[1::3], row[2::3], strict=True):
        if said and numbers >= READABLE * said:
            kinds[name] = "number"
        elif said and times >= READABLE * said:
            kinds[name] = "time"
    return kinds


def _kind(duck: str) -> str:
    return {"time": "time", "text": "text", "other": "text"}.get(family(duck), "number")


def _said(name: str) -> str:
    """A text without a letter says nothing."""
    return f"nullif(trim(r.{ident(name)}::VARCHAR), '')"


def _value(name: str, duck: str, kind: str) -> str:
    source = f"r.{ident(name)}" if _kind(duck) == kind and kind != "text" else _said(name)
    if kind == "number":
        return f"TRY_CAST({source} AS DOUBLE)"
    return f"epoch_us(TRY_CAST({source} AS TIMESTAMP))::DOUBLE" if kind == "time" else source


def _numbers(column: Any) -> Values:
    import pyarrow as pa

    values = np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=float)
    return np.where(np.isfinite(values), values, np.nan)


def _words(column: Any) -> Codes:
    import pyarrow.compute as pc

    places = pc.fill_null(column.dictionary_encode().indices, -1)
    return telling.word_groups(np.asarray(places.to_numpy(zero_copy_only=False), dtype=np.int64))


def _names_a_row(column: Any, duck: str) -> bool:
    """An identifier is a text or a whole number that hardly two rows share."""
    import pyarrow.compute as pc

    known = len(column) - column.null_count
    return (
        family(duck) in ("text", "integer")
        and known >= UNIQUE * len(column)
        and pc.count_distinct(column).as_py() >= UNIQUE * known
    )


def _ranks(column: Any) -> Codes:
    import pyarrow.compute as pc

    return np.asarray(pc.rank(column, tiebreaker="dense").to_numpy(), dtype=np.int64)


def _ages(reading: Reading, relation: Relation) -> list[Finding]:
    """Point at columns that hold less the younger the row."""
    filled = ", ".join(f"count({_said(name)})" for name, _ in relation.columns)
    counts = reading.rows(
        f"WITH t AS (SELECT {relation.table}.*, {relation.table}.{_key(relation)} AS key, "
        f"ntile(3) OVER (ORDER BY event_at) AS third FROM {relation.table}) "
        f"SELECT third, count(*), {filled} FROM t JOIN {relation.source} AS r ON {joined(relation)} "
        f"GROUP BY third ORDER BY third"
    )
    if len(counts) < 3:
        return []
    shares = np.array([[count / row[1] for count in row[2:]] for row in counts])
    made = []
    for (name, _), (old, middle, young) in zip(relation.columns, shares.T, strict=True):
        if old - young >= GAP and young < old / 2 and old - middle >= STEP and middle - young >= STEP:
            said = (
                f"filled in {old:.0%} of the oldest third of the rows, {middle:.0%}, {young:.0%} of the last"
            )
            figures = {"old": float(old), "middle": float(middle), "young": float(young)}
            made.append(Finding(relation.full(name), Kind.FILLS, Verdict.EXPLAIN, said, figures))
    return made


def _key(relation: Relation) -> str:
    from loanbook.schema import TABLES

    return TABLES[relation.table].key
