"""features → candidate: four samples of a lot by time, no customer on two sides, and chance among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from loanbook.training import splits

# No cut-off is found, so the two samples that share a period are one here.
SAMPLES = ("fit", "stop", "calibrate", "report")
LEARNED = ("fit", "stop")
NAMES = np.array([0, 1, 2, 2, 3], np.int8)

Times = npt.NDArray[np.datetime64]
Names = npt.NDArray[np.object_]
Flags = npt.NDArray[np.bool_]
Vector = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Draws = npt.NDArray[np.float64]
# Figures by name, one of each draw; of none given, one of the sample itself.
Taken = Callable[[Draws | None], Mapping[str, Vector]]

TIMES, ENDS = 500, (2.5, 97.5)
CHUNK = 2_000_000  # weights in memory at once: rows times draws


@dataclass(frozen=True)
class Split:
    """`sample` gives each row's sample by its place in SAMPLES, or -1 for a row that is left out."""

    sample: npt.NDArray[np.int8]
    facts: dict[str, object]

    def rows(self, *names: str) -> Flags:
        """Which rows stand in any of these samples."""
        return np.asarray(np.isin(self.sample, [SAMPLES.index(name) for name in names]))


def by_time(decided_at: Times, ripe_at: Times, customers: Names, *, report_from: datetime | None) -> Split:
    """Split the lot; TrainingError where a sample would be empty."""
    found = splits.by_time(decided_at, ripe_at, customers, report_from=report_from)
    sample = np.where(found.sample >= 0, NAMES[found.sample], -1).astype(np.int8)
    facts: dict[str, object] = {
        "report_from": str(found.report_from),
        "embargoed": found.embargoed,
        "grouped_out": found.grouped_out,
    }
    return Split(sample, facts)


def shared(customers: Names, samples: tuple[Flags, ...]) -> int:
    """Count customers who stand in more than one sample."""
    seen = [customer for mask in samples for customer in set(customers[mask])]
    return len(seen) - len(set(seen))


def draws(unit: Places, *, seed: int, times: int = TIMES) -> Iterator[Draws]:
    """Draw customers with replacement; gives how often each row was drawn, draws × rows.

    `unit` says which customer each row is of, from 0; whole customers are drawn.
    """
    chance, units = np.random.default_rng(seed), int(unit.max()) + 1
    size = max(1, CHUNK // len(unit))
    for start in range(0, times, size):
        here = min(size, times - start)
        drawn = chance.integers(0, units, (here, units)) + np.arange(here)[:, None] * units
        found = np.bincount(drawn.ravel(), minlength=here * units).reshape(here, units)
        yield found[:, unit].astype(float)


def intervals(unit: Places, taken: Taken, *, seed: int) -> dict[str, list[float]]:
    """Give each figure's percentile interval at 95 %; `taken` gives figures by name of some draws."""
    parts = [taken(counts) for counts in draws(unit, seed=seed)]
    return {
        f"{name}_interval": np.percentile(np.concatenate([part[name] for part in parts]), ENDS).tolist()
        for name in parts[0]
    }
