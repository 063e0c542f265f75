"""The simulated lender's recoveries: what comes back of a written-off loan, about a year later."""

from __future__ import annotations

import numpy as np

from loanbook.world.applications import AUTO
from loanbook.world.arrays import DAY, Columns, Flags, Floats, Ints, cents, join
from loanbook.world.calendar import Calendar
from loanbook.world.chance import of_key

CHARGE_OFF, REPOSSESSION, SALE, PAYMENT = range(4)
AUCTION = 0.66  # of the vehicle's value when new to the owner, at the index of the day
SURPLUS = 1.1  # of the balance: what is sold for more goes back to the borrower
FOUND = 0.86  # vehicles that can be repossessed


def recover(calendar: Calendar, month: int, instalments: Columns) -> Columns:
    """Write what follows the write-offs of a month: the write-off, repossession and sale, or payments."""
    off = instalments["written_off"]
    loan, event, product = (instalments[name][off] for name in ("loan", "event", "product"))
    balance = instalments["balance"][off] / 100
    found = (product == AUTO) & (of_key(loan, 0, 11) < FOUND)
    taken = event + (40 + 50 * of_key(loan, 0, 12)) // 1 * DAY
    sold = taken + (120 + 150 * of_key(loan, 0, 13)) // 1 * DAY
    price = np.minimum(_auction(calendar, month, instalments["value"][off], loan), SURPLUS * balance)
    given = balance * np.clip(0.75 * of_key(loan, 0, 15) ** 1.5 + 0.02, 0, 1)
    everything = np.ones(len(loan), dtype=np.bool_)
    nothing = np.zeros(len(loan))
    return join(
        [
            _rows(loan, event + DAY, 5, (0, CHARGE_OFF), balance, nothing, everything),
            _rows(loan, taken, 10, (1, REPOSSESSION), nothing, 1_200 + 1_800 * of_key(loan, 0, 14), found),
            _rows(loan, sold, 30, (2, SALE), price, 0.04 * price, found),
            _rows(loan, event + 240 * DAY, 25, (3, PAYMENT), 0.6 * given, 0.12 * given, ~found),
            _rows(loan, event + 370 * DAY, 25, (4, PAYMENT), 0.4 * given, 0.08 * given, ~found),
        ]
    )


def _auction(calendar: Calendar, month: int, value: Floats, loan: Ints) -> Floats:
    """Sell at the index of about nine months on, or of the last month known."""
    then = min(month + 9, len(calendar.used_vehicle_index) - 1)
    index = calendar.used_vehicle_index[then] / 100
    luck = np.exp(0.22 * (of_key(loan, 1, 14) + of_key(loan, 2, 14) + of_key(loan, 3, 14) - 1.5) * 2)
    price: Floats = np.round(value * AUCTION * index * luck, 2)
    return price


def _rows(
    loan: Ints, event: Ints, lag: int, place: tuple[int, int], amount: Floats, cost: Floats, only: Flags
) -> Columns:
    """Write one kind of row for some loans; `place` is its number among a loan's rows, and its kind."""
    happened = np.asarray(event, dtype=np.int64)[only]
    return {
        "recovery": loan[only] * 8 + place[0],
        "event": happened,
        "available": happened + lag * DAY,
        "loan": loan[only],
        "kind": np.full(len(happened), place[1]),
        "amount": cents(amount[only]),
        "cost": cents(cost[only]),
    }
