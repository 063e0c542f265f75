"""The simulated lender's dice: one stream per month and topic, so that no topic disturbs another."""

from __future__ import annotations

from enum import IntEnum, auto

import numpy as np

from loanbook.world.arrays import Floats, Ints


class Topic(IntEnum):
    """What a stream of numbers decides. Append only: the order is part of every world's bytes."""

    MACRO = auto()
    WHO = auto()
    PERSON = auto()
    PROFILE = auto()
    FILING = auto()
    VEHICLE = auto()
    BUREAU = auto()
    RINGS = auto()
    FAMILIES = auto()
    CALL_CENTRES = auto()
    LINKS = auto()
    OUTCOME = auto()
    DECISION = auto()
    SLICE = auto()
    LOAN = auto()
    PATH = auto()
    SALARY = auto()
    HOUSING = auto()
    CASH = auto()
    GAMBLING = auto()
    SHOPPING = auto()
    RECOVERY = auto()
    OUTREACH = auto()
    TEXT = auto()
    IDS = auto()
    BAD_ROWS = auto()
    LEAKAGE = auto()
    REVIEW = auto()
    CASES = auto()
    LIMITS = auto()
    STATEMENTS = auto()


def stream(seed: int, month: int, topic: Topic, *more: int) -> np.random.Generator:
    """Open the stream of a month's topic."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(month, topic, *more))))


def of_key(keys: Ints, number: Ints | int, salt: int) -> Floats:
    """Draw one uniform number per key and number: the same whenever and in whatever company it is asked."""
    with np.errstate(over="ignore"):
        state = keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        state = state + np.asarray(number, dtype=np.int64).astype(np.uint64) * np.uint64(0xD1B54A32D192ED03)
        state = state + np.uint64(salt % 2**32) * np.uint64(0x8CB92BA72F3D8DD7)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state = state ^ (state >> np.uint64(31))
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53
