"""The whole way, in figures: accuracy against the oracle, rows reconciled, time kept, refusals, sameness."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import lenders, way_refusals, way_servers, way_time
from bench.measuring import Row, at_least, between, exactly
from loanbook.cli.launch import Runner
from loanbook.settings import Settings

REAL = {"ally_auto": ("underwriting/auto", 0.60), "superlender": ("underwriting/consumer", 0.70)}


def rows() -> Iterator[Row]:
    """Measure everything that the whole way claims."""
    yield from lenders.in_a_home(_first)
    yield from lenders.in_a_home(_noise)
    yield from lenders.in_a_home(way_refusals.rows)
    with tempfile.TemporaryDirectory() as scratch:
        yield from way_time.rows(Path(scratch))


def _first(place: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    yield from _world(place, runner, scratch)
    yield from (row for row, _ in lenders.real("way", runner, REAL))
    yield from way_servers.rows(place)


def _world(place: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    folder = scratch / "world"
    made = lenders.simulated(runner, folder)
    for one in made["lines"]:
        ranked = lenders.held_to_truth(place, folder, one["review"]).drawn
        said = f"world, {one['line']}: share of the oracle's lift"
        yield at_least("way", f"{said} (AUC {ranked.auc:.4f} of {ranked.oracle:.4f})", ranked.share, 0.90)
        slope = one["review"]["metrics"]["calibration_slope"]
        yield between("way", f"world, {one['line']}: calibration slope", slope, 0.9, 1.1)
    yield from _reconciled(made["ingest"], folder)


def _reconciled(ingest: dict[str, Any], folder: Path) -> Iterator[Row]:
    import duckdb

    tables = ingest["tables"].values()
    lost = sum(one["read"] - one["published"] - one["held"] - one["superseded"] for one in tables)
    yield exactly(
        "way", f"world, rows read less published less held ({sum(t['read'] for t in tables):,} read)", lost, 0
    )
    held = " UNION ALL ".join(
        f"SELECT '{path.stem}' AS name, _file AS file, _row AS row FROM read_parquet('{path}')"
        for path in sorted(Path(ingest["quarantine"]).glob("*.parquet"))
    )
    planted = (
        f"SELECT \"table\" AS name, file, row FROM read_parquet('{folder / 'truth' / 'bad_rows.parquet'}')"
    )
    count = duckdb.execute(f"SELECT count(*) FROM ({planted})").fetchall()[0][0]
    missed = duckdb.execute(f"SELECT count(*) FROM ({planted} EXCEPT ({held}))").fetchall()[0][0]
    clean = duckdb.execute(f"SELECT count(*) FROM (({held}) EXCEPT {planted})").fetchall()[0][0]
    yield exactly("way", f"world, planted bad rows that were not held ({count:,} planted)", missed, 0)
    yield exactly("way", "world, clean rows that were held", clean, 0)


def _noise(_: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    yield from lenders.noise("way", runner, scratch)
