"""Published tables written by hand, and a bundle that was fitted to drawn applicants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from loanbook.lending import strategy
from loanbook.schema import TABLES
from loanbook.training import calibration, fitting, matrix, reasons
from loanbook.training.bundle import Bundle
from loanbook.training.calibration import Platt
from loanbook.training.fitting import Form, Recipe, Sample
from loanbook.training.reasons import Reason
from loanbook.training.scorecard import Scorecard
from loanbook.watching import stability

TYPES = {
    "VARCHAR": pa.string(),
    "TIMESTAMP": pa.timestamp("us"),
    "DOUBLE": pa.float64(),
    "INTEGER": pa.int32(),
    "DECIMAL(18,2)": pa.decimal128(18, 2),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
}
Rows = Mapping[str, Sequence[Mapping[str, Any]]]
Publish = Callable[[Path, Rows], dict[str, Path]]


def _publish(folder: Path, rows: Rows) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, given in rows.items():
        unknown = {key for row in given for key in row} - set(TABLES[name].names)
        assert not unknown, f"{name} has no {unknown}"
        shape = pa.schema([(column.name, TYPES[column.type]) for column in TABLES[name].columns])
        paths[name] = folder / f"{name}.parquet"
        parquet.write_table(pa.Table.from_pylist([dict(row) for row in given], schema=shape), paths[name])
    return paths


@pytest.fixture(scope="session")
def publish() -> Publish:
    """Write each table's rows to a folder as canonical Parquet; what a row doesn't say is null."""
    return _publish


FEATURES = ("bureau_score", "debt", "months", "housing")
MONOTONE = {"bureau_score": -1, "debt": 1, "months": -1}
REASONS = tuple(Reason(name.upper(), name, "原因", (name,)) for name in FEATURES)
WORDS = np.array(["own", "rent", "family"], dtype=object)


def _people(rows: int, seed: int) -> tuple[pa.Table, Any]:
    chance = np.random.default_rng(seed)
    score, debt, months = chance.normal(size=rows), chance.normal(size=rows), chance.normal(size=rows)
    housing = WORDS[chance.integers(0, 3, rows)]
    odds = -1.8 - 1.2 * score + debt - 0.5 * months + 0.7 * (housing == "rent")
    table = pa.table(
        {
            "application_id": [f"A{seed}-{n:04}" for n in range(rows)],
            "customer_id": [f"C{n}" for n in range(rows)],
            "decided_at": np.datetime64("2024-01-01", "us") + np.arange(rows) * np.timedelta64(1, "h"),
            "bureau_score": score,
            "debt": debt,
            "months": months,
            "housing": pa.array(housing, pa.string()),
        }
    )
    return table, chance.random(rows) < 1 / (1 + np.exp(-odds))


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """Fit, calibrate and freeze a bundle on people who were drawn."""
    (fit, bad), (stop, stop_bad) = _people(3000, 1), _people(1000, 2)
    plan = matrix.plan(fit, FEATURES, MONOTONE)
    values, threads = matrix.encode(fit, plan), 1
    fitted = fitting.fit(
        Form.of(plan, seed=7, threads=threads),
        Sample(values, bad),
        Sample(matrix.encode(stop, plan), stop_bad),
        Recipe(rounds=200, patience=30, learning_rate=0.1),
    )
    score = fitting.scores(fitted.model, values, threads=threads)
    platt = calibration.fit(score, bad)
    pd = platt.pd(score)
    cut_offs = strategy.find(pd, bad, max_bad_rate=0.12, refer_band=0.05)
    parts = fitting.contributions(fitted.model, values, threads=threads)
    worded = reasons.reason_map(REASONS, plan.features, parts, pd, cut_offs.approve_below)
    frozen = {
        name: stability.freeze(values[:, index], codes=len(plan.categories.get(name, ())))
        for index, name in enumerate(plan.features)
    } | {"pd": stability.freeze(pd)}
    card = Scorecard(-1.5, (), Platt(0.0, 1.0))
    bins = {"fit": frozen, "door": frozen}
    return Bundle(fitted.model, plan, platt, cut_offs, worded, bins, card, {})


@pytest.fixture(scope="session")
def book() -> pa.Table:
    """Draw others, whom nobody has decided yet."""
    return _people(800, 3)[0]
