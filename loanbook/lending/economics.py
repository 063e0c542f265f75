"""score → decision: what a cut-off approves, how much of it goes bad, and what that earns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from loanbook.training.evaluation import Z95
from loanbook.training.segments import wilson

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
STEPS = 20
MONTH = 30.4375  # days


@dataclass(frozen=True)
class Terms:
    """What a policy states: the share of what a bad loan owes that is lost, and what money costs a year.

    `recovery_months` is for how long what was written off is still collected.
    """

    lgd: float
    cost_of_funds: float
    recovery_months: int


@dataclass(frozen=True)
class Contracts:
    """What was agreed: money lent, yearly rate, term in months."""

    principal: Vector
    rate: Vector
    months: Vector


@dataclass(frozen=True)
class Ledgers:
    """What came of each loan as far as its ledger is known.

    `outlay` is what was lent or, where the ledger begins later, owed when it begins; `owed` what is left of
    it, 0 once it is written off, `off_days` ago; `years` the money that was out, times the years that it was.
    """

    outlay: Vector
    paid: Vector
    recovered: Vector
    written_off: Vector
    off_days: Vector
    owed: Vector
    years: Vector


def expected(contracts: Contracts, pd: Vector, terms: Terms) -> Vector:
    """Give what each loan is expected to earn: a good one runs its term, a bad one pays nothing but its rest.

    The PD is of the label's window: what goes bad after it isn't in here.
    """
    margin = (contracts.rate - terms.cost_of_funds) * money_years(contracts)
    return np.asarray((1 - pd) * margin - pd * terms.lgd * contracts.principal)


def money_years(contracts: Contracts) -> Vector:
    """Give the money owed over a level-payment loan's term, times the years that it is owed."""
    payments = np.maximum(np.ceil(contracts.months), 1)
    monthly = np.maximum(contracts.rate / 12, 1e-6)  # at no interest at all the formula divides 0 by 0
    payment = contracts.principal * monthly / -np.expm1(-payments * np.log1p(monthly))
    owed = (payments * payment - contracts.principal) / monthly  # summed over the months
    return np.asarray(owed / 12 * contracts.months / payments)


def realised(ledgers: Ledgers, bad: Flags, terms: Terms) -> Vector:
    """Give what each loan earned: cash, and what is still owed, at par for the good, less LGD for the bad.

    What was written off of late is still collected: it is taken to bring in all what LGD leaves.
    """
    left = ledgers.owed * np.where(bad, 1 - terms.lgd, 1.0)
    late = ledgers.off_days < terms.recovery_months * MONTH
    coming = np.where(late, np.maximum((1 - terms.lgd) * ledgers.written_off - ledgers.recovered, 0), 0.0)
    cash = ledgers.paid + ledgers.recovered
    return np.asarray(cash + left + coming - ledgers.outlay - terms.cost_of_funds * ledgers.years)


def cut_offs(pd: Vector, *more: float) -> list[float]:
    """Give cut-offs that approve one twentieth after another, and some more, each once, strictest first."""
    ends = np.quantile(pd, np.arange(1, STEPS) / STEPS).tolist()
    return sorted({*ends, 1.0, *more})


@dataclass(frozen=True)
class People:
    """Whose outcome is known, by row: PD, outcome, money lent, and what each earns, where that is known.

    `door` is the PD of everybody who came in the same period, lent to or not.
    """

    pd: Vector
    bad: Flags
    lent: Vector
    expected: Vector | None
    realised: Vector | None
    door: Vector


def grid(people: People, ends: Sequence[float], chosen: float) -> list[dict[str, Any]]:
    """Judge each cut-off. Money is of the approved; per application, of all: who isn't approved earns 0."""
    return [{**point(people, end), "chosen": end == chosen} for end in ends]


def point(people: People, cut_off: float) -> dict[str, Any]:
    """Judge one cut-off: whoever has a lower PD is approved."""
    approved = people.pd < cut_off
    rows, bads = int(approved.sum()), int(people.bad[approved].sum())
    return {
        "cut_off": cut_off,
        "approved": rows,
        "approval_rate": rows / len(approved),
        "approval_rate_at_the_door": float(np.mean(people.door < cut_off)),
        "bads": bads,
        "bad_rate": bads / rows if rows else None,
        "bad_rate_interval": wilson(bads, rows) if rows else None,
        "lent": float(people.lent[approved].sum()),
        **_earned("expected", people.expected, approved),
        **_earned("realised", people.realised, approved),
    }


def _earned(name: str, profit: Vector | None, approved: Flags) -> Mapping[str, Any]:
    """Give profit in money and per application; the interval is of the mean, by its standard error."""
    names = (f"{name}_profit", f"{name}_per_application", f"{name}_per_application_interval")
    if profit is None:
        return dict.fromkeys(names)
    each = np.where(approved, profit, 0.0)
    mean, half = float(each.mean()), Z95 * float(each.std(ddof=1)) / np.sqrt(len(each))
    return dict(zip(names, (float(each.sum()), mean, [mean - half, mean + half]), strict=True))
