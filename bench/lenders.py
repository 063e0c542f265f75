"""Lenders to measure on: each in a home of its own, since what a book holds of a dataset is one lender's."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.measuring import DATA, Row, at_least, between
from loanbook.cli.face import Progress
from loanbook.cli.launch import Runner
from loanbook.settings import Settings
from loanbook.world import WorldSpec, simulate

APPLICATIONS, HISTORY, REDRAWN = 200_000, 48, 100
Measure = Callable[[Settings, Runner, Path], Iterator[Row]]


def in_a_home(measure: Measure) -> Iterator[Row]:
    """Measure in a home of its own, with a Prefect server that ends with it."""
    from loanbook import standing

    with tempfile.TemporaryDirectory() as scratch:
        place = replace(Settings.read({}), home=Path(scratch) / "home")
        with Runner(place, Progress(silent=True)) as runner:
            yield from measure(place, runner, Path(scratch))
        standing.stop(place)


def simulated(runner: Runner, folder: Path, *, noise: bool = False) -> dict[str, Any]:
    """Simulate four years of the lender that figures are given of, and go the whole way on it."""
    simulate(WorldSpec(applications=APPLICATIONS, noise=noise), folder, last_month=HISTORY)
    made: dict[str, Any] = runner.run("lifecycle", {"dataset": "world", "data": folder / "raw"})
    return made


def noise(topic: str, runner: Runner, scratch: Path) -> Iterator[Row]:
    """Replace every true PD by one number: nothing ranks, and the gates refuse it."""
    for one in simulated(runner, scratch / "noise", noise=True)["lines"]:
        review, name = one["review"], f"noise world, {one['line']}"
        yield between(topic, f"{name}: AUC", review["metrics"]["auc"], 0.47, 0.53)
        yield at_least(topic, f"{name}: gates that are shut", len(review["shut"]), 1)


def real(
    topic: str, runner: Runner, floors: Mapping[str, tuple[str, float]]
) -> Iterator[tuple[Row, dict[str, Any]]]:
    """Go the whole way on real lenders; give the row of each one's AUC, and its review where there is one."""
    for dataset, (line, floor) in floors.items():
        if not (DATA / dataset).is_dir():
            said = "no data beside the checkout"
            yield Row(f"{dataset}: AUC", topic, said, f"at least {floor:g}", False), {}
            continue
        made = runner.run("lifecycle", {"dataset": dataset, "data": DATA / dataset, "line": line})
        review = made["lines"][0]["review"]
        metrics, sample = review["metrics"], review["samples"]["report"]
        low, high = metrics["auc_interval"]
        shut = ", ".join(review["shut"]) or "none"
        said = (
            f"{dataset}, {line}, decided {sample['from'][:10]} to {sample['to'][:10]}: "
            f"AUC (95 % {low:.3f} to {high:.3f}; {metrics['bads']} bads; gates shut: {shut})"
        )
        yield at_least(topic, said, metrics["auc"], floor), review


@dataclass(frozen=True)
class Lift:
    """A model's AUC beside that of the ranking by true PD, on the same rows."""

    auc: float
    oracle: float

    @property
    def share(self) -> float:
        """The share of the oracle's lift over 0.5."""
        return (self.auc - 0.5) / (self.oracle - 0.5)


@dataclass(frozen=True)
class Truth:
    """A report sample held to its true PDs, which no flow reads.

    `drawn` counts the outcomes that chance drew from them, `expected` every outcome with its true
    probability: the same lift without that chance, and so are `slope` and `ece`. `redrawn` are the bounds
    between which nine of ten shares, slopes and ECEs lie when the outcomes are drawn again.
    """

    drawn: Lift
    expected: Lift
    slope: float
    ece: float
    redrawn: dict[str, tuple[float, float]]


def held_to_truth(place: Settings, folder: Path, review: dict[str, Any]) -> Truth:
    """Hold the report sample of a reviewed version to the simulated lender's truth."""
    import numpy as np
    import pyarrow.parquet as pq

    from loanbook.governance.registry import Registry
    from loanbook.training import calibration, candidates, evaluation

    tags = Registry(place).version(review["model"], review["version"]).tags
    made = candidates.read(place, "world", tags["loanbook.candidate"])
    truth = pq.read_table(folder / "truth" / "applications.parquet", columns=["application_id", "true_pd"])
    stored = pq.read_table(made.predictions).to_pandas()
    report = stored[stored["sample"] == "report"].merge(truth.to_pandas(), on="application_id")
    pd, true, bad = (report[name].to_numpy() for name in ("pd", "true_pd", "bad"))

    def lift(outcome: Any) -> Lift:
        return Lift(evaluation.auc(pd, outcome)[0], evaluation.auc(true, outcome)[0])

    def said(outcome: Any) -> tuple[float, float, float]:
        slope = calibration.logistic(evaluation.log_odds(pd), outcome.astype(float)).slope
        return lift(outcome).share, slope, evaluation.ece(pd, outcome)

    chance = np.random.default_rng(1)
    again = [said(chance.random(len(true)) < true) for _ in range(REDRAWN)]
    bounds = np.quantile(again, [0.05, 0.95], axis=0).T.tolist()
    bands = np.array_split(np.argsort(pd, kind="stable"), evaluation.BANDS)
    return Truth(
        drawn=lift(bad),
        expected=Lift(_expected_auc(pd, true), _expected_auc(true, true)),
        slope=calibration.logistic(evaluation.log_odds(pd), true).slope,
        ece=float(sum(abs(pd[rows].mean() - true[rows].mean()) * len(rows) for rows in bands) / len(pd)),
        redrawn={
            name: (low, high) for name, (low, high) in zip(("share", "slope", "ece"), bounds, strict=True)
        },
    )


def _expected_auc(score: Any, true: Any) -> float:
    """Give the AUC with each row a bad by its true PD and a good by the rest; ties count half."""
    import numpy as np

    _, place = np.unique(score, return_inverse=True)
    goods, bads = np.bincount(place, weights=1 - true), np.bincount(place, weights=true)
    return float((bads * (np.cumsum(goods) - goods / 2)).sum() / (bads.sum() * goods.sum()))
