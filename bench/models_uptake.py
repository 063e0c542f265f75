"""The line `uptake`, in figures: what ranking by uplift brings of what the truth would.

The truth knows each offer's true uplift, with no outcome drawn; the model knows who answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench import lenders
from bench.measuring import Row, at_least, exactly
from loanbook.cli.launch import Runner
from loanbook.settings import Settings
from loanbook.world import WorldSpec, simulate

if TYPE_CHECKING:
    import pandas as pd

LINE = "uptake"
DRAWN = ("offer", "limit_amount", "rate")

Vector = npt.NDArray[np.float64]


def rows() -> Iterator[Row]:
    """Measure the line on the simulated lender that figures are given of, and where offers do nothing."""
    yield from lenders.in_a_home(_world)
    yield from lenders.in_a_home(_noise)


def _world(place: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    review = _reviewed(runner, _simulated(scratch / "uptake") / "raw")
    yield from measured(_report(place, scratch / "uptake" / "truth", review), review)
    again = runner.run("reproduce", {"model": review["model"], "version": review["version"]})
    same = str(again["metrics"] == review["metrics"])
    yield exactly("models", "world, uptake: made again, the same figures", same, "True")


def _noise(_: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    """Deal the lot's offers out again once everybody has answered: then none of them did anything."""
    folder = _simulated(scratch / "idle")
    for path in sorted((folder / "raw" / "contacts").glob("*.parquet")):
        deal_again(path)
    review = _reviewed(runner, folder / "raw")
    found, shut = review["metrics"], review["shut"]
    low, high = found["average_effect_interval"]
    said = f"offers that do nothing (effect 95 % {low:+.4f} to {high:+.4f}; shut: {', '.join(shut)})"
    yield at_least("models", f"world, uptake: {said}: gates that are shut", len(shut), 1)


def _simulated(folder: Path) -> Path:
    simulate(WorldSpec(applications=lenders.APPLICATIONS), folder, last_month=lenders.HISTORY)
    return folder


def _reviewed(runner: Runner, raw: Path) -> dict[str, Any]:
    made = runner.run("lifecycle", {"dataset": "world", "data": raw, "line": LINE})
    review: dict[str, Any] = made["lines"][0]["review"]
    return review


def deal_again(path: Path) -> None:
    """Give each of a file's contacts by lot another one's offer and terms; answers stay where they were."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    lot = np.flatnonzero(np.array(table["randomised"].to_pylist()) == True)  # noqa: E712  # nulls are none
    places = np.arange(table.num_rows)
    places[lot] = np.random.default_rng(len(lot)).permutation(lot)
    for name in DRAWN:
        dealt = table[name].take(pa.array(places))
        table = table.set_column(table.column_names.index(name), table.schema.field(name), dealt)
    pq.write_table(table, path)


def measured(report: pd.DataFrame, review: dict[str, Any]) -> Iterator[Row]:
    """Hold the ranking of the report's offers to their true uplifts."""
    true = report["uplift"].to_numpy()
    told = (report["with_offer"] - report["without_offer"]).to_numpy()
    oracle, own, by_response = (area(one, true) for one in (true, told, report["with_offer"].to_numpy()))
    found = review["metrics"]
    low, high = found["qini_interval"]
    said = (
        f"share of the oracle's Qini, by the true uplifts of {len(report)} offers (area {own:.4f} of "
        f"{oracle:.4f}; drawn with both arms {found['qini']:.4f}, 95 % {low:.4f} to {high:.4f}; gates shut: "
        f"{', '.join(review['shut']) or 'none'})"
    )
    yield at_least("models", f"world, uptake: {said}", own / oracle, 0.80)
    low, high = found["over_response_interval"]
    said = (
        f"area by uplift less that by response, over the oracle's (drawn {found['over_response']:+.4f}, "
        f"95 % {low:+.4f} to {high:+.4f})"
    )
    over = (own - by_response) / oracle
    yield Row(f"world, uptake: {said}", "models", over, "above 0", over > 0)
    yield _told("mean uplift told over mean true uplift", float(told.mean() / true.mean()))
    slope = float(np.cov(told, true)[0, 1] / told.var(ddof=1))
    yield _told("slope of true uplifts by those told", slope)
    low, high = found["average_effect_interval"]
    yield _told(f"average effect of an offer (95 % {low:.4f} to {high:.4f})", found["average_effect"])
    yield _told("mean true uplift of the same offers", float(true.mean()))


def area(score: Vector, true: Vector) -> float:
    """Give the area between targeting by a score and targeting anybody, in true uplift per head."""
    gain = np.cumsum(true[np.argsort(-score, kind="stable")]) / len(true)
    share = np.arange(1, len(true) + 1) / len(true)
    return float(np.mean(gain - share * gain[-1]))


def _told(name: str, figure: float) -> Row:
    return Row(f"world, uptake: {name}", "models", figure, "told", True)


def _report(place: Settings, truth: Path, review: dict[str, Any]) -> pd.DataFrame:
    """Give the offers of the report sample beside their true uplift."""
    import pyarrow.parquet as pq

    from loanbook.governance.registry import Registry
    from loanbook.training import candidates

    tags = Registry(place).version(review["model"], review["version"]).tags
    made = candidates.read(place, "world", tags["loanbook.candidate"])
    stored = pq.read_table(made.predictions, filters=[("sample", "=", "report")]).to_pandas()
    true = pq.read_table(truth / "uplift.parquet", columns=["contact_id", "uplift"]).to_pandas()
    offers: pd.DataFrame = stored[stored["treated"]].merge(true, on="contact_id")
    return offers
