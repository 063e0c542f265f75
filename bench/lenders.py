"""Lenders to measure on: each in a home of its own, since what a book holds of a dataset is one lender's."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.measuring import Row
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
