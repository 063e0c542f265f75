"""A lender that drew by lot whom to offer what, with a known uplift, and what was made of its answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from loanbook import lines
from loanbook.settings import Settings
from loanbook.training import frame
from loanbook.training.orders import Candidate
from loanbook.uplift import making, uplifter
from loanbook.uplift.uplifter import Uplifter

from ..reviewing import Place, order_of, publish

ROWS, CUSTOMERS = 12_000, 9_000
START, AS_OF = np.datetime64("2022-01-01", "us"), datetime(2023, 6, 1)
OFFERS = np.array(["none", "limit_raise", "rate_cut", "top_up"])
LIMITS, RATES = np.array([5_000.0, 10_000.0, 20_000.0]), np.array([0.06, 0.10, 0.14])
FEATURES = ("outreach_loans", "outreach_last_rate", "outreach_last_offer", "never_filled")


def chance(log_odds: Any) -> Any:
    return 1 / (1 + np.exp(-log_odds))


@dataclass(frozen=True)
class Drawn:
    """What was drawn of each contact, and the true chance of an answer without the offer and with it."""

    columns: dict[str, Any]
    loans: Any
    last_rate: Any
    without: Any
    with_offer: Any


def draw(*, effect: bool = True) -> Drawn:
    """Draw contacts by lot; loans lower both what is answered anyhow and what an offer adds."""
    luck = np.random.default_rng(5)
    customer = luck.integers(0, CUSTOMERS, ROWS)
    loans, last_rate = luck.integers(0, 4, CUSTOMERS), luck.choice([0.06, 0.09, np.nan], CUSTOMERS)
    offer, limit, rate = luck.integers(0, 4, ROWS), luck.integers(0, 3, ROWS), luck.integers(0, 3, ROWS)
    plain = -1.8 - 0.3 * loans[customer]
    pull = 0.7 - 0.3 * loans[customer] + 0.4 * (limit - 1) - 0.7 * (rate - 1)
    without, with_offer = chance(plain), chance(plain + pull * effect)
    made = offer > 0
    lot = luck.random(ROWS) < 0.9
    event = START + np.sort(luck.integers(0, 500 * 86_400, ROWS)) * np.timedelta64(1, "s")
    columns = {
        "contact_id": np.array([f"O{n:06}" for n in range(ROWS)]),
        "event_at": event,
        "available_at": event + np.timedelta64(14, "D"),
        "customer_id": np.array([f"C{n:06}" for n in customer]),
        "offer": OFFERS[offer],
        "limit_amount": np.where(made, LIMITS[limit], np.nan),
        "rate": np.where(made, RATES[rate], np.nan),
        "randomised": lot,
        "response": luck.random(ROWS) < np.where(made, with_offer, without),
    }
    return Drawn(columns, loans, last_rate, without, with_offer)


def _history(drawn: Drawn, asked: pa.Table) -> pa.Table:
    """Give the features as the store would, in the order that was asked."""
    who = np.array([int(name[1:]) for name in asked["customer_id"].to_pylist()])
    last = np.array(["rate_cut", "top_up"])[who % 2]
    return pa.table(
        {
            "contact_id": asked["contact_id"],
            "outreach_loans": pa.array(drawn.loans[who].astype(float)),
            "outreach_last_rate": pa.array(drawn.last_rate[who], from_pandas=True),
            "outreach_last_offer": pa.array(last.tolist(), pa.string()),
            "never_filled": pa.nulls(len(who), pa.float64()),
        }
    )


@dataclass(frozen=True)
class Sender(Place):
    """A place that made offers, and what was drawn of them."""

    drawn: Drawn


def sender_of(folder: Path, drawn: Drawn) -> Sender:
    """Publish what was drawn, and order an uplifter of it; one customer in twenty didn't agree."""
    settings, line = Settings(home=folder / "home", threads=1), lines.find("uptake")
    moments = np.full(CUSTOMERS, START)
    customers = {
        "customer_id": np.array([f"C{n:06}" for n in range(CUSTOMERS)]),
        "event_at": moments,
        "available_at": moments,
        "consent_marketing": np.arange(CUSTOMERS) % 20 > 0,
    }
    published = {
        "contacts": publish(settings, folder, "contacts", drawn.columns),
        "customers": publish(settings, folder, "customers", customers),
    }
    lot = frame.wanted(frame.outcomes(settings, published, line, AS_OF))
    known = frame.freeze(settings, "sender", line.grain, lot, _history(drawn, lot))
    return Sender(settings, line, published, order_of(line, known, FEATURES), AS_OF, drawn)


@pytest.fixture(scope="session")
def sender(tmp_path_factory: pytest.TempPathFactory) -> Sender:
    return sender_of(tmp_path_factory.mktemp("sender"), draw())


@pytest.fixture(scope="session")
def make(sender: Sender, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Candidate]:
    return lambda: making.make(sender.settings, sender.order, tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="session")
def made(make: Callable[[], Candidate]) -> Candidate:
    return make()


@pytest.fixture(scope="session")
def opened(made: Candidate) -> Uplifter:
    return uplifter.read(made.folder, expected=made.bundle)


@pytest.fixture(scope="session")
def ready(sender: Sender) -> making.Prepared:
    return making.prepare(sender.order)


@pytest.fixture(scope="session")
def report(sender: Sender, made: Candidate) -> Any:
    """Give the offers of the report sample, with the true chances beside those told."""
    rows = parquet.read_table(made.predictions).to_pandas()
    places = rows["contact_id"].str[1:].astype(int).to_numpy()
    rows["true_without"], rows["true_with"] = sender.drawn.without[places], sender.drawn.with_offer[places]
    return rows[(rows["sample"] == "report") & rows["treated"]]
