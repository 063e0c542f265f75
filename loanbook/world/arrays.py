"""The simulated lender's words for columns of numbers, and for the seconds of its clocks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# What a column means; numpy's own types of number are finer than any reader needs.
Floats = NDArray[Any]
Ints = NDArray[Any]
Flags = NDArray[Any]
Columns = dict[str, NDArray[Any]]

NOTHING = -1  # a key, code or flag that is null
NO_MONEY = np.iinfo(np.int64).min  # an amount that is null
SECOND = 1_000_000  # microseconds: every time is int64 since 1970
HOUR = 3_600 * SECOND
DAY = 24 * HOUR


def cents(amounts: Floats) -> Ints:
    """Round money to minor units."""
    minor: Ints = np.rint(amounts * 100).astype(np.int64)
    return minor


def take(columns: Columns, rows: NDArray[Any]) -> Columns:
    """Pick rows by number or by flag."""
    return {name: values[rows] for name, values in columns.items()}


def join(parts: list[Columns]) -> Columns:
    """Put the rows of several parts under one another."""
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def pick(uniform: Floats, shares: Floats) -> Ints:
    """Turn uniform numbers into codes 0, 1, … of the given shares, which sum to one."""
    return np.searchsorted(np.cumsum(shares)[:-1], uniform, side="right").astype(np.int64)


def squash(logit: Floats) -> Floats:
    """Turn log odds into a probability."""
    probability: Floats = 1.0 / (1.0 + np.exp(-logit))
    return probability
