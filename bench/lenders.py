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

APPLICATIONS, HISTORY = 200_000, 48
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
class Ranked:
    """A model's AUC beside that of the ranking by true PD, on the same report sample."""

    auc: float
    oracle: float

    @property
    def share(self) -> float:
        """The share of the oracle's lift over 0.5."""
        return (self.auc - 0.5) / (self.oracle - 0.5)


def against_oracle(place: Settings, folder: Path, review: dict[str, Any]) -> Ranked:
    """Rank the report sample by the true PD, which no flow reads."""
    import pyarrow.parquet as pq

    from loanbook.governance.registry import Registry
    from loanbook.training import candidates, evaluation

    tags = Registry(place).version(review["model"], review["version"]).tags
    made = candidates.read(place, "world", tags["loanbook.candidate"])
    truth = pq.read_table(folder / "truth" / "applications.parquet", columns=["application_id", "true_pd"])
    stored = pq.read_table(made.predictions).to_pandas()
    report = stored[stored["sample"] == "report"].merge(truth.to_pandas(), on="application_id")
    oracle = evaluation.auc(report["true_pd"].to_numpy(), report["bad"].to_numpy())[0]
    return Ranked(review["metrics"]["auc"], oracle)
