"""raw → validated: measure a table as a whole in DuckDB: its rows, its freshness, its volume, its spread.

What Great Expectations computes of the same is in expectations/history.py; the two know nothing of each
other, and have to agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, log
from statistics import median
from typing import TYPE_CHECKING, Any

from loanbook.intake.engine import ident

if TYPE_CHECKING:
    import duckdb

Kwargs = Mapping[str, Any]
LIMITS = frozenset({"min_value", "max_value", "strict_min", "strict_max"})
ROWS, MEAN = "expect_table_row_count_to_be_between", "expect_column_mean_to_be_between"
FRESH = "expect_column_min_to_be_between"
VOLUME, SPREAD = "expect_column_volume_to_be_between", "expect_column_spread_to_hold"
# rows of the past below which a count is chance, and on either side below which a spread is
FEWEST_COUNTED, FEWEST_SPREAD = 100, 200
# a stray row from the future is no newest month
STRAY = 1 / 256
EIGHTHS = tuple(part / 8 for part in range(1, 8))
NEWEST_MONTHS = 3


@dataclass(frozen=True)
class Kind:
    """A way to measure a table: the words a rule may use, the supplied columns it is of, how it is done."""

    words: frozenset[str]
    of: frozenset[str]
    take: Callable[[duckdb.DuckDBPyConnection, str, str, Kwargs], float | None]


def measure(
    connection: duckdb.DuckDBPyConnection, relation: str, sample: str, expectation: str, kwargs: Kwargs
) -> float | None:
    """Measure a relation, which has the columns that a rule speaks of; None: there is too little of it.

    Where a spread begins and ends its bins is read off a `sample` of it, every row is counted.
    """
    return KINDS[expectation].take(connection, f"({relation})", f"({sample})", kwargs)


def within(measured: float | None, given: Kwargs) -> bool:
    """Tell whether a measure keeps its limits; what couldn't be measured does."""
    if measured is None:
        return True
    low, high = given.get("min_value"), given.get("max_value")
    above = low is None or (measured > low if given.get("strict_min") else measured >= low)
    below = high is None or (measured < high if given.get("strict_max") else measured <= high)
    return above and below


def _rows(connection: duckdb.DuckDBPyConnection, relation: str, _: str, _given: Kwargs) -> float | None:
    return float(_one(connection, f"SELECT count(*) FROM {relation}") or 0)


def _mean(connection: duckdb.DuckDBPyConnection, relation: str, _: str, given: Kwargs) -> float | None:
    return _one(connection, f"SELECT avg({ident(given['column'])}::DOUBLE) FROM {relation}")


def _least(connection: duckdb.DuckDBPyConnection, relation: str, _: str, given: Kwargs) -> float | None:
    return _one(connection, f"SELECT min({ident(given['column'])})::DOUBLE FROM {relation}")


def _volume(connection: duckdb.DuckDBPyConnection, relation: str, _: str, given: Kwargs) -> float | None:
    """Compare the median month of the newest with that of the months before; a month without rows has 0."""
    column = ident(given["column"])
    counts: dict[int, int] = dict(
        connection.execute(
            f"SELECT {column}, count(*) FROM {relation} WHERE {column} IS NOT NULL GROUP BY ALL"
        ).fetchall()
    )
    if not counts:
        return None
    newest, before = int(given["newest"]), int(given["before"])
    last = _last(counts)
    start = last - newest + 1
    past = [counts.get(month, 0) for month in range(max(min(counts), start - before), start)]
    if len(past) < before / 2 or sum(past) < FEWEST_COUNTED or not median(past):
        return None
    return median(counts.get(month, 0) for month in range(start, last + 1)) / median(past)


def _last(counts: Mapping[int, int]) -> int:
    """Find the newest month, past which only stray rows lie."""
    size = sum(counts.values())
    place, seen = max(1, size - int(size * STRAY)), 0
    for month in sorted(counts):
        seen += counts[month]
        if seen >= place:
            return month
    raise AssertionError("the last month holds the last row")


def _spread(connection: duckdb.DuckDBPyConnection, relation: str, sample: str, given: Kwargs) -> float | None:
    """Take the PSI between newest and earlier values: in eighths of the earlier ones, or kind by kind."""
    column, lately = ident(given["column_A"]), ident(given["column_B"])
    described = connection.execute(f"DESCRIBE SELECT {column} FROM {relation}").fetchall()
    value = column if described[0][1] == "VARCHAR" else _eighth(connection, sample, column, lately)
    counts = connection.execute(
        f"SELECT count(*) FILTER ({lately}), count(*) FILTER (NOT {lately}) FROM {relation} "
        f"WHERE {lately} IS NOT NULL GROUP BY {value}"
    ).fetchall()
    return psi(counts)


def _eighth(connection: duckdb.DuckDBPyConnection, sample: str, column: str, lately: str) -> str:
    """Say in which eighth of the earlier values a value lies; a missing one lies in none."""
    found = connection.execute(
        f"SELECT quantile_disc({column}::DOUBLE, {list(EIGHTHS)}) FROM {sample} WHERE NOT {lately}"
    ).fetchall()
    edges = [f"({column}::DOUBLE > {_exact(edge)})::TINYINT" for edge in found[0][0] or ()]
    return f"CASE WHEN {column} IS NOT NULL THEN {' + '.join(edges) or '0'} END"


def psi(counts: Sequence[tuple[int, int]]) -> float | None:
    """Compare two spreads, bin by bin: half a row in each keeps an empty one from being infinitely far."""
    new, old = (sum(pair[side] for pair in counts) for side in (0, 1))
    if min(new, old) < FEWEST_SPREAD:
        return None
    blur = len(counts) / 2
    shares = [((one + 0.5) / (new + blur), (other + 0.5) / (old + blur)) for one, other in counts]
    # exactly rounded: bins come in any order, and a verdict judged again is the same to the last digit
    return fsum((p - q) * log(p / q) for p, q in shares)


def _exact(edge: float) -> str:
    return f"{edge!r}::DOUBLE" if abs(edge) != float("inf") else f"'{edge}'::DOUBLE"


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> float | None:
    value: float | None = connection.execute(query).fetchall()[0][0]
    return value


_VOLUME = frozenset({"column", "newest", "before", "min_value", "max_value"})
KINDS: Mapping[str, Kind] = {
    ROWS: Kind(LIMITS, frozenset(), _rows),
    MEAN: Kind(LIMITS | {"column"}, frozenset({"_held"}), _mean),
    FRESH: Kind(LIMITS | {"column"}, frozenset({"_age_days"}), _least),
    VOLUME: Kind(
        frozenset({"column", "newest", "before", "min_value", "max_value"}), frozenset({"_month"}), _volume
    ),
    SPREAD: Kind(frozenset({"column_A", "column_B", "max_value"}), frozenset({"_lately"}), _spread),
}
