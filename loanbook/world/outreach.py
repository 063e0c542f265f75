"""The simulated lender's outreach: offers to known customers, a fifth by lot, with a known uplift."""

from __future__ import annotations

import numpy as np

from loanbook.world import words
from loanbook.world.arrays import DAY, SECOND, Columns, Floats, Ints, cents, squash
from loanbook.world.calendar import Calendar
from loanbook.world.chance import Topic, stream
from loanbook.world.people import INCOME_SPREAD, MEDIAN_INCOME, People
from loanbook.world.spec import Plant, WorldSpec

ANSWER = 14 * DAY  # a response is known two weeks after the offer
INTENSITY = 0.4  # offers a month for each application
BY_LOT = 0.2
NONE, LIMIT_RAISE, RATE_CUT, TOP_UP = range(len(words.OFFERS))
LIMITS = np.array([5_000.0, 10_000.0, 20_000.0, 40_000.0])
RATES = np.array([0.06, 0.09, 0.12, 0.15])
APPEAL = np.array([0.0, 0.7, 0.9, 0.5])  # added log odds of taking an offer up, at the middle terms


def reach_out(spec: WorldSpec, calendar: Calendar, people: People, month: int, first: int) -> Columns:
    """Write a month's contacts; `plain` and `offered` are the true response rates without and with it."""
    rng = stream(spec.seed, month, Topic.OUTREACH)
    known = people.met_before(month)
    size = min(int(calendar.volumes[month] * INTENSITY), known)
    drawn = np.unique(rng.integers(0, max(known, 1), size))
    who = drawn[people.reachable[drawn]]
    size = len(who)
    opens, closes = calendar.start_of(month), calendar.start_of(month + 1)
    event = rng.integers(opens // SECOND, closes // SECOND, size) * SECOND
    wealth = (people.log_income[who].astype(np.float64) - np.log(MEDIAN_INCOME)) / INCOME_SPREAD
    lot = rng.random(size) < BY_LOT
    lot &= spec.has(Plant.RANDOMISED)
    offer = np.where(lot, rng.integers(0, 4, size), np.where(wealth > 0.5, TOP_UP, RATE_CUT))
    limit = np.where(lot, rng.integers(0, 4, size), np.clip(np.rint(1.5 + wealth), 0, 3)).astype(np.int64)
    rate = np.where(lot, rng.integers(0, 4, size), np.clip(np.rint(1.5 - wealth), 0, 3)).astype(np.int64)
    plain, offered = _response(people.willingness[who].astype(np.float64), wealth, offer, limit, rate)
    made = offer != NONE
    return {
        "contact": first + np.arange(size),
        "event": event,
        "available": event + ANSWER,
        "customer": who,
        "offer": offer,
        "channel": rng.integers(0, len(words.OUTREACH_CHANNELS), size),
        "limit": np.where(made, cents(LIMITS[limit]), np.iinfo(np.int64).min),
        "rate": np.where(made, RATES[rate], np.nan),
        "randomised": lot.astype(np.int64),
        "response": (rng.random(size) < np.where(made, offered, plain)).astype(np.int64),
        "plain": plain,
        "offered": offered,
    }


def _response(willing: Floats, wealth: Floats, offer: Ints, limit: Ints, rate: Ints) -> tuple[Floats, Floats]:
    """Respond more to large limits and low rates, and most when short of money."""
    need = -2.6 - 0.35 * wealth - 0.15 * willing
    terms = 0.25 * (limit - 1.5) - 0.45 * (rate - 1.5)
    appeal = np.where(offer == NONE, 0.0, APPEAL[offer] + terms - 0.25 * wealth)
    return squash(need), squash(need + appeal)
