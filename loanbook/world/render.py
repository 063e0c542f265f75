"""numbers → Arrow: how a column of numbers is written in a raw file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loanbook.world.arrays import NO_MONEY, NOTHING, Columns

MONEY = pa.decimal128(18, 2)
TIME = pa.timestamp("us")
Render = Callable[[Columns], Any]


def numbered(prefix: str, width: int, source: str) -> Render:
    """Write a number as a key: a prefix and so many digits; -1 is null."""
    return lambda columns: keyed(prefix, width, columns[source])


def keyed(prefix: str, width: int, numbers: NDArray[Any]) -> Any:
    """Write keys."""
    digits = pc.utf8_lpad(pa.array(numbers, mask=numbers == NOTHING).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def coded(vocabulary: tuple[str, ...], source: str) -> Render:
    """Write a code as its word; -1 is null."""
    return lambda columns: worded(vocabulary, columns[source])


def worded(vocabulary: tuple[str, ...], codes: NDArray[Any]) -> Any:
    """Write words."""
    return pa.array(vocabulary).take(pa.array(codes, mask=codes == NOTHING))


def money(source: str) -> Render:
    """Write minor units as DECIMAL(18,2)."""
    return lambda columns: _decimal(columns[source])


def _decimal(minor: NDArray[np.int64]) -> Any:
    """Lay out 128-bit decimals: the number, then its sign's extension."""
    null = minor == NO_MONEY
    wide = np.empty((len(minor), 2), dtype="<i8")
    wide[:, 0] = np.where(null, 0, minor)
    wide[:, 1] = wide[:, 0] >> 63
    mask = pa.array(~null).buffers()[1] if null.any() else None
    return pa.Array.from_buffers(MONEY, len(minor), [mask, pa.py_buffer(wide.tobytes())])


def real(source: str) -> Render:
    """Write a real number; NaN is null."""
    return lambda columns: pa.array(columns[source], from_pandas=True)


def whole(source: str) -> Render:
    """Write a whole number of 32 bits; -1 is null."""
    return lambda columns: pa.array(columns[source].astype(np.int32), mask=columns[source] == NOTHING)


def flag(source: str) -> Render:
    """Write a yes or no; -1 is null."""
    return lambda columns: pa.array(columns[source] > 0, mask=columns[source] == NOTHING)


def time(source: str) -> Render:
    """Write a time in UTC."""
    return lambda columns: pa.array(columns[source]).cast(TIME)


def date_text(source: str) -> Render:
    """Write days since 1970 as a text like 1987-03-01."""
    return lambda columns: pa.array(columns[source]).cast(pa.int32()).cast(pa.date32()).cast(pa.string())
