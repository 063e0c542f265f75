"""features → candidate: what every trainer is asked for, and what every trainer gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loanbook import digests, lake
from loanbook.schema import Line
from loanbook.settings import Settings
from loanbook.training.fitting import Fitted

if TYPE_CHECKING:
    import pyarrow as pa

BUNDLE, PREDICTIONS = "bundle", "predictions.parquet"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a trainer is asked for. The same order on the same code gives the same bytes."""

    line: Line
    frame: Path
    frame_digest: str
    service: str
    features: tuple[str, ...]
    report_from: datetime | None
    seed: int
    threads: int


@dataclass(frozen=True)
class Candidate:
    """A trained model before anyone reviewed it."""

    folder: Path
    bundle: str
    predictions: Path
    predictions_digest: str
    split: Mapping[str, object]
    counts: Mapping[str, Mapping[str, object]]
    tried: Mapping[str, Mapping[str, object]]
    chosen: str


def candidate(
    into: Path,
    bundle: str,
    split: Mapping[str, object],
    counts: Mapping[str, Mapping[str, object]],
    tried: Sequence[Fitted],
    chosen: int,
) -> Candidate:
    """Give what lies below `into`: bundle and predictions; recipes are named by their place."""
    predictions = into / PREDICTIONS
    return Candidate(
        folder=into / BUNDLE,
        bundle=bundle,
        predictions=predictions,
        predictions_digest=digests.of_file(predictions),
        split=split,
        counts=counts,
        tried={f"{place:03}": _said(one) for place, one in enumerate(tried, start=1)},
        chosen=f"{chosen + 1:03}",
    )


def _said(one: Fitted) -> dict[str, object]:
    return {**asdict(one.recipe), "stopped_at": one.rounds, "stop_loss": one.stop_loss}


def card(order: Order, *libraries: str) -> dict[str, object]:
    """Say of a bundle what it was ordered from, and which libraries made it."""
    from importlib.metadata import version

    return {
        "format": 1,
        "line": order.line.name,
        "label": asdict(order.line.label),
        "decision_days": order.line.decision_days,
        "service": order.service,
        "frame": order.frame_digest,
        "seed": order.seed,
        "threads": order.threads,
        **{name: version(name) for name in ("lightgbm", *libraries)},
    }


def freeze(settings: Settings, rows: pa.Table, line: Line, into: Path) -> None:
    """Write the predictions below `into`, one row per decision, in order of time."""
    with lake.connect(settings) as connection:
        connection.register("rows", rows)
        query = f"SELECT * FROM rows ORDER BY decided_at, {line.grain.key}"
        lake.copy_out(connection, query, into / PREDICTIONS)


def times(table: pa.Table, name: str) -> npt.NDArray[np.datetime64]:
    """Give a column of moments."""
    import pyarrow as pa

    return np.asarray(table[name].cast(pa.timestamp("us")).to_numpy())
