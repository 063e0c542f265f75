"""The simulated lender's investigators: they find most of a ring, late, and clear innocent people.

Two thirds of ring members are ever confirmed. A ring that is seen as one (three in four) has nearly all its
members looked at; of the others, only who defaults early is. Families, call centres, early defaulters and a
few at random are investigated too. Neither finding is always right.
"""

from __future__ import annotations

import numpy as np

from loanbook.world import network, words
from loanbook.world.applications import Filing
from loanbook.world.arrays import DAY, Columns, Flags, Floats, Ints, take
from loanbook.world.chance import Topic, of_key, stream
from loanbook.world.network import Company
from loanbook.world.outcomes import MISSES_TO_BAD
from loanbook.world.people import Arrivals
from loanbook.world.spec import WorldSpec
from loanbook.world.traps import missed_at

RING_SEEN, OF_SEEN, OF_UNSEEN = 0.75, 0.88, 0.5  # rings; members of such; early defaulters of the others
OF_FAMILIES, OF_CENTRES, OF_DEFAULTERS, OF_OTHERS = 0.02, 0.05, 0.15, 0.002
FREED, ACCUSED = 0.06, 0.02  # ring members who are cleared, innocent people who are not
OPENED, WORKED = (30, 150), (14, 60)  # days from application to case, and from case to finding
EARLY = 2  # the instalment by which a default is early
SALT_SEEN = 103
LINKED_PARTY, IDENTITY, DEALER, EARLY_DEFAULT = range(len(words.CASE_KINDS))
OF_RING = np.array([LINKED_PARTY, LINKED_PARTY, DEALER, IDENTITY])  # by kind of ring


def investigate(
    spec: WorldSpec, arrivals: Arrivals, filing: Filing, company: Company, offers: Columns, lent: Flags
) -> Columns:
    """Give a month's applications that are ever investigated: when the case closed, of what, how it ended."""
    rng = stream(spec.seed, arrivals.month, Topic.CASES)
    chance, waits, works, luck = rng.random((4, len(arrivals.customer)))
    defaults = lent & (offers["first_missed"] > 0) & (offers["missed"] >= MISSES_TO_BAD[filing.product])
    early = defaults & (offers["first_missed"] <= EARLY)
    opened = arrivals.event + _days(waits, OPENED)
    known = missed_at(offers, MISSES_TO_BAD[filing.product]) + _days(waits, WORKED)
    by_default = early & ~_seen(spec, company)
    closed = np.where(by_default, known, opened) + _days(works, WORKED)
    confirmed = np.where(company.cheating, luck >= FREED, luck < ACCUSED)
    rows: Columns = {
        "event": closed,
        "available": closed + DAY,
        "application": offers["application"],
        "customer": arrivals.customer,
        "kind": _kind(company, by_default),
        "outcome": confirmed.astype(np.int64),
    }
    return take(rows, chance < _share(spec, company, early))


def _share(spec: WorldSpec, company: Company, early: Flags) -> Floats:
    """Give everybody's chance to be investigated."""
    return np.select(
        [_seen(spec, company), company.cheating & early, company.cheating,
         early, company.family >= 0, company.centre >= 0],
        [OF_SEEN, OF_UNSEEN, 0.0, OF_DEFAULTERS, OF_FAMILIES, OF_CENTRES],
        default=OF_OTHERS,
    )  # fmt: skip


def _seen(spec: WorldSpec, company: Company) -> Flags:
    """Tell whose ring is seen as one; a ring is, or isn't, in all months that it recruits."""
    drawn: Flags = of_key(company.ring, 0, spec.seed * 1_000 + SALT_SEEN) < RING_SEEN
    return drawn & company.cheating


def _kind(company: Company, by_default: Flags) -> Ints:
    ring = OF_RING[company.ring % len(network.RING_KINDS)]
    linked = (company.family >= 0) | (company.centre >= 0)
    innocent = np.where(linked, LINKED_PARTY, IDENTITY)
    return np.where(by_default, EARLY_DEFAULT, np.where(company.cheating, ring, innocent))


def _days(uniform: Floats, span: tuple[int, int]) -> Ints:
    """Turn uniform numbers into whole days of a span, as microseconds."""
    days: Ints = (span[0] + np.floor(uniform * (span[1] - span[0]))).astype(np.int64) * DAY
    return days
