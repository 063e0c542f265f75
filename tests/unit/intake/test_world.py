"""On the simulated lender every planted bad row is held for a fitting reason, and no clean row is."""

from __future__ import annotations

from types import MappingProxyType

import duckdb
import pytest

from loanbook.intake import mapping, publishing, raw, snapshots
from loanbook.intake.judging import quality
from loanbook.settings import Settings
from loanbook.world.simulate import simulate
from loanbook.world.spec import WorldSpec

# which rules fit a planted defect; what stands for {column} is the column that was spoilt
FITTING = MappingProxyType(
    {
        "null_key": {"{column}_given"},
        "null_required": {"{column}_given"},
        "duplicate": {"{column}_once"},
        "orphan_key": {"{column}_known"},
        "negative_amount": {
            "amount_positive",
            "amount_not_negative",
            "total_balance_not_negative",
            "list_price_positive",
            "principal_positive",
            "due_not_negative",
            "limit_not_negative",
        },
        "future_model_year": {"model_year_not_ahead"},
        "impossible_date": {"readable"},
        "broken_encoding": {"{column}_whole"},
        "swapped_position": {"lat_plausible", "lon_plausible", "place_inside"},
    }
)


@pytest.fixture(scope="module")
def published(suites, tmp_path_factory):
    """Simulate a small lender and publish it."""
    out = tmp_path_factory.mktemp("world")
    manifest = simulate(WorldSpec(applications=2000, months=18), out)
    settings = Settings(home=out / "home", threads=2)
    dataset = mapping.load("world")
    reading = snapshots.freeze(settings, dataset, raw.survey(dataset, manifest.raw), as_of=None)
    verdicts = [quality.judge(settings, dataset, reading, suites[each.table]) for each in reading.snapshots]
    return manifest, publishing.publish(settings, dataset, reading, suites, verdicts)


@pytest.fixture(scope="module")
def held(published):
    """Pair every planted row with the row that is held from its file and place."""
    manifest, publication = published
    rows = " UNION ALL BY NAME ".join(
        f"SELECT '{table}' AS name, _file, _row, rules, reason FROM '{publication.held_path(table)}'"
        for table in (each.table for each in publication.tables)
    )
    with duckdb.connect() as connection:
        return connection.execute(
            f"SELECT truth.table, truth.kind, truth.column, held.rules, held.reason "
            f"FROM '{manifest.truth / 'bad_rows.parquet'}' truth FULL JOIN ({rows}) held "
            f"ON truth.table = held.name AND truth.file = held._file AND truth.row = held._row"
        ).fetchall()


def test_every_planted_row_is_held_and_no_other(published, held):
    manifest, _ = published
    assert len(held) == manifest.bad_rows > 50
    assert [row for row in held if row[0] is None or row[3] is None] == []


def test_every_planted_row_is_held_for_a_reason_that_fits(held):
    for table, kind, column, rules, reason in held:
        fitting = {rule.format(column=column) for rule in FITTING[kind]}
        assert fitting & set(rules), (table, kind, column, rules)
        assert reason


def test_what_was_read_is_what_is_published_and_what_is_held(published):
    manifest, publication = published
    read = {table.table: table.read for table in publication.tables}
    assert read == {name: rows for name, rows in manifest.rows.items() if rows}
    for table in publication.tables:
        assert table.read == table.published.rows + table.held.rows
