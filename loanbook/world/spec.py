"""The simulated lender, its size and its traps: what a world is made from, and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from loanbook.errors import SettingsError

SMALLEST, LARGEST = 2_000, 10_000_000
LEAD = 4  # months before its application in which a customer is first seen
LONGEST = 240


class Plant(StrEnum):
    """One thing planted in the world; each can be left out without reshuffling the rest."""

    RING_DEVICE = "ring_device"  # many strangers apply from one device
    RING_REFERRAL = "ring_referral"  # each refers the next
    RING_DEALER = "ring_dealer"  # a dealer sends straw buyers with dear vehicles
    RING_ACCOUNT = "ring_account"  # many strangers are paid to one bank account
    FAMILIES = "families"  # innocent: one address and one phone
    CALL_CENTRES = "call_centres"  # innocent: one employer's shared device
    BAD_ROWS = "bad_rows"  # broken rows in the raw files
    LEAKAGE = "leakage"  # raw columns that are filled in once the outcome is known
    ORDERED_IDS = "ordered_ids"  # application ids that sort by outcome within their month
    CORRECTIONS = "corrections"  # innocent: raw values that are put right or change later
    RANDOMISED = "randomised"  # a slice of approvals, prices, limits and offers by lot
    PROXY = "proxy"  # region and merchants tell the ethnic group
    CANARIES = "canaries"  # people whose names must never leave the vault
    COVARIATE = "covariate"  # drift: other people come
    CONCEPT = "concept"  # drift: the same people pay otherwise
    MIX = "mix"  # drift: other products and terms, the rest flat
    SOURCE_DIES = "source_dies"  # drift: the bureau falls silent
    UNIT = "unit"  # drift: one channel declares income by the month
    CASES = "cases"  # investigators find most ring members, late, and clear some innocent people
    LIMITS = "limits"  # revolving limits, and a statement of each a month


DRIFTS = frozenset({Plant.COVARIATE, Plant.CONCEPT, Plant.MIX, Plant.SOURCE_DIES, Plant.UNIT})
DEFAULT_PLANTS = frozenset(Plant) - {Plant.MIX, Plant.SOURCE_DIES, Plant.UNIT}


@dataclass(frozen=True)
class WorldSpec:
    """All that decides a world's bytes. `noise` replaces every true PD by its product's base rate."""

    applications: int
    months: int = 60
    drift_month: int = 49
    seed: int = 7
    start: str = "2020-01"
    plants: frozenset[Plant] = field(default=DEFAULT_PLANTS)
    noise: bool = False

    def __post_init__(self) -> None:
        """Refuse what can't be simulated, or raise SettingsError saying what can."""
        _within("applications", self.applications, SMALLEST, LARGEST)
        _within("months", self.months, 1, LONGEST)
        _within("drift_month", self.drift_month, 1, LONGEST + 1)
        _within("seed", self.seed, 0, 2**63 - 1)
        if not re.fullmatch(r"(19|20)\d\d-(0[1-9]|1[0-2])", self.start):
            raise _wrong(f"start {self.start!r} is not a month", "Write it as 2020-01")
        strangers = sorted(str(plant) for plant in self.plants if not isinstance(plant, Plant))
        if strangers:
            raise _wrong(f"there is no plant {strangers[0]}", f"Known are {', '.join(Plant)}")

    def has(self, plant: Plant) -> bool:
        """Tell whether something is planted."""
        return plant in self.plants

    def drifts(self, plant: Plant, month: int) -> bool:
        """Tell whether a drift is planted and has begun."""
        return plant in self.plants and month >= self.drift_month

    def name_of(self, month: int) -> str:
        """Name the n-th month, from 1, as in 2020-01."""
        year, number = divmod(int(self.start[:4]) * 12 + int(self.start[5:]) + month - 2, 12)
        return f"{year:04d}-{number + 1:02d}"


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise _wrong(f"{name} {value:,} is out of range", f"Give {low:,} to {high:,}")


def _wrong(what: str, right: str) -> SettingsError:
    return SettingsError(what, where="world", right=right)
