"""The simulated lender's limits: set for the newly met, half by lot, and a statement of each a month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loanbook.world.arrays import DAY, HOUR, SECOND, Columns, Flags, Floats, Ints, cents, squash
from loanbook.world.calendar import Calendar, add_months
from loanbook.world.chance import Topic, stream
from loanbook.world.people import INCOME_SPREAD, MEDIAN_INCOME, People
from loanbook.world.spec import Plant, WorldSpec

LASTS = 12  # months that a limit is followed, and for which a customer keeps it
NEW = 6  # months after a first application within which a limit is set: what is known of a customer is fresh
INTENSITY, BY_LOT = 0.16, 0.55  # limits a month for each application; the share of them by lot
DOSES = np.array([4_000.0, 8_000.0, 16_000.0, 32_000.0, 64_000.0])
RATES = np.array([0.08, 0.12, 0.16, 0.20])
MIDDLE_DOSE, MIDDLE_RATE = 16_000.0, 0.14
FULL, EVEN = 0.95, 6.0  # most of a limit that anybody draws on average; how alike the draws of two alike are
CLOSES, EARLIEST = 0.06, 3  # who repays and closes for good, and with which statement at the earliest
LATE, SKIPS, LOST = 0.08, 0.006, 0.0008  # of a month's statements
NOISE_PD = 0.09  # what a noise world gives everybody, whatever the limit


@dataclass(frozen=True)
class Response:
    """What each would do at each dose, limits × doses: the mean balance of those who keep it, and the PD."""

    drawn: Floats
    pd: Floats

    @property
    def balance(self) -> Floats:
        """The expected mean balance of a year's statements: who closes owes nothing from then on."""
        kept = (EARLIEST + LASTS) / 2 - 1  # statements before the last, on average of who closes
        share: Floats = 1 - CLOSES * (1 - self.pd) * (1 - kept / LASTS)
        balance: Floats = self.drawn * share
        return balance


def set_limits(spec: WorldSpec, calendar: Calendar, people: People, month: int, first: int) -> Columns:
    """Set a month's limits; `balance` and `pd` hold what is true at every dose, at the row's own rate."""
    rng = stream(spec.seed, month, Topic.LIMITS)
    who = _customers(calendar, people, month, rng)
    size = len(who)
    opens, closes = calendar.start_of(month), calendar.start_of(month + 1)
    event = rng.integers(opens // SECOND, closes // SECOND, size) * SECOND
    lot = rng.random(size) < BY_LOT
    lot &= spec.has(Plant.RANDOMISED)
    wealth, guess = _wealth(people, who), rng.normal(size=(2, size))
    dose = np.where(lot, rng.integers(0, len(DOSES), size), _judged(2.0 + wealth + 0.5 * guess[0], DOSES))
    price = np.where(lot, rng.integers(0, len(RATES), size), _judged(1.5 - wealth + 0.5 * guess[1], RATES))
    told = respond(spec, people, who, RATES[price])
    people.limited[who] = month
    return {
        "limit": first + np.arange(size),
        "event": event,
        "available": event + HOUR,
        "customer": who,
        "amount": cents(DOSES[dose]),
        "rate": RATES[price],
        "randomised": lot.astype(np.int64),
        "dose": dose,
        "drawn": told.drawn,
        "balance": told.balance,
        "pd": told.pd,
    }


def _customers(calendar: Calendar, people: People, month: int, rng: np.random.Generator) -> Ints:
    """Choose among the newly met who have no limit and were not written off."""
    first, last = people.met_before(month - NEW), people.met_before(month)
    met = slice(first, last)
    free = first + np.flatnonzero((people.limited[met] <= month - LASTS) & (people.charged[met] >= month))
    size = min(int(calendar.volumes[month] * INTENSITY), len(free))
    return np.sort(rng.choice(free, size, replace=False))


def _wealth(people: People, who: Ints) -> Floats:
    beyond: Floats = people.log_income[who].astype(np.float64) - np.log(MEDIAN_INCOME)
    return beyond / INCOME_SPREAD


def _judged(place: Floats, menu: Floats) -> Ints:
    """Judge by wealth: more and cheaper to those who need it least."""
    return np.clip(np.rint(place), 0, len(menu) - 1).astype(np.int64)


def respond(spec: WorldSpec, people: People, who: Ints, rate: Floats) -> Response:
    """Draw more when short of money and less when it is dear, and with each doubling as much more again.

    Defaults grow with the limit too, and most of those who are likely to default at any.
    """
    steady = people.stability[who].astype(np.float64)
    willing, wealth = people.willingness[who].astype(np.float64), _wealth(people, who)
    need = np.clip(-0.6 * wealth - 0.3 * steady, -1.5, 1.5)[:, None]
    doublings = np.log(DOSES / DOSES[0])
    wanted = DOSES[0] * squash(0.4 + 0.6 * need) + 2_000 * np.exp(0.7 * need) * doublings
    dear = rate[:, None] - MIDDLE_RATE
    risk = -willing - 0.6 * steady - 0.25 * wealth
    steep = 0.45 * np.exp(0.25 * np.clip(risk, -2, 2))[:, None]
    pd = squash(-2.7 + 0.8 * risk[:, None] + 3 * dear + steep * np.log(DOSES / MIDDLE_DOSE))
    return Response(
        drawn=np.minimum(wanted * np.exp(-2 * dear), FULL * DOSES),
        pd=np.full_like(pd, NOISE_PD) if spec.noise else pd,
    )


def statements(spec: WorldSpec, month: int, limits: Columns, first: int) -> Columns:
    """Write a year's statements of a month's limits; none is missing but those that got lost."""
    rng = stream(spec.seed, month, Topic.STATEMENTS)
    size = len(limits["limit"])
    number = np.tile(np.arange(1, LASTS + 1), (size, 1))
    row, dose = np.arange(size), limits["dose"]
    defaults = rng.random(size) < limits["pd"][row, dose]
    when = rng.integers(EARLIEST, LASTS + 1, (2, size))
    closed = np.where(~defaults & (rng.random(size) < CLOSES), when[1], LASTS + 1)[:, None]
    missed = number >= np.where(defaults, when[0], LASTS + 3)[:, None] - 1
    balance = np.where(number < closed, _balances(rng, limits, missed), 0.0)
    kept = (number <= closed) & (rng.random(number.shape) >= LOST)
    event = _month_by_month(limits["event"], number)
    columns = {
        "limit": np.repeat(limits["limit"], LASTS),
        "customer": np.repeat(limits["customer"], LASTS),
        "event": event.ravel(),
        "available": event.ravel() + DAY,
        "balance": cents(balance).ravel(),
        "days_past_due": np.where(number < closed, _days_late(rng, missed), 0).ravel(),
    }
    rows = kept.ravel()
    return {
        "statement": first + np.arange(int(rows.sum())),
        **{name: values[rows] for name, values in columns.items()},
    }


def _balances(rng: np.random.Generator, limits: Columns, missed: Flags) -> Floats:
    """Draw each one's share of the limit, and let it waver by month while it is paid; its mean is true."""
    row, dose = np.arange(len(missed)), limits["dose"]
    share = limits["drawn"][row, dose] / DOSES[dose]
    own = rng.beta(EVEN * share, EVEN * (1 - share))[:, None]
    wavers = rng.uniform(-0.5, 0.5, missed.shape) * np.minimum(own, 1 - own) * ~missed
    balances: Floats = (own + wavers) * DOSES[dose][:, None]
    return balances


def _days_late(rng: np.random.Generator, missed: Flags) -> Ints:
    """Give days past due: 31, 61 and so on once payments are missed; now and then some days by habit."""
    days, chance = rng.integers(1, 26, missed.shape), rng.random(missed.shape)
    habit = np.select([chance < SKIPS, chance < LATE], [31, days], default=0)
    return np.where(missed, 1 + 30 * np.cumsum(missed, axis=1), habit)


def _month_by_month(event: Ints, number: Ints) -> Ints:
    """Give the moments of statements: each month again at the hour of the first day."""
    days = np.repeat(event.astype("M8[us]").astype("M8[D]"), LASTS)
    moved: Ints = add_months(days, number.ravel()).astype("M8[us]").astype(np.int64)
    moments: Ints = moved.reshape(number.shape) + (event % DAY)[:, None]
    return moments
