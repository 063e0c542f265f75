"""The simulated lender's applications: what is asked for, by whom, and what is declared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loanbook.world import words
from loanbook.world.arrays import NOTHING, Columns, Flags, Floats, Ints, cents, pick, squash
from loanbook.world.chance import Topic, stream
from loanbook.world.people import Arrivals, People
from loanbook.world.spec import Plant, WorldSpec
from loanbook.world.vehicles import Vehicles

AUTO, CONSUMER = 0, 1
AUTO_SHARE, AUTO_SHARE_MIXED = 0.45, 0.28
AUTO_TERMS, CONSUMER_TERMS = np.array([12, 24, 36, 48, 60]), np.array([3, 6, 9, 12, 18, 24])
TERM_SHARES = {
    (AUTO, False): np.array([0.05, 0.15, 0.40, 0.22, 0.18]),
    (AUTO, True): np.array([0.02, 0.05, 0.13, 0.20, 0.60]),
    (CONSUMER, False): np.array([0.12, 0.20, 0.10, 0.33, 0.10, 0.15]),
    (CONSUMER, True): np.array([0.05, 0.08, 0.05, 0.22, 0.20, 0.40]),
}
AUTO_CHANNELS = np.array([0.80, 0.06, 0.07, 0.05, 0.02])
AUTO_CHANNELS_SHIFTED = np.array([0.55, 0.06, 0.09, 0.05, 0.25])
CONSUMER_CHANNELS = np.array([0.0, 0.15, 0.45, 0.25, 0.15])
CONSUMER_CHANNELS_SHIFTED = np.array([0.0, 0.08, 0.27, 0.20, 0.45])
WEB, AGGREGATOR = words.CHANNELS.index("web"), words.CHANNELS.index("aggregator")
NOMINAL_RATE = np.array([0.065, 0.145])


@dataclass(frozen=True)
class Filing:
    """The forms of a month's arrivals, one row each; `income` is the truth, a year."""

    product: Ints
    amount: Floats
    term: Ints
    purpose: Ints
    channel: Ints
    dealer: Ints
    income: Floats
    declared_income: Floats
    debt_payments: Floats
    verified: Flags
    employment: Ints
    employment_months: Floats
    housing: Ints
    returning: Flags
    device: Ints
    ip: Ints
    lat: Floats
    lon: Floats
    text: Ints

    @property
    def auto(self) -> Flags:
        """Who asks for an auto loan."""
        return np.asarray(self.product == AUTO)


def file(spec: WorldSpec, arrivals: Arrivals, people: People, vehicles: Vehicles) -> Filing:
    """Fill in the month's forms."""
    rng = stream(spec.seed, arrivals.month, Topic.FILING)
    who, size = arrivals.customer, len(arrivals.customer)
    mixed = spec.drifts(Plant.MIX, arrivals.month)
    product = (rng.random(size) >= (AUTO_SHARE_MIXED if mixed else AUTO_SHARE)).astype(np.int64)
    auto = product == AUTO
    income = np.exp(people.log_income[who].astype(np.float64))
    channel = _channels(spec, arrivals.month, auto, rng.random(size))
    stability = people.stability[who].astype(np.float64)
    lat, lon = _position(people.region[who], rng.normal(0, 0.45, (2, size)))
    return Filing(
        product=product,
        amount=_amounts(auto, vehicles, income, rng.normal(size=(2, size))),
        term=_terms(auto, mixed, rng.random(size)),
        purpose=np.where(auto, vehicles.used, rng.integers(2, len(words.PURPOSES), size)),
        channel=channel,
        dealer=np.where(channel == 0, (rng.random(size) ** 1.5 * dealers(spec)).astype(np.int64), NOTHING),
        income=income,
        declared_income=_declared(spec, arrivals.month, channel, income, rng),
        debt_payments=_debts(income, people.willingness[who].astype(np.float64), rng.normal(size=size)),
        verified=rng.random(size) < 0.6,
        employment=_employment(stability, rng.random(size)),
        employment_months=np.round(np.exp(people.log_tenure[who] + rng.normal(0, 0.05, size))).clip(0, 480),
        housing=people.housing[who].astype(np.int64),
        returning=people.borrowed[who],
        device=people.device[who].astype(np.int64),
        ip=(who * 2_654_435_761 + rng.integers(0, 4, size)) % 2**24,
        lat=lat,
        lon=lon,
        text=_texts(spec, arrivals.month, people.willingness[who].astype(np.float64)),
    )


def columns(filing: Filing) -> Columns:
    """Write the forms as numbers, the true income left out."""
    plain = ("product", "term", "purpose", "channel", "dealer", "employment", "employment_months", "housing")
    return {
        **{name: getattr(filing, name) for name in (*plain, "device", "ip", "lat", "lon", "text")},
        **{name: cents(getattr(filing, name)) for name in ("amount", "declared_income", "debt_payments")},
        **{name: getattr(filing, name).astype(np.int64) for name in ("verified", "returning")},
    }


def dealers(spec: WorldSpec) -> int:
    """Count the honest dealers."""
    return max(24, spec.applications // 2_000)


def payment(amount: Floats, rate: Floats, term: Ints) -> Floats:
    """Give the level monthly payment of a loan."""
    monthly = rate / 12
    return amount * monthly / (1 - (1 + monthly) ** -term.astype(np.float64))


def _channels(spec: WorldSpec, month: int, auto: Flags, uniform: Floats) -> Ints:
    shifted = spec.drifts(Plant.COVARIATE, month)
    dealers_first = AUTO_CHANNELS_SHIFTED if shifted else AUTO_CHANNELS
    apps_first = CONSUMER_CHANNELS_SHIFTED if shifted else CONSUMER_CHANNELS
    return np.where(auto, pick(uniform, dealers_first), pick(uniform, apps_first))


def _amounts(auto: Flags, vehicles: Vehicles, income: Floats, normal: Floats) -> Floats:
    """Ask for most of a vehicle's value, or for some weeks of income."""
    ltv = np.clip(0.92 + 0.18 * normal[0], 0.3, 1.5)
    cash = np.clip(income * np.exp(-2.2 + 0.55 * normal[1]), 500, 300_000)
    amount: Floats = np.round(np.where(auto, np.maximum(vehicles.value * ltv, 5_000), cash), -2)
    return amount


def _terms(auto: Flags, mixed: bool, uniform: Floats) -> Ints:
    long = AUTO_TERMS[pick(uniform, TERM_SHARES[AUTO, mixed])]
    short = CONSUMER_TERMS[pick(uniform, TERM_SHARES[CONSUMER, mixed])]
    return np.where(auto, long, short)


def _declared(spec: WorldSpec, month: int, channel: Ints, income: Floats, rng: np.random.Generator) -> Floats:
    """Declare a year's income: most round it, one in seven inflates it."""
    inflated = np.where(rng.random(len(income)) < 0.14, rng.uniform(1.1, 1.6, len(income)), 1.0)
    declared = income * inflated * np.exp(rng.normal(0, 0.03, len(income)))
    if spec.drifts(Plant.UNIT, month):
        declared = np.where(channel == WEB, declared / 12, declared)
    return np.round(declared, -2)


def _debts(income: Floats, willingness: Floats, normal: Floats) -> Floats:
    return np.round(income / 12 * np.exp(-2.3 - 0.35 * willingness + 0.5 * normal), -1)


def _employment(stability: Floats, uniform: Floats) -> Ints:
    """Sort people by how steady their work is; the codes are those of words.EMPLOYMENT."""
    lifted = stability + (uniform - 0.5)
    return np.select(
        [lifted < -2.0, lifted < -0.9, lifted > 1.2, uniform < 0.2], [4, 2, 3, 1], default=0
    ).astype(np.int64)


def _position(region: Ints, jitter: Floats) -> tuple[Floats, Floats]:
    lat = np.clip(words.REGION_LAT[region] + jitter[0], 18.5, 53.5)
    lon = np.clip(words.REGION_LON[region] + jitter[1], 100.5, 124.5)
    return np.round(lat, 5), np.round(lon, 5)


def _texts(spec: WorldSpec, month: int, willingness: Floats) -> Ints:
    """Write a line, or none; who means to pay writes calmer."""
    rng = stream(spec.seed, month, Topic.TEXT)
    size = len(willingness)
    calm, plain, urgent = len(words.CALM), len(words.PLAIN), len(words.URGENT)
    mood = squash(-0.2 + 0.9 * willingness + rng.normal(0, 0.8, size))
    group = rng.random(size)
    text = np.where(
        group < 0.45 * mood,
        rng.integers(0, calm, size),
        np.where(
            group > 1 - 0.45 * (1 - mood),
            rng.integers(calm + plain, calm + plain + urgent, size),
            rng.integers(calm, calm + plain, size),
        ),
    )
    return np.where(rng.random(size) < 0.4, NOTHING, text)
