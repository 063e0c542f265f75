"""The simulated lender's network: fraud rings, their innocent look-alikes, and who was seen with what."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from loanbook.world import words
from loanbook.world.applications import Filing, dealers
from loanbook.world.arrays import HOUR, NOTHING, Columns, Flags, Ints, join, take
from loanbook.world.chance import Topic, stream
from loanbook.world.people import Arrivals, People
from loanbook.world.spec import Plant, WorldSpec
from loanbook.world.vehicles import Vehicles

RING_KINDS = (Plant.RING_DEVICE, Plant.RING_REFERRAL, Plant.RING_DEALER, Plant.RING_ACCOUNT)
DEVICE, REFERRAL, DEALER, ACCOUNT = range(4)
RING_SHARE = 0.008  # of all applications
RING_SIZES = (4, 13)
FOUNDED = (3, 4, 5, 6)  # months that surely see a ring founded, so that a small world has all kinds
FAMILY_SHARE, CENTRE_SHARE = 0.06, 0.03  # of newcomers
ORGANIC_REFERRALS, GUARANTEED = 0.12, 0.04
RING_KEYS, CENTRE_KEYS = 50_000_000, 60_000_000  # numbers no honest key reaches
(K_DEVICE, K_PHONE, K_ADDRESS, K_ACCOUNT, K_EMPLOYER, K_REFERRER, K_DEALER, K_GUARANTOR) = range(
    len(words.KINDS)
)


@dataclass(frozen=True)
class Ring:
    """One ring still recruiting: how many come next month, and who came last."""

    number: int
    left: int
    last: int

    @property
    def kind(self) -> int:
        """Its way of cheating: the kinds take turns."""
        return self.number % len(RING_KINDS)


@dataclass(frozen=True)
class Company:
    """In whose company each arrival comes: group numbers, or -1."""

    ring: Ints
    family: Ints
    centre: Ints
    referrer: Ints

    @property
    def cheating(self) -> Flags:
        """Who belongs to a ring."""
        return self.ring >= 0


@dataclass
class Network:
    """What outlives a month: the rings still recruiting."""

    opened: int = 0
    recruiting: list[Ring] = field(default_factory=list)

    def gather(self, spec: WorldSpec, arrivals: Arrivals, filing: Filing) -> Company:
        """Put arrivals into rings, families and call centres, as far as these are planted."""
        size = len(arrivals.customer)
        ring, referrer = self._recruit(spec, arrivals, filing)
        free = arrivals.new & (ring < 0)
        family = _families(spec, arrivals, free)
        centre = _centres(spec, arrivals, free & (family < 0))
        planted = np.array([spec.has(plant) for plant in RING_KINDS])
        kept = (ring >= 0) & planted[ring % len(RING_KINDS)]
        nobody = np.full(size, NOTHING)
        return Company(
            ring=np.where(kept, ring, NOTHING),
            family=family if spec.has(Plant.FAMILIES) else nobody,
            centre=centre if spec.has(Plant.CALL_CENTRES) else nobody,
            referrer=np.where(kept, referrer, NOTHING),
        )

    def _recruit(self, spec: WorldSpec, arrivals: Arrivals, filing: Filing) -> tuple[Ints, Ints]:
        rng = stream(spec.seed, arrivals.month, Topic.RINGS)
        size = len(arrivals.customer)
        ring, referrer = np.full(size, NOTHING), np.full(size, NOTHING)
        founded = rng.poisson(RING_SHARE * size / (sum(RING_SIZES) / 2)) + (arrivals.month in FOUNDED)
        fresh = [Ring(self.opened + n, int(rng.integers(*RING_SIZES)), NOTHING) for n in range(founded)]
        self.opened += founded
        waiting, self.recruiting = self.recruiting, []
        for one in [*waiting, *fresh]:
            coming = one.left if one in waiting else (one.left + 1) // 2
            open_to = arrivals.new & (ring < 0) & (filing.auto | (one.kind != DEALER))
            members = _some(rng, open_to, coming)
            if not len(members):
                continue
            ring[members] = one.number
            names = arrivals.customer[members]
            if one.kind == REFERRAL:
                referrer[members] = np.concatenate([[one.last], names[:-1]])
            if one.left > coming:
                self.recruiting.append(replace(one, left=one.left - coming, last=int(names[-1])))
        return ring, referrer


def _some(rng: np.random.Generator, open_to: Flags, wanted: int) -> Ints:
    """Choose some positions in order, never more than a third of those open."""
    open_positions = np.flatnonzero(open_to)
    return np.sort(rng.choice(open_positions, min(wanted, len(open_positions) // 3), replace=False))


def _families(spec: WorldSpec, arrivals: Arrivals, free: Flags) -> Ints:
    """Let families of two to five come in the same month."""
    rng = stream(spec.seed, arrivals.month, Topic.FAMILIES)
    positions = rng.permutation(np.flatnonzero(free))[: int(FAMILY_SHARE * free.sum())]
    sizes = rng.integers(2, 6, len(positions) // 2 + 1)
    group = np.repeat(np.arange(len(sizes)), sizes)[: len(positions)]
    family = np.full(len(free), NOTHING)
    family[positions] = arrivals.month * 100_000 + group
    return family


def _centres(spec: WorldSpec, arrivals: Arrivals, free: Flags) -> Ints:
    """Let some newcomers file from the shared device of a large employer."""
    rng = stream(spec.seed, arrivals.month, Topic.CALL_CENTRES)
    there = free & (rng.random(len(free)) < CENTRE_SHARE)
    return np.where(there, rng.integers(0, max(3, spec.applications // 15_000), len(free)), NOTHING)


def share_filings(spec: WorldSpec, company: Company, filing: Filing) -> Filing:
    """Give ring members and call centres their common device and dealer."""
    kind = company.ring % len(RING_KINDS)
    device = np.where(company.cheating & (kind == DEVICE), RING_KEYS + company.ring, filing.device)
    device = np.where(company.centre >= 0, CENTRE_KEYS + company.centre, device)
    crooked = company.cheating & (kind == DEALER)
    return replace(
        filing,
        device=device,
        dealer=np.where(crooked, dealers(spec) + company.ring, filing.dealer),
        channel=np.where(crooked, 0, filing.channel),
    )


def overprice(company: Company, vehicles: Vehicles) -> Vehicles:
    """Let colluding dealers ask a third more than a vehicle is worth."""
    crooked = company.cheating & (company.ring % len(RING_KINDS) == DEALER)
    asked = np.round(vehicles.list_price * np.where(crooked, 1.3, 1.0), -1)
    return replace(vehicles, list_price=asked)


def share_profiles(arrivals: Arrivals, company: Company, profile: Columns) -> Columns:
    """Give families a home and a phone, rings an account, call centres an employer."""
    new = arrivals.new
    order = np.argsort(arrivals.customer[new], kind="stable")
    ring, family, centre = (group[new][order] for group in (company.ring, company.family, company.centre))
    paid = (ring >= 0) & (ring % len(RING_KINDS) == ACCOUNT)
    shared = dict(profile)
    shared["account"] = np.where(paid, RING_KEYS + ring, profile["account"])
    shared["employer"] = np.where(centre >= 0, CENTRE_KEYS + centre, profile["employer"])
    for key in ("phone", "address"):
        shared[key] = np.where(family >= 0, RING_KEYS + family, profile[key])
    return shared


def sightings(
    spec: WorldSpec,
    arrivals: Arrivals,
    people: People,
    filing: Filing,
    company: Company,
    profile: Columns,
) -> list[Columns]:
    """Write who was seen with which key: at registration, and with every application."""
    rng = stream(spec.seed, arrivals.month, Topic.LINKS)
    size, who, event = len(arrivals.customer), arrivals.customer, arrivals.event
    known = max(1, people.met_before(arrivals.month))
    organic = arrivals.new & (company.ring < 0) & (rng.random(size) < ORGANIC_REFERRALS)
    referrer = np.where(organic, rng.integers(0, known, size), company.referrer)
    guarantor = np.where(filing.auto & (rng.random(size) < GUARANTEED), rng.integers(0, known, size), NOTHING)
    parts = [
        _seen(who, event, K_DEVICE, filing.device),
        _seen(who, event, K_REFERRER, referrer),
        _seen(who, event, K_DEALER, filing.dealer),
        _seen(who, event, K_GUARANTOR, guarantor),
    ]
    for kind, key in (
        (K_PHONE, "phone"), (K_ADDRESS, "address"), (K_ACCOUNT, "account"), (K_EMPLOYER, "employer"),
    ):  # fmt: skip
        parts.append(_seen(profile["customer"], profile["event"], kind, profile[key]))
    return parts


def keyed(parts: list[Columns], first: int) -> Columns:
    """Put a month's sightings together and number them."""
    rows = join(parts)
    return {"link": first + np.arange(len(rows["event"])), **rows}


def _seen(who: Ints, event: Ints, kind: int, key: Ints) -> Columns:
    rows: Columns = {
        "event": event,
        "available": event + HOUR,
        "customer": who,
        "kind": np.full(len(who), kind),
        "key": key,
    }
    return take(rows, key >= 0)
