"""The simulated lender's traps: what a source shows of the past depends on the day it is asked."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from loanbook.world import words
from loanbook.world.arrays import DAY, NOTHING, Columns, Flags, Ints, take
from loanbook.world.calendar import add_months
from loanbook.world.chance import Topic, of_key, stream
from loanbook.world.ledger import GIVEN_UP
from loanbook.world.outcomes import MISSES_TO_BAD
from loanbook.world.spec import Plant, WorldSpec

NEVER = np.iinfo(np.int64).max
TOLD = 4 * DAY  # after which a missed payment has reached the collectors' system
STAGE_NONE, STAGE_EARLY, STAGE_LATE, STAGE_OFF = range(len(words.STAGES))
FALSE_FLAGS, FLAGGED = 0.02, 0.92  # flagged from the first day; of the bad, once they are known
MISTAKEN, MARRIES = 0.004, 0.03
SALT_FORM, SALT_MARRIAGE = 101, 102

# Which raw column is which trap, and what changes innocently: written to the truth.
FILLED, ORDERED, INNOCENT = "filled in after the outcome", "ordered by outcome", "changes innocently"
TOLD_BY_PLANT = MappingProxyType(
    {
        Plant.LEAKAGE: (
            ("applications", "collections_stage", FILLED),
            ("customers", "internal_flag", FILLED),
        ),
        # the loan names its application, and carries the order along
        Plant.ORDERED_IDS: (
            ("applications", "application_id", ORDERED),
            ("loans", "application_id", ORDERED),
        ),
        Plant.CORRECTIONS: (
            ("applications", "employment_months", INNOCENT),
            ("customers", "marital_status", INNOCENT),
        ),
    }
)


def stages(offers: Columns, product: Ints, approved: Flags) -> Columns:
    """Say when collections reached each stage; `lent` tells whose loan they could ever touch."""
    missed, none = offers["missed"], offers["first_missed"] == 0
    late = none | (missed < MISSES_TO_BAD[product])
    return {
        "lent": approved.astype(np.int64),
        "early_at": np.where(none, NEVER, missed_at(offers, np.ones_like(missed))),
        "late_at": np.where(late, NEVER, missed_at(offers, MISSES_TO_BAD[product])),
        "off_at": np.where(offers["charged"], missed_at(offers, missed), NEVER),
    }


def flags(spec: WorldSpec, month: int, bad: Flags, offers: Columns, product: Ints) -> Ints:
    """Say when each newcomer was flagged in the customer's record; `bad` is of borrowers alone."""
    chance = stream(spec.seed, month, Topic.LEAKAGE).random(len(bad))
    known = missed_at(offers, MISSES_TO_BAD[product])
    return np.where(chance < FALSE_FLAGS, 0, np.where(bad & (chance < FLAGGED), known, NEVER))


def shown(spec: WorldSpec, table: str, columns: Columns, moment: int) -> Columns:
    """Give a table's rows as the source shows them at a moment."""
    if table == "applications":
        return columns | {
            "stage": _stage(columns, moment),
            "employment_months": _put_right(spec, columns, moment),
        }
    if table == "customers":
        return columns | {
            "flag": (columns["flag_at"] <= moment).astype(np.int64),
            "marital": _married(spec, columns, moment),
        }
    return columns


def listed(spec: WorldSpec) -> list[dict[str, str]]:
    """List the planted traps, and the innocent changes among them."""
    return [
        {"table": table, "column": column, "kind": kind}
        for plant, told in TOLD_BY_PLANT.items()
        if spec.has(plant)
        for table, column, kind in told
    ]


def missed_at(offers: Columns, number: Ints) -> Ints:
    """Say when so many payments missed in a row have become known."""
    start = offers["event"].astype("M8[us]").astype("M8[D]")
    due = add_months(start, np.maximum(offers["first_missed"] + number - 1, 1))
    return due.astype("M8[us]").astype(np.int64) + GIVEN_UP * DAY + TOLD


def _stage(columns: Columns, moment: int) -> Ints:
    reached = [columns[name] <= moment for name in ("off_at", "late_at", "early_at")]
    stage = np.select(reached, [STAGE_OFF, STAGE_LATE, STAGE_EARLY], default=STAGE_NONE)
    return np.where(columns["lent"] > 0, stage, NOTHING)


def _put_right(spec: WorldSpec, columns: Columns, moment: int) -> Ints:
    """A few forms misstate how long somebody has worked; a clerk puts it right months later."""
    months = columns["employment_months"]
    mistaken = _happens(spec, columns["application"], MISTAKEN, SALT_FORM) & (
        moment > columns["event"] + 90 * DAY
    )
    return np.where(mistaken, np.round(months * 0.5), months)


def _married(spec: WorldSpec, columns: Columns, moment: int) -> Ints:
    """Some of the single marry within two years, whatever becomes of their loans."""
    due = columns["event"] + (of_key(columns["customer"], 1, SALT_MARRIAGE) * 720 * DAY).astype(np.int64)
    marries = _happens(spec, columns["customer"], MARRIES, SALT_MARRIAGE) & (due <= moment)
    return np.where(marries & (columns["marital"] == 0), 1, columns["marital"])


def _happens(spec: WorldSpec, keys: Ints, share: float, salt: int) -> Flags:
    drawn: Flags = of_key(keys, 0, spec.seed * 1_000 + salt) < share
    return drawn & spec.has(Plant.CORRECTIONS)


def newcomers(columns: Columns, new: Flags, customer: Ints) -> Columns:
    """Pick the rows of those never seen before, in order of their numbers."""
    rows = np.flatnonzero(new)
    return take(columns, rows[np.argsort(customer[rows], kind="stable")])
