"""The simulated lender's risk and policy: the true PD, and the crude scorecard that never saw it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loanbook.world.applications import AGGREGATOR, NOMINAL_RATE, Filing, payment
from loanbook.world.arrays import Flags, Floats
from loanbook.world.calendar import Calendar
from loanbook.world.chance import Topic, stream
from loanbook.world.people import INCOME_SPREAD, MEDIAN_INCOME, Arrivals, People
from loanbook.world.spec import Plant, WorldSpec
from loanbook.world.vehicles import Vehicles

BASE_RATE = np.array([0.07, 0.13])  # by product, what a noise world gives everybody
LOT_SHARE = 0.02


@dataclass(frozen=True)
class Weights:
    """How the true log odds of going bad add up, per standard deviation of each cause."""

    level: float
    willingness: float
    stability: float
    income: float
    burden: float
    term: float
    ltv: float = 0.0


AUTO_WEIGHTS = Weights(-2.50, -1.12, -0.72, -0.22, 0.28, 0.12, 0.42)
CONSUMER_WEIGHTS = Weights(-1.88, -1.12, -0.70, -0.25, 0.38, 0.14)
RING = 1.3
UNEMPLOYMENT = 8.0
AFTER_STABILITY, AFTER_AGGREGATOR, AFTER_LEVEL = 0.25, 0.9, 0.25  # from the drift month on


@dataclass(frozen=True)
class Decisions:
    """What the policy said of each arrival, and whom the lot let in."""

    approved: Flags
    lot: Flags


def true_pd(
    spec: WorldSpec,
    calendar: Calendar,
    arrivals: Arrivals,
    people: People,
    filing: Filing,
    vehicles: Vehicles,
    cheating: Flags,
) -> Floats:
    """Give each arrival's probability of going bad within twelve months of applying."""
    if spec.noise:
        return BASE_RATE[filing.product]
    who = arrivals.customer
    willing, steady = people.willingness[who].astype(np.float64), people.stability[who].astype(np.float64)
    wealth = (people.log_income[who].astype(np.float64) - np.log(MEDIAN_INCOME)) / INCOME_SPREAD
    logit = np.zeros(len(who))
    for product, weights in enumerate((AUTO_WEIGHTS, CONSUMER_WEIGHTS)):
        steadying = weights.stability * (AFTER_STABILITY if _changed(spec, arrivals.month) else 1.0)
        logit += (filing.product == product) * (
            weights.level
            + weights.willingness * willing
            + steadying * steady
            + weights.income * wealth
            + weights.burden * _burden(filing, product)
            + weights.term * (np.log(filing.term) - (3.5, 2.2)[product]) / 0.5
            + weights.ltv * np.clip((filing.amount / vehicles.value - 0.92) / 0.18, -2.5, 2.5)
        )
    logit += RING * cheating + UNEMPLOYMENT * (calendar.unemployment[arrivals.month] - 0.052)
    if _changed(spec, arrivals.month):
        logit += AFTER_LEVEL + AFTER_AGGREGATOR * (filing.channel == AGGREGATOR)
    return 1 / (1 + np.exp(-logit))


def _changed(spec: WorldSpec, month: int) -> bool:
    return spec.drifts(Plant.CONCEPT, month)


def _burden(filing: Filing, product: int) -> Floats:
    """Standardise the share of true income that the payment takes."""
    due = payment(filing.amount, NOMINAL_RATE[filing.product], filing.term) * 12
    middle, spread = ((-0.95, 0.55), (-1.95, 0.80))[product]
    return np.clip((np.log(due / filing.income) - middle) / spread, -2.5, 2.5)


def decide(spec: WorldSpec, arrivals: Arrivals, people: People, filing: Filing, score: Floats) -> Decisions:
    """Approve by score and declared income, with a clerk's noise; let a slice in by lot."""
    rng = stream(spec.seed, arrivals.month, Topic.DECISION)
    size = len(arrivals.customer)
    wealth = np.log(np.maximum(filing.declared_income, 1_000) / MEDIAN_INCOME) / INCOME_SPREAD
    points = 0.8 * (score - 640) / 80 + 0.3 * wealth + 0.5 * rng.normal(size=size)
    in_default = people.charged[arrivals.customer] < arrivals.month
    approved = (points > -0.45) & ~in_default
    lot = np.zeros(size, dtype=np.bool_)
    if spec.has(Plant.RANDOMISED):
        lot = stream(spec.seed, arrivals.month, Topic.SLICE).random(size) < LOT_SHARE
    return Decisions(approved=approved | lot, lot=lot)
