"""The whole way, in figures: accuracy against the oracle, rows reconciled, time kept, refusals, sameness."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import way_refusals, way_servers, way_time
from bench.measuring import DATA, Row, at_least, between, exactly
from loanbook.cli.face import Progress
from loanbook.cli.launch import Runner
from loanbook.settings import Settings
from loanbook.world import WorldSpec, simulate

LINES = ("underwriting/auto", "underwriting/consumer")
APPLICATIONS, HISTORY = 200_000, 48
REAL = {"ally_auto": ("underwriting/auto", 0.60), "superlender": ("underwriting/consumer", 0.70)}


def rows() -> Iterator[Row]:
    """Measure everything that the whole way claims."""
    with tempfile.TemporaryDirectory() as scratch:
        place = replace(Settings.read({}), home=Path(scratch) / "home")
        with Runner(place, Progress(silent=True)) as runner:
            yield from _world(place, runner, Path(scratch))
            yield from _real(runner)
            yield from way_servers.rows(place)
        from loanbook import standing

        standing.stop(place)
    yield from _elsewhere(_noise)
    yield from _elsewhere(way_refusals.rows)
    with tempfile.TemporaryDirectory() as scratch:
        yield from way_time.rows(Path(scratch))


def _world(place: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    folder = scratch / "world"
    simulate(WorldSpec(applications=APPLICATIONS), folder, last_month=HISTORY)
    made = runner.run("lifecycle", {"dataset": "world", "data": folder / "raw"})
    for one in made["lines"]:
        yield from _against_oracle(place, folder, one)
    yield from _reconciled(made["ingest"], folder)


def _against_oracle(place: Settings, folder: Path, one: dict[str, Any]) -> Iterator[Row]:
    """Compare with the ranking by true PD, on the same report sample."""
    import pyarrow.parquet as pq

    from loanbook.governance.registry import Registry
    from loanbook.training import candidates, evaluation

    review = one["review"]
    tags = Registry(place).version(review["model"], review["version"]).tags
    made = candidates.read(place, "world", tags["loanbook.candidate"])
    truth = pq.read_table(folder / "truth" / "applications.parquet", columns=["application_id", "true_pd"])
    stored = pq.read_table(made.predictions).to_pandas()
    report = stored[stored["sample"] == "report"].merge(truth.to_pandas(), on="application_id")
    oracle = evaluation.auc(report["true_pd"].to_numpy(), report["bad"].to_numpy())[0]
    auc = review["metrics"]["auc"]
    yield at_least(
        "way",
        f"world, {one['line']}: share of the oracle's lift (AUC {auc:.4f} of {oracle:.4f})",
        (auc - 0.5) / (oracle - 0.5),
        0.90,
    )
    slope = review["metrics"]["calibration_slope"]
    yield between("way", f"world, {one['line']}: calibration slope", slope, 0.9, 1.1)


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
    count = duckdb.sql(f"SELECT count(*) FROM ({planted})").fetchall()[0][0]
    missed = duckdb.sql(f"SELECT count(*) FROM ({planted} EXCEPT ({held}))").fetchall()[0][0]
    clean = duckdb.sql(f"SELECT count(*) FROM (({held}) EXCEPT {planted})").fetchall()[0][0]
    yield exactly("way", f"world, planted bad rows that were not held ({count:,} planted)", missed, 0)
    yield exactly("way", "world, clean rows that were held", clean, 0)


def _elsewhere(measure: Callable[[Settings, Runner, Path], Iterator[Row]]) -> Iterator[Row]:
    """Measure another lender in a home of its own: what a book holds of a dataset is one lender's."""
    from loanbook import standing

    with tempfile.TemporaryDirectory() as scratch:
        place = replace(Settings.read({}), home=Path(scratch) / "home")
        with Runner(place, Progress(silent=True)) as runner:
            yield from measure(place, runner, Path(scratch))
        standing.stop(place)


def _noise(_: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    folder = scratch / "noise"
    simulate(WorldSpec(applications=APPLICATIONS, noise=True), folder, last_month=HISTORY)
    made = runner.run("lifecycle", {"dataset": "world", "data": folder / "raw"})
    for one in made["lines"]:
        auc = one["review"]["metrics"]["auc"]
        yield between("way", f"noise world, {one['line']}: AUC", auc, 0.47, 0.53)
        yield at_least(
            "way", f"noise world, {one['line']}: gates that are shut", len(one["review"]["shut"]), 1
        )


def _real(runner: Runner) -> Iterator[Row]:
    for dataset, (line, floor) in REAL.items():
        if not (DATA / dataset).is_dir():
            yield Row(f"{dataset}: AUC", "way", "no data beside the checkout", f"at least {floor:g}", False)
            continue
        made = runner.run("lifecycle", {"dataset": dataset, "data": DATA / dataset, "line": line})
        review = made["lines"][0]["review"]
        low, high = review["metrics"]["auc_interval"]
        shut = ", ".join(review["shut"]) or "none"
        bads = review["metrics"]["bads"]
        said = f"{dataset}, out of time: AUC (95 % {low:.3f} to {high:.3f}; {bads} bads; gates shut: {shut})"
        yield at_least("way", said, review["metrics"]["auc"], floor)
