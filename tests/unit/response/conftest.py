"""A lender that drew limits and rates by lot, with known responses, and what was made of its statements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from loanbook import lines
from loanbook.response import making, responder
from loanbook.response.responder import Responder
from loanbook.settings import Settings
from loanbook.training import frame
from loanbook.training.orders import Candidate

from ..reviewing import Place, order_of, publish

ROWS, CUSTOMERS, MONTHS = 9_000, 8_000, 12
START, AS_OF = np.datetime64("2021-01-01", "us"), datetime(2024, 6, 1)
DOSES, RATES = np.array([4_000.0, 8_000.0, 16_000.0, 32_000.0]), np.array([0.08, 0.12, 0.16])
FEATURES = ("salary_90d", "bureau_score", "bank_name", "never_filled")
STEPS = np.log(DOSES / DOSES[0])


@dataclass(frozen=True)
class Drawn:
    """What was drawn of each limit, who is short of money and who is risky, and what is true at each dose."""

    limits: dict[str, Any]
    statements: dict[str, Any]
    short: Any
    risky: Any
    balance: Any
    pd: Any


def draw(*, effect: bool = True, lot: float = 0.9) -> Drawn:
    """Draw limits, of which a share by lot; who is short draws more, who is risky defaults more, the more so.

    Without an effect what is drawn and defaulted is what the smallest limit would make.
    """
    luck = np.random.default_rng(5)
    customer = luck.integers(0, CUSTOMERS, ROWS)
    short, risky = luck.integers(0, 2, CUSTOMERS), luck.integers(0, 2, CUSTOMERS)
    by_lot, dose, rate = luck.random(ROWS) < lot, luck.integers(0, 4, ROWS), luck.integers(0, 3, ROWS)
    dose = np.where(by_lot, dose, 3 * (1 - short[customer]))
    steps = STEPS[None, :] * effect
    dear = 1 - 0.06 * (rate - 1)[:, None]
    balance = dear * (1_800 + (500 + 1_000 * short[customer])[:, None] * steps)
    pd = 1 / (1 + np.exp(2.8 - 0.1 * (rate - 1)[:, None] - (1.0 * risky[customer])[:, None] - 0.5 * steps))
    row = np.arange(ROWS)
    bad = luck.random(ROWS) < pd[row, dose]
    drawn = balance[row, dose][:, None] * luck.uniform(0.6, 1.4, (ROWS, 1)) * np.ones(MONTHS)
    event = START + np.sort(luck.integers(0, 850 * 86_400, ROWS)) * np.timedelta64(1, "s")
    limits = {
        "limit_id": np.array([f"M{n:06}" for n in range(ROWS)]),
        "event_at": event,
        "available_at": event,
        "customer_id": np.array([f"C{n:06}" for n in customer]),
        "limit_amount": DOSES[dose],
        "rate": RATES[rate],
        "randomised": by_lot,
    }
    return Drawn(limits, _told(limits, drawn, bad), short, risky, balance, pd)


def _told(limits: dict[str, Any], drawn: Any, bad: Any) -> dict[str, Any]:
    """Tell each month: 90 days late from the sixth on where it went bad."""
    number = np.arange(1, MONTHS + 1)
    first = limits["event_at"].astype("M8[D]")
    months = (first.astype("M8[M]")[:, None] + number).astype("M8[D]")
    at = months + np.minimum((first - first.astype("M8[M]").astype("M8[D]")).astype(int), 27)[:, None]
    return {
        "statement_id": np.array([f"S{n:07}" for n in range(ROWS * MONTHS)]),
        "event_at": at.astype("M8[us]").ravel(),
        "available_at": (at + np.timedelta64(1, "D")).astype("M8[us]").ravel(),
        "limit_id": np.repeat(limits["limit_id"], MONTHS),
        "customer_id": np.repeat(limits["customer_id"], MONTHS),
        "balance": np.round(drawn, 2).ravel(),
        "days_past_due": np.where(bad[:, None] & (number >= 6), 90, 0).ravel().astype(np.int32),
    }


def _history(drawn: Drawn, asked: pa.Table) -> pa.Table:
    """Give the features as the store would, in the order that was asked."""
    who = np.array([int(name[1:]) for name in asked["customer_id"].to_pylist()])
    luck = np.random.default_rng(9)
    salary = np.where(luck.random(len(who)) < 0.1, np.nan, 9_000.0 - 4_000 * drawn.short[who])
    return pa.table(
        {
            "limit_id": asked["limit_id"],
            "salary_90d": pa.array(salary, from_pandas=True),
            "bureau_score": pa.array(700.0 - 90 * drawn.risky[who] + 10 * luck.normal(size=len(who))),
            "bank_name": pa.array(np.array(["ICBC", "CCB"])[who % 2].tolist(), pa.string()),
            "never_filled": pa.nulls(len(who), pa.float64()),
        }
    )


@dataclass(frozen=True)
class Lender(Place):
    """A place that set limits, and what was drawn of them."""

    drawn: Drawn


def lender_of(folder: Path, drawn: Drawn) -> Lender:
    """Publish what was drawn, and order a responder of it."""
    settings, line = Settings(home=folder / "home", threads=1), lines.find("limit_response")
    published = {
        name: publish(settings, folder, name, getattr(drawn, name)) for name in ("limits", "statements")
    }
    lot = frame.wanted(frame.outcomes(settings, published, line, AS_OF))
    known = frame.freeze(settings, "lender", line.grain, lot, _history(drawn, lot))
    return Lender(settings, line, published, order_of(line, known, FEATURES), AS_OF, drawn)


@pytest.fixture(scope="session")
def lender(tmp_path_factory: pytest.TempPathFactory) -> Lender:
    return lender_of(tmp_path_factory.mktemp("lender"), draw())


@pytest.fixture(scope="session")
def make(lender: Lender, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Candidate]:
    return lambda: making.make(lender.settings, lender.order, tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="session")
def made(make: Callable[[], Candidate]) -> Candidate:
    return make()


@pytest.fixture(scope="session")
def opened(made: Candidate) -> Responder:
    return responder.read(made.folder, expected=made.bundle)


@pytest.fixture(scope="session")
def ready(lender: Lender) -> making.Prepared:
    return making.prepare(lender.order)
