"""The simulated lender's open banking: three months of an applicant's account, a day behind."""

from __future__ import annotations

import numpy as np

from loanbook.world import words
from loanbook.world.applications import Filing
from loanbook.world.arrays import DAY, SECOND, Columns, Floats, Ints, cents, join
from loanbook.world.chance import Topic, stream
from loanbook.world.people import Arrivals, People
from loanbook.world.spec import Plant, WorldSpec

LAG = DAY
REACH = 85  # days of account read back from the filing
SALARY, RENT, MORTGAGE, CASH, GAMBLING, GROCERIES, TRANSPORT = range(len(words.CATEGORIES))
TRANSFER, CARD, BY_CASH, MOBILE = range(len(words.TRANSACTION_CHANNELS))
OWN_MERCHANTS = 10  # where the ethnic groups' own merchants begin in words.MERCHANTS


def statement(spec: WorldSpec, arrivals: Arrivals, people: People, filing: Filing) -> list[Columns]:
    """Write an account's salary, housing, cash, gambling and shopping; keys follow later."""
    month = arrivals.month
    steady = people.stability[arrivals.customer].astype(np.float64)
    willing = people.willingness[arrivals.customer].astype(np.float64)
    monthly = filing.income / 12
    return [
        _salaries(spec, arrivals, monthly, steady),
        _housing(spec, arrivals, monthly, filing.housing),
        _spells(
            spec, month, Topic.CASH, arrivals, (CASH, BY_CASH), np.exp(0.45 - 0.4 * steady), 0.05 * monthly
        ),
        _spells(
            spec,
            month,
            Topic.GAMBLING,
            arrivals,
            (GAMBLING, MOBILE),
            np.exp(-1.1 - 0.9 * willing),
            0.03 * monthly,
        ),
        _shopping(spec, arrivals, people, monthly),
    ]


def keyed(parts: list[Columns], first: int) -> Columns:
    """Put a month's parts together and number them."""
    rows = join(parts)
    return {"transaction": first + np.arange(len(rows["event"])), **rows}


def _row(
    who: Ints, event: Ints, amount: Floats, direction: int, category: Ints | int, merchant: Ints, channel: int
) -> Columns:
    size = len(who)
    return {
        "event": event,
        "available": event + LAG,
        "customer": who,
        "amount": np.maximum(cents(amount), 100),
        "direction": np.full(size, direction),
        "category": np.broadcast_to(np.asarray(category, dtype=np.int64), size).copy(),
        "merchant": merchant,
        "channel": np.full(size, channel),
    }


def _salaries(spec: WorldSpec, arrivals: Arrivals, monthly: Floats, steady: Floats) -> Columns:
    """Pay three salaries, or fewer to whose work is unsteady."""
    rng = stream(spec.seed, arrivals.month, Topic.SALARY)
    size = len(monthly)
    payday = rng.integers(1, 25, size)
    paid = rng.random((3, size)) < 1 / (1 + np.exp(-2.2 - 1.1 * steady))
    wobble = np.exp(rng.normal(0, 0.03, (3, size)))
    back, row = np.nonzero(paid)
    event = arrivals.event[row] - (payday[row] + 30 * back) * DAY
    merchant = np.zeros(len(row), dtype=np.int64)
    amount = np.round((monthly * wobble)[back, row])
    return _row(arrivals.customer[row], event, amount, 0, SALARY, merchant, TRANSFER)


def _housing(spec: WorldSpec, arrivals: Arrivals, monthly: Floats, housing: Ints) -> Columns:
    rng = stream(spec.seed, arrivals.month, Topic.HOUSING)
    size = len(monthly)
    due, share = rng.integers(1, 25, size), rng.uniform(0.15, 0.35, size)
    renting = housing == words.HOUSING.index("rent")
    row = np.flatnonzero(renting | (housing == words.HOUSING.index("mortgage")))
    row = np.repeat(row, 2)
    event = arrivals.event[row] - (due[row] + 30 * (np.arange(len(row)) % 2)) * DAY
    category = np.where(renting[row], RENT, MORTGAGE)
    merchant = np.where(renting[row], 1, 2)
    return _row(
        arrivals.customer[row], event, (share * monthly)[row].round(-1), 1, category, merchant, TRANSFER
    )


def _spells(
    spec: WorldSpec,
    month: int,
    topic: Topic,
    arrivals: Arrivals,
    kind: tuple[int, int],
    rate: Floats,
    typical: Floats,
) -> Columns:
    """Scatter spending of one kind over the statement."""
    rng = stream(spec.seed, month, topic)
    category, channel = kind
    row = np.repeat(np.arange(len(rate)), np.minimum(rng.poisson(rate), 12))
    event = arrivals.event[row] - rng.integers(DAY // SECOND, REACH * DAY // SECOND, len(row)) * SECOND
    amount = typical[row] * np.exp(rng.normal(0, 0.3, len(row)))
    merchant = np.full(len(row), 3) if category == CASH else rng.integers(4, 6, len(row))
    return _row(arrivals.customer[row], event, amount, 1, category, merchant, channel)


def _shopping(spec: WorldSpec, arrivals: Arrivals, people: People, monthly: Floats) -> Columns:
    """Buy groceries and rides; with the proxy planted, each group also at merchants of its own."""
    rng = stream(spec.seed, arrivals.month, Topic.SHOPPING)
    row = np.repeat(np.arange(len(monthly)), rng.poisson(3.6, len(monthly)))
    event = arrivals.event[row] - rng.integers(DAY // SECOND, REACH * DAY // SECOND, len(row)) * SECOND
    ride = rng.random(len(row)) < 0.35
    merchant = np.where(ride, rng.integers(8, 10, len(row)), rng.integers(6, 8, len(row)))
    group = people.ethnicity[arrivals.customer[row]].astype(np.int64)
    own = (group > 0) & ~ride & (rng.random(len(row)) < 0.5)
    if spec.has(Plant.PROXY):
        merchant = np.where(own, OWN_MERCHANTS + _own(group), merchant)
    amount = np.exp(rng.normal(0, 0.5, len(row))) * np.where(ride, 0.006, 0.03) * monthly[row]
    return _row(
        arrivals.customer[row], event, amount, 1, np.where(ride, TRANSPORT, GROCERIES), merchant, CARD
    )


def _own(group: Ints) -> Ints:
    """Find a group's merchant: Zhuang eat rice noodles, Hui halal, Mongols mutton."""
    return np.array([0, 1, 0, 2])[group]
