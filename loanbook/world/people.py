"""The simulated lender's customers: a latent person first, then what a form says of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loanbook.world import words
from loanbook.world.arrays import DAY, HOUR, NOTHING, SECOND, Columns, Flags, Floats, Ints, pick
from loanbook.world.calendar import Calendar
from loanbook.world.chance import Topic, stream
from loanbook.world.spec import Plant, WorldSpec

RETURNING_SHARE = 0.28
RESTS = 3  # months before the same customer applies again
MEDIAN_INCOME = 96_000.0
INCOME_SPREAD = 0.45
THIN_SHARE = 0.15
CANARIES_EVERY = 12
KEYS = ("device", "phone", "address", "account", "employer")


class People:
    """Everybody met so far, one row per customer number; what the lender never sees included."""

    def __init__(self, size: int) -> None:
        """Make room for as many customers as could ever come."""
        self.count = 0
        self.willingness = np.zeros(size, dtype=np.float32)
        self.stability = np.zeros(size, dtype=np.float32)
        self.log_income = np.zeros(size, dtype=np.float32)
        self.log_tenure = np.zeros(size, dtype=np.float32)
        self.region = np.zeros(size, dtype=np.int8)
        self.ethnicity = np.zeros(size, dtype=np.int8)
        self.housing = np.zeros(size, dtype=np.int8)
        self.thin = np.zeros(size, dtype=np.bool_)
        self.reachable = np.zeros(size, dtype=np.bool_)
        self.borrowed = np.zeros(size, dtype=np.bool_)
        self.charged = np.full(size, np.iinfo(np.int16).max, dtype=np.int16)
        self.last_applied = np.zeros(size, dtype=np.int16)
        self.first_applied = np.zeros(size, dtype=np.int16)
        self.device = np.zeros(size, dtype=np.int32)
        self.limited = np.full(size, np.iinfo(np.int16).min, dtype=np.int16)

    def met_before(self, month: int) -> int:
        """Count the customers whose first application came before a month."""
        return int(np.searchsorted(self.first_applied[: self.count], month, side="left"))


@dataclass(frozen=True)
class Arrivals:
    """Who applies in a month, in order of filing, and who of them was never seen before."""

    month: int
    customer: Ints
    event: Ints
    new: Flags

    @property
    def newcomers(self) -> Ints:
        """The customer numbers of those never seen before, ascending."""
        return np.sort(self.customer[self.new])


def arrive(spec: WorldSpec, calendar: Calendar, people: People, month: int) -> Arrivals:
    """Decide who applies in a month and when; make the newcomers' latent selves."""
    rng = stream(spec.seed, month, Topic.WHO)
    size = int(calendar.volumes[month])
    rested = np.flatnonzero(people.last_applied[: people.count] <= month - RESTS)
    returning = rng.choice(rested, min(int(size * RETURNING_SHARE), len(rested)), replace=False)
    fresh = np.arange(people.count, people.count + size - len(returning))
    customer = rng.permutation(np.concatenate([returning, fresh]))
    opens, closes = calendar.start_of(month), calendar.start_of(month + 1)
    event = np.sort(rng.integers(opens // SECOND, closes // SECOND, size)) * SECOND
    _become(spec, people, month, fresh)
    people.last_applied[customer] = month
    return Arrivals(month, customer, event, customer >= fresh[0] if len(fresh) else customer < 0)


def _become(spec: WorldSpec, people: People, month: int, fresh: Ints) -> None:
    rng = stream(spec.seed, month, Topic.PERSON)
    size, where = len(fresh), slice(people.count, people.count + len(fresh))
    shift = 0.7 if spec.drifts(Plant.COVARIATE, month) else 0.0
    base, steady, wealth, tenure = rng.normal(size=(4, size))
    ethnicity = pick(rng.random(size), words.ETHNIC_SHARES)
    region = _regions(spec, ethnicity, rng.random(size))
    minority = ethnicity > 0
    stability = steady - 0.5 * shift
    level = words.REGION_INCOME[region] - (0.12 * minority if spec.has(Plant.PROXY) else 0.0)
    people.willingness[where] = base - shift
    people.stability[where] = stability
    people.log_income[where] = np.log(MEDIAN_INCOME) + INCOME_SPREAD * (wealth - shift) + level
    people.log_tenure[where] = 3.3 + 0.8 * stability + 0.09 * tenure
    people.region[where] = region
    people.ethnicity[where] = ethnicity
    own = rng.random(size) < 1 / (1 + np.exp(0.4 - 0.7 * stability - 0.5 * wealth))
    people.housing[where] = np.where(own, rng.integers(0, 2, size), rng.integers(2, 5, size))
    people.thin[where] = rng.random(size) < THIN_SHARE
    people.reachable[where] = rng.random(size) < 0.7
    people.first_applied[where] = month
    people.device[where] = fresh
    people.count += size


def _regions(spec: WorldSpec, ethnicity: Ints, uniform: Floats) -> Ints:
    """Settle people; with the proxy planted, ethnic groups live in provinces of their own."""
    if not spec.has(Plant.PROXY):
        return pick(uniform, words.REGION_SHARES)
    region = np.zeros(len(ethnicity), dtype=np.int64)
    for group, home in enumerate(words.HOMELANDS):
        there = ethnicity == group
        region[there] = pick(uniform[there], 0.2 * words.REGION_SHARES + 0.8 * home)
    return region


def profile(spec: WorldSpec, arrivals: Arrivals, people: People) -> Columns:
    """Fill in the newcomers' forms, in order of customer number."""
    rng = stream(spec.seed, arrivals.month, Topic.PROFILE)
    customer = arrivals.newcomers
    size = len(customer)
    event = _first_filing(arrivals) - rng.integers(92 * DAY // SECOND, 110 * DAY // SECOND, size) * SECOND
    age = np.clip(rng.gamma(4.0, 4.2, size) + 20, 20, 69)
    sex = rng.integers(0, 2, size)
    columns = {
        "customer": customer,
        "event": event,
        "available": event + HOUR,
        "birth": event // DAY - (age * 365.25).astype(np.int64),
        "region": people.region[customer].astype(np.int64),
        "family": pick(rng.random(size), words.FAMILY_SHARES),
        "given": rng.integers(0, len(words.GIVEN_NAMES), size),
        "bank": rng.integers(0, len(words.BANKS), size),
        "account_type": rng.integers(0, len(words.ACCOUNT_TYPES), size),
        "education": _schooling(people.log_income[customer].astype(np.float64), rng.random(size)),
        "sex": sex,
        "marital": rng.integers(0, len(words.MARITAL), size),
        "ethnicity": people.ethnicity[customer].astype(np.int64),
        "consent_bureau": np.ones(size, dtype=np.int64),
        "consent_marketing": people.reachable[customer].astype(np.int64),
        "canary": np.full(size, NOTHING),
    }
    for kind in KEYS[1:4]:
        columns[kind] = customer.copy()
    columns["employer"] = (rng.random(size) ** 2 * max(40, spec.applications // 60)).astype(np.int64)
    if spec.has(Plant.CANARIES) and size and arrivals.month % CANARIES_EVERY == 1:
        columns["canary"][0] = arrivals.month // CANARIES_EVERY
    return columns


def _first_filing(arrivals: Arrivals) -> Ints:
    """Order the newcomers' filings by customer number."""
    order = np.argsort(arrivals.customer[arrivals.new], kind="stable")
    return arrivals.event[arrivals.new][order]


def _schooling(log_income: Floats, uniform: Floats) -> Ints:
    lifted = uniform + 0.25 * (log_income - np.log(MEDIAN_INCOME))
    level: Ints = np.clip((lifted * len(words.EDUCATION)).astype(np.int64), 0, len(words.EDUCATION) - 1)
    return level
