"""A training set that was drawn, the order to learn from it, and the candidate that came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from loanbook import digests, lines
from loanbook.lending.strategy import Ceiling
from loanbook.settings import Settings
from loanbook.training import candidates
from loanbook.training.candidate import Order
from loanbook.training.candidates import Made
from loanbook.training.reasons import Reason

ROWS, START = 2500, np.datetime64("2020-01-01", "us")
WORDS = np.array(["own", "rent", "family", None], dtype=object)
FEATURES = ("bureau_score", "debt_to_income", "employment_months", "housing", "amount")
REASONS = (
    Reason("BUREAU", "Bureau", "征信", ("bureau_score",)),
    Reason("DEBT", "Debt", "负债", ("debt_to_income", "amount")),
    Reason("WORK", "Work", "就业", ("employment_months",)),
    Reason("HOUSING", "Housing", "居住", ("housing",)),
)


def draw(size: int = ROWS) -> pa.Table:
    """Draw applications with outcomes: the better the score, the fewer the bads."""
    chance = np.random.default_rng(4)
    score, debt, months = chance.normal(600, 80, size), chance.gamma(2, 0.2, size), chance.gamma(2, 20, size)
    housing = WORDS[chance.integers(0, 4, size)]
    odds = -1.6 - (score - 600) / 60 + 1.8 * (debt - 0.4) - (months - 40) / 80 + 0.4 * (housing == "rent")
    bad = chance.random(size) < 1 / (1 + np.exp(-odds))
    score[chance.random(size) < 0.08] = np.nan
    decided = START + np.sort(chance.integers(0, 1400 * 24, size)) * np.timedelta64(1, "h")
    ripe = decided + np.timedelta64(120, "D")
    outcome = np.where(bad, "bad", "good").astype(object)
    outcome[chance.random(size) < 0.1] = "unlent"
    outcome[decided > decided[-1] - np.timedelta64(120, "D")] = "unripe"
    number = np.arange(size)
    return pa.table(
        {
            "application_id": [f"A{n:05}" for n in number],
            "customer_id": [f"C{n}" for n in chance.integers(0, 2 * size, size)],
            "decided_at": decided,
            "entered_at": decided,
            "ripe_at": ripe,
            "outcome": pa.array(outcome, pa.string()),
            "bureau_score": pa.array(score, from_pandas=True),
            "debt_to_income": debt,
            "employment_months": months,
            "housing": pa.array(housing, pa.string()),
            "amount": chance.gamma(3, 1000, size),
        }
    )


@pytest.fixture(scope="session")
def order(tmp_path_factory: pytest.TempPathFactory) -> Order:
    path = tmp_path_factory.mktemp("frame") / "frame.parquet"
    parquet.write_table(draw(), path)
    return Order(
        line=lines.find("underwriting/consumer"),
        recipes=(),
        frame=path,
        frame_digest=digests.of_file(path),
        service="5e" * 32,
        features=FEATURES,
        reasons=REASONS,
        strategy=Ceiling(max_bad_rate=0.12, refer_band=0.05),
        report_from=datetime(2023, 1, 1),
        shared_customers=False,
        seed=7,
        threads=1,
    )


@pytest.fixture(scope="session")
def context() -> dict[str, Any]:
    said = {"trained_by": "erin", "trained_at": "2024-01-01T00:00:00Z", "code": {"commit": "c0ffee"}}
    return {**said, "search": {}}


@pytest.fixture(scope="session")
def make(
    tmp_path_factory: pytest.TempPathFactory, order: Order, context: dict[str, Any]
) -> Callable[..., Made]:
    """Train in a home of its own, or again in a given one."""

    def one(home: Path | None = None, ordered: Order = order, said: dict[str, Any] = context) -> Made:
        settings = Settings(home=home or tmp_path_factory.mktemp("home"), threads=1)
        return candidates.make(settings, "tiny", ordered, said)

    return one


@pytest.fixture(scope="session")
def made(make: Callable[..., Made]) -> Made:
    return make()
