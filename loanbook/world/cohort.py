"""One month's applicants, from the latent person to every row that the lender will ever see of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from loanbook.world import (
    applications,
    bureau,
    cases,
    credit,
    ledger,
    network,
    outcomes,
    people,
    spending,
    traps,
    vehicles,
)
from loanbook.world.arrays import NOTHING, Columns, Flags, Ints, take
from loanbook.world.calendar import Calendar
from loanbook.world.chance import Topic, stream
from loanbook.world.held import Held
from loanbook.world.spec import Plant, WorldSpec

MOST_A_MONTH = 10_000_000  # an application's id is its year, its month and a number below this


@dataclass
class World:
    """What outlives a month."""

    spec: WorldSpec
    calendar: Calendar
    people: people.People
    held: Held
    network: network.Network = field(default_factory=network.Network)
    book: ledger.Book = field(default_factory=ledger.Book)
    counts: dict[str, int] = field(default_factory=dict)

    @classmethod
    def empty(cls, spec: WorldSpec, calendar: Calendar) -> World:
        """Make a world with room for everybody who could come."""
        return cls(spec, calendar, people.People(int(calendar.volumes.sum())), Held(calendar, spec.months))

    def number(self, table: str, rows: int) -> int:
        """Reserve so many numbers of a table and give the first."""
        first = self.counts.get(table, 0)
        self.counts[table] = first + rows
        return first


@dataclass(frozen=True)
class Crowd:
    """A month's applicants, in order of filing; `first` is the number of the first application."""

    first: int
    arrivals: people.Arrivals
    vehicles: vehicles.Vehicles
    filing: applications.Filing
    company: network.Company
    profile: Columns


@dataclass(frozen=True)
class Fate:
    """What the bureau and the policy say of them, and what is true; `offers` holds everybody's loan."""

    reports: Columns
    paths: outcomes.Paths
    decisions: credit.Decisions
    offers: Columns
    ids: Ints


@dataclass(frozen=True)
class Cohort:
    """A month's applicants and what became of them."""

    crowd: Crowd
    fate: Fate


def admit(world: World, month: int) -> Cohort:
    """Let a month's applicants come; hold back every row of theirs until it is available."""
    crowd = _gather(world, month)
    fate = _judge(world, crowd)
    loans = take(fate.offers, fate.decisions.approved)
    _remember(world, loans)
    _hold_people(world, crowd, fate)
    _hold_forms(world, crowd, fate)
    world.held.add("loans", ledger.columns(loans))
    world.book.add(loans)
    if world.spec.has(Plant.CASES):
        _hold_cases(world, crowd, fate)
    return Cohort(crowd, fate)


def _gather(world: World, month: int) -> Crowd:
    spec, folk = world.spec, world.people
    arrivals = people.arrive(spec, world.calendar, folk, month)
    chosen = vehicles.choose(spec, world.calendar, arrivals, folk)
    filing = applications.file(spec, arrivals, folk, chosen)
    company = world.network.gather(spec, arrivals, filing)
    return Crowd(
        first=world.number("applications", len(arrivals.customer)),
        arrivals=arrivals,
        vehicles=network.overprice(company, chosen),
        filing=network.share_filings(spec, company, filing),
        company=company,
        profile=network.share_profiles(arrivals, company, people.profile(spec, arrivals, folk)),
    )


def _judge(world: World, crowd: Crowd) -> Fate:
    spec, folk, arrivals, filing = world.spec, world.people, crowd.arrivals, crowd.filing
    reports, score = bureau.pull(spec, arrivals, folk, crowd.first)
    pd = credit.true_pd(spec, world.calendar, arrivals, folk, filing, crowd.vehicles, crowd.company.cheating)
    paths = outcomes.draw(spec, arrivals, folk, filing, crowd.company, pd)
    ids = _application_ids(spec, arrivals.month, paths.bad)
    offers = ledger.lend(spec, arrivals, filing, crowd.vehicles, score, paths, crowd.first)
    return Fate(
        reports=reports,
        paths=paths,
        decisions=credit.decide(spec, arrivals, folk, filing, score),
        offers={**offers, "application": ids},
        ids=ids,
    )


def _hold_people(world: World, crowd: Crowd, fate: Fate) -> None:
    spec, folk, arrivals = world.spec, world.people, crowd.arrivals
    statement = spending.statement(spec, arrivals, folk, crowd.filing)
    seen = network.sightings(spec, arrivals, folk, crowd.filing, crowd.company, crowd.profile)
    world.held.add("customers", {**crowd.profile, "flag_at": _flags(spec, crowd, fate)})
    world.held.add("transactions", spending.keyed(statement, world.number("transactions", _rows(statement))))
    world.held.add("links", network.keyed(seen, world.number("links", _rows(seen))))
    world.held.add("bureau_reports", fate.reports)


def _hold_forms(world: World, crowd: Crowd, fate: Fate) -> None:
    arrivals, filing = crowd.arrivals, crowd.filing
    numbers = crowd.first + np.arange(len(arrivals.customer))
    world.held.add("vehicles", vehicles.rows(numbers, arrivals.event, crowd.vehicles, filing.auto))
    world.held.add(
        "applications",
        {
            **applications.columns(filing),
            "application": fate.ids,
            "event": arrivals.event,
            "available": arrivals.event,
            "customer": arrivals.customer,
            "vehicle": np.where(filing.auto, numbers, NOTHING),
            "decision": fate.decisions.approved.astype(np.int64),
            "randomised": fate.decisions.lot.astype(np.int64),
            **traps.stages(fate.offers, filing.product, fate.decisions.approved),
        },
    )


def _hold_cases(world: World, crowd: Crowd, fate: Fate) -> None:
    lent = fate.decisions.approved
    rows = cases.investigate(world.spec, crowd.arrivals, crowd.filing, crowd.company, fate.offers, lent)
    size = len(rows["event"])
    world.held.add("cases", {"case": world.number("cases", size) + np.arange(size), **rows})


def _remember(world: World, loans: Columns) -> None:
    """Keep what the policy will know of its borrowers: that they are, and when they were written off."""
    folk = world.people
    folk.borrowed[loans["customer"]] = True
    off = loans["charged"]
    first = (world.calendar.first - np.datetime64("1970-01", "M")).astype(np.int64)
    known = (loans["month"] - first + 1 + loans["first_missed"] + loans["missed"])[off]
    who = loans["customer"][off]
    folk.charged[who] = np.minimum(folk.charged[who], known)


def _application_ids(spec: WorldSpec, month: int, bad: Flags) -> Ints:
    """Number a month's applications at random, or, as a trap, the good before the bad."""
    chance = stream(spec.seed, month, Topic.IDS).random(len(bad))
    rank = np.argsort(np.argsort(chance + (bad if spec.has(Plant.ORDERED_IDS) else 0)))
    return int(spec.name_of(month).replace("-", "")) * MOST_A_MONTH + rank + 1


def _flags(spec: WorldSpec, crowd: Crowd, fate: Fate) -> Ints:
    """Flag newcomers, as if at registration, by what they did much later."""
    who = crowd.arrivals
    judged = {"bad": fate.paths.bad & fate.decisions.approved, "product": crowd.filing.product}
    mine = traps.newcomers(judged | fate.offers, who.new, who.customer)
    return traps.flags(spec, who.month, mine["bad"], mine, mine["product"])


def _rows(parts: list[Columns]) -> int:
    return sum(len(part["event"]) for part in parts)
