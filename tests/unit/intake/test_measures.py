"""A table is measured as a whole: how many rows a month, how its newest values are spread."""

from __future__ import annotations

import duckdb
import pytest

from loanbook.intake.judging import measures

FEW = "FROM made"
VOLUME = {"column": "_month", "newest": 3, "before": 12, "min_value": 0.5, "max_value": 2}
SPREAD = {"column_A": "x", "column_B": "_lately", "max_value": 0.25}


def volume(*counts: int) -> float | None:
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE TABLE made AS SELECT m AS _month FROM (SELECT unnest({[*counts]}) AS size, "
            f"unnest(range({len(counts)})) AS m), range(size)"
        )
        return measures.measure(connection, FEW, FEW, measures.VOLUME, VOLUME)


def spread(kind: str, new: str, old: str, rows: int = 1000) -> float | None:
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE TABLE made AS SELECT ({old})::{kind} AS x, false AS _lately FROM range({rows}) AS t(n) "
            f"UNION ALL SELECT ({new})::{kind}, true FROM range({rows}) AS t(n)"
        )
        return measures.measure(connection, FEW, FEW, measures.SPREAD, SPREAD)


def test_the_median_of_the_newest_months_is_held_against_the_months_before():
    assert volume(*[50] * 12, 100, 100, 100) == 2
    assert volume(*[50] * 12, 5, 5, 5) == pytest.approx(0.1)


def test_one_month_of_a_double_delivery_moves_nothing():
    assert volume(*[50] * 6, 5000, *[50] * 5, 50, 4, 50) == 1


def test_a_month_without_rows_counts_as_nothing():
    assert volume(*[50] * 12, 0, 0, 50) == 0
    assert volume(*[50, 0] * 6, 50, 50, 50) == 2


def test_a_stray_row_from_the_future_is_no_newest_month():
    assert volume(*[50] * 15, *[0] * 200, 1) == 1


@pytest.mark.parametrize("counts", [(), (5,), (50, 50, 50, 50, 50), [3] * 15, (*[0] * 11, 500, 9, 9, 9)])
def test_too_short_or_too_thin_a_past_says_nothing(counts):
    assert volume(*counts) is None


@pytest.mark.parametrize("kind", ["DECIMAL(18,2)", "DOUBLE", "INTEGER", "VARCHAR"])
def test_the_same_spread_has_moved_nowhere_and_another_far(kind):
    assert spread(kind, "n % 10", "n % 10") == pytest.approx(0, abs=1e-12)
    moved = spread(kind, "n % 10 + 5", "n % 10")
    assert moved is not None
    assert moved > 1


def test_a_value_that_is_missing_more_often_has_moved():
    moved = spread("DOUBLE", "CASE WHEN n % 2 = 0 THEN n % 10 END", "n % 10")
    assert moved is not None
    assert moved > 0.25


def test_a_column_that_was_empty_before_and_one_of_infinities_can_be_measured():
    assert spread("DOUBLE", "n", "NULL") > 1
    assert spread("DOUBLE", "n", "CASE WHEN n % 2 = 0 THEN 'inf' ELSE '-inf' END") > 1


def test_too_few_rows_on_either_side_are_no_spread():
    assert spread("DOUBLE", "n", "n", rows=199) is None


def test_a_spread_is_population_stability_as_it_is_written_down():
    counts = [(600, 300), (400, 700)]
    assert measures.psi(counts) == pytest.approx(0.3 * 0.6931 + 0.3 * 0.5596, abs=2e-3)


def test_what_could_not_be_measured_breaks_no_limit():
    assert measures.within(None, {"min_value": 1})
    assert not measures.within(0.0, {"min_value": 0, "strict_min": True})
    assert not measures.within(3.0, {"max_value": 2})


def test_a_spread_is_the_same_to_the_last_digit_in_whatever_order_its_bins_come() -> None:
    counts = [(17 * n % 101, 29 * n % 89) for n in range(1, 40)]
    found = {measures.psi([*counts[n:], *counts[:n]]) for n in range(len(counts))}
    assert len(found) == 1
