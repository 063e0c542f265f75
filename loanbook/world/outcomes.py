"""The simulated lender's outcomes: from a true PD to a path through the months of a loan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loanbook.world.applications import AUTO, Filing
from loanbook.world.arrays import Flags, Floats, Ints, squash
from loanbook.world.chance import Topic, stream
from loanbook.world.network import Company
from loanbook.world.people import Arrivals, People
from loanbook.world.spec import WorldSpec

# An auto loan goes bad at the third payment missed in a row, a consumer loan at the first. A missed
# payment is written down 31 days after it was due; loans start 4 to 9 days after the application. So the
# last payment whose loss still falls within twelve months of the application is the tenth, and the first
# that falls outside, whatever the months' lengths, is the eleventh.
MISSES_TO_BAD = np.array([3, 1])
MISSES_TO_CHARGE_OFF = np.array([4, 3])
LAST_WITHIN = 10
CHARGED_SHARE = np.array([0.82, 0.60])
LATER_SHARE = 0.45  # hazard after the first year against the first, a year
STUMBLES = 0.06  # auto loans that miss one or two payments and recover
PREPAID = np.array([0.012, 0.020])  # a month


@dataclass(frozen=True)
class Paths:
    """What each arrival would do with the loan, lent or not.

    `first_missed` is an instalment's number, 0 for none; `missed` counts the payments missed in a row;
    `charged` ends the ledger there; `paid_off` is the instalment with which all is repaid, or 0.
    """

    true_pd: Floats
    bad: Flags
    first_missed: Ints
    missed: Ints
    charged: Flags
    paid_off: Ints
    lateness: Floats


def draw(
    spec: WorldSpec, arrivals: Arrivals, people: People, filing: Filing, company: Company, pd: Floats
) -> Paths:
    """Draw the outcome from the true PD, then a path that fits it."""
    size, product, term = len(pd), filing.product, filing.term
    willing = people.willingness[arrivals.customer].astype(np.float64)
    bad = stream(spec.seed, arrivals.month, Topic.OUTCOME).random(size) < pd
    rng = stream(spec.seed, arrivals.month, Topic.PATH)
    when, later, cured, stumble, where, prepay = rng.random((6, size))
    last = term - MISSES_TO_BAD[product] - (product != AUTO)
    early = _between(when ** np.where(company.cheating, 3.0, 0.9), 1, np.minimum(_last_bad(product), last))
    opens = _last_bad(product) + 1
    later_bad = ~bad & (last >= opens) & (later < LATER_SHARE * pd * (last - opens + 1) / 12)
    stumbles = ~bad & ~later_bad & (product == AUTO) & (stumble < STUMBLES * np.exp(-0.4 * willing))
    charged = (bad | later_bad) & (company.cheating | (cured < CHARGED_SHARE[product]))
    first_missed = np.select(
        [bad, later_bad, stumbles],
        [early, _between(when, opens, last), _between(where, 1, term - 4)],
        default=0,
    )
    brief = 1 + (where > 0.7)
    missed = np.select(
        [charged, bad | later_bad, stumbles],
        [MISSES_TO_CHARGE_OFF[product], np.where(product == AUTO, 3, brief), brief],
        default=0,
    )
    months = 2 + np.floor(np.log1p(-prepay) / np.log1p(-PREPAID[product])).astype(np.int64)
    return Paths(
        true_pd=pd,
        bad=bad,
        first_missed=first_missed,
        missed=missed,
        charged=charged,
        paid_off=np.where((first_missed == 0) & (months < term), months, 0),
        lateness=squash(-2.4 - 0.8 * willing),
    )


def _last_bad(product: Ints) -> Ints:
    """Find the last payment with which a run of misses still ends in time to be bad."""
    return LAST_WITHIN + 1 - MISSES_TO_BAD[product]


def _between(uniform: Floats, low: Ints | int, high: Ints) -> Ints:
    steps: Ints = np.floor(uniform * np.maximum(high - low + 1, 1)).astype(np.int64)
    return low + steps
