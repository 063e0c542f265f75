"""The simulated lender's ledger: every loan's instalments as they are paid, late, missed, written off."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from loanbook.world.applications import NOMINAL_RATE, Filing, payment
from loanbook.world.arrays import DAY, HOUR, Columns, Flags, Floats, Ints, cents, join, take
from loanbook.world.calendar import add_months
from loanbook.world.chance import Topic, of_key, stream
from loanbook.world.outcomes import Paths
from loanbook.world.people import Arrivals
from loanbook.world.spec import Plant, WorldSpec
from loanbook.world.vehicles import Vehicles

GIVEN_UP = 31  # days after which a payment that didn't come is written down as missed
PRICED_BY_LOT = 0.05
MONTH_ZERO = np.datetime64("1970-01", "M")


@dataclass
class Book:
    """The loans that still run, one row each."""

    loans: Columns = field(default_factory=dict)

    def add(self, loans: Columns) -> None:
        """Take in a month's new loans."""
        self.loans = join([self.loans, loans]) if self.loans else loans

    def due(self, month_start: int) -> Columns:
        """Write the instalments due in a month and drop the loans that end with it."""
        month = (np.datetime64(month_start, "us").astype("M8[M]") - MONTH_ZERO).astype(np.int64)
        number = month - self.loans["month"]
        rows = _instalments(take(self.loans, number >= 1), number[number >= 1])
        self.loans = take(self.loans, number < self.loans["ends"])
        return rows


def lend(
    spec: WorldSpec,
    arrivals: Arrivals,
    filing: Filing,
    vehicles: Vehicles,
    score: Floats,
    paths: Paths,
    first: int,
) -> Columns:
    """Write the loan of every arrival, as it would be if lent, numbered as their applications are."""
    rng = stream(spec.seed, arrivals.month, Topic.LOAN)
    size = len(score)
    started = arrivals.event // DAY * DAY + rng.integers(4, 10, size) * DAY + 10 * HOUR
    rate, by_lot = _prices(spec, filing, score, rng)
    ends = np.where(paths.charged, paths.first_missed + paths.missed - 1, filing.term)
    return {
        "loan": first + np.arange(size),
        "event": started,
        "available": started + 2 * HOUR,
        "customer": arrivals.customer,
        "product": filing.product,
        "principal": filing.amount,
        "rate": rate,
        "term": filing.term,
        "instalment": np.round(payment(filing.amount, rate, filing.term), 2),
        "month": (started.astype("M8[us]").astype("M8[M]") - MONTH_ZERO).astype(np.int64),
        "ends": np.where(paths.paid_off > 0, paths.paid_off, ends),
        "first_missed": paths.first_missed,
        "missed": paths.missed,
        "charged": paths.charged,
        "paid_off": paths.paid_off,
        "lateness": paths.lateness,
        "value": vehicles.value,
        "by_lot": by_lot,
    }


def columns(loans: Columns) -> Columns:
    """Write loans as numbers, money in minor units."""
    return {
        **{name: loans[name] for name in ("loan", "event", "available", "application", "customer")},
        **{name: loans[name] for name in ("product", "rate", "term")},
        **{name: cents(loans[name]) for name in ("principal", "instalment")},
        "by_lot": loans["by_lot"].astype(np.int64),
    }


def _prices(spec: WorldSpec, filing: Filing, score: Floats, rng: np.random.Generator) -> tuple[Floats, Flags]:
    """Price by score; a slice is priced by lot."""
    listed = NOMINAL_RATE[filing.product] * np.exp(-0.12 * (score - 640) / 80)
    uniform, spread = rng.random((2, len(score)))
    by_lot = (uniform < PRICED_BY_LOT) & spec.has(Plant.RANDOMISED)
    return np.round(listed * np.where(by_lot, 0.7 + 0.6 * spread, 1.0), 4), by_lot


def _instalments(loans: Columns, number: Ints) -> Columns:
    """Write each loan's instalment of the given number, as it stood when it was paid or given up."""
    start = loans["event"].astype("M8[us]").astype("M8[D]")
    due = add_months(start, number).astype("M8[us]").astype(np.int64)
    since = add_months(start, np.maximum(loans["first_missed"], 1)).astype("M8[us]").astype(np.int64)
    begun = (loans["first_missed"] > 0) & (number >= loans["first_missed"])
    missing = begun & (number < loans["first_missed"] + loans["missed"])
    curing = begun & (number == loans["first_missed"] + loans["missed"])
    late = _days_late(loans, number)
    hour = (8 + of_key(loans["loan"], number, 3) * 12) * HOUR
    event = np.where(missing, due + GIVEN_UP * DAY + HOUR, due + late * DAY + hour.astype(np.int64))
    overdue = np.where(missing | curing, (event - since) // DAY, late)
    closing = (number == loans["paid_off"]) | ((number == loans["term"]) & ~missing)
    settled = np.where(missing, loans["first_missed"] - 1, number)
    left = _balance(loans, settled)
    missed_before = np.where(curing, loans["missed"], 0)
    paid = loans["instalment"] * (1 + missed_before) + np.where(closing, left, 0.0)
    return {
        "loan": loans["loan"],
        "number": number,
        "event": event,
        "available": event + DAY + (of_key(loans["loan"], number, 4) * 2 * DAY).astype(np.int64),
        "due": cents(loans["instalment"]),
        "paid": cents(np.where(missing, 0.0, paid)),
        "balance": cents(np.where(closing, 0.0, left)),
        "days_past_due": overdue.astype(np.int64),
        "written_off": loans["charged"] & (number == loans["ends"]),
        "product": loans["product"],
        "value": loans["value"],
    }


def _days_late(loans: Columns, number: Ints) -> Ints:
    """Pay some days late by habit, and more often in the months before a first miss; 25 days at most."""
    ahead = loans["first_missed"] - number
    worried = (loans["first_missed"] > 0) & (ahead >= 1) & (ahead <= 3) & (loans["missed"] > 0)
    chance = np.clip(loans["lateness"] + 0.3 * worried, 0, 0.95)
    days = 1 + np.floor(of_key(loans["loan"], number, 2) ** 2 * 25).astype(np.int64)
    return np.where(of_key(loans["loan"], number, 1) < chance, np.minimum(days, 25), 0)


def _balance(loans: Columns, settled: Ints) -> Floats:
    """Give the principal left after so many payments."""
    monthly = loans["rate"] / 12
    grown = (1 + monthly) ** settled
    left = loans["principal"] * grown - loans["instalment"] * (grown - 1) / monthly
    return np.round(np.maximum(left, 0.0), 2)
