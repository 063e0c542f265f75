"""validated → features: a batch of keys, values and times as the bytes that Feast stores, all at once.

A float is Feast's protobuf Value with double_val, a text one with string_val; null and NaN are no bytes.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

STRING = 2  # Feast's ValueType of a key
TEXT_TAG = 2 << 3 | 2  # of its protobuf Value: field string_val, sent with its length
DOUBLE_TAG = 5 << 3 | 1  # field double_val, sent as eight bytes
SECONDS_TAG, NANOS_TAG = 1 << 3, 2 << 3  # of protobuf's Timestamp
KINDS = ("Float64", "String")


def key_prefix(join_key: str) -> bytes:
    """Encode the name of a single string key, as Feast's entity key serialization version 3 does."""
    name = join_key.encode()
    return struct.pack("<III", 1, STRING, len(name)) + name


def key_value(key: str) -> bytes:
    """Encode a key's value, as Feast's entity key serialization version 3 does."""
    value = key.encode()
    return struct.pack("<II", STRING, len(value)) + value


def keys(join_key: str, column: pa.Array, project: str = "") -> pa.Array:
    """Encode a column of string keys; a key in Redis ends with the project."""
    import numpy as np

    raw = _binary(column)
    head = np.empty((len(raw), 2), "<u4")
    head[:, 0], head[:, 1] = STRING, _lengths(raw)
    return joined(key_prefix(join_key), _fixed(head.view(np.uint8)), raw, project.encode())


def values(column: pa.Array, kind: str) -> pa.Array:
    """Encode a column of a declared type; nothing is known where the bytes are empty."""
    return _doubles(column) if kind == "Float64" else _texts(column)


def _doubles(column: pa.Array) -> pa.Array:
    import numpy as np

    plain = column.to_numpy(zero_copy_only=False).astype("<f8", copy=False)
    matrix = np.empty((len(plain), 9), np.uint8)
    matrix[:, 0] = DOUBLE_TAG
    matrix[:, 1:] = plain.view(np.uint8).reshape(-1, 8)
    return _ragged(matrix, np.where(np.isnan(plain), 0, 9))


def _texts(column: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    raw = _binary(column.fill_null(""))
    told = joined(bytes([TEXT_TAG]), varints(_lengths(raw)), raw)
    return pc.if_else(column.is_null(), pa.scalar(b"", pa.binary()), told)


def stamps(micros: np.ndarray[Any, Any]) -> pa.Array:
    """Encode moments, in microseconds since 1970, as protobuf Timestamps; a zero part isn't sent."""
    import numpy as np

    seconds, nanos = np.divmod(micros.astype(np.int64), 1_000_000)
    return joined(_field(SECONDS_TAG, seconds), _field(NANOS_TAG, nanos * 1000))


def _field(tag: int, numbers: np.ndarray[Any, Any]) -> pa.Array:
    import numpy as np

    matrix, lengths = _varints(numbers)
    tagged = np.concatenate([np.full((len(numbers), 1), tag, np.uint8), matrix], axis=1)
    return _ragged(tagged, np.where(numbers == 0, 0, lengths + 1))


def varints(numbers: np.ndarray[Any, Any]) -> pa.Array:
    """Encode whole numbers as protobuf does, seven bits a byte."""
    return _ragged(*_varints(numbers))


def _varints(numbers: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    import numpy as np

    # a negative number takes ten bytes, as if it were unsigned
    rest = np.asarray(numbers).astype(np.int64).view(np.uint64)
    matrix, lengths = np.zeros((len(rest), 10), np.uint8), np.ones(len(rest), np.int64)
    for place in range(10):
        low, rest = rest & np.uint64(0x7F), rest >> np.uint64(7)
        more = rest > 0
        matrix[:, place] = low | (more.astype(np.uint64) << np.uint64(7))
        lengths += more
    return matrix, lengths


def decimals(numbers: np.ndarray[Any, Any]) -> pa.Array:
    """Write whole numbers as digits."""
    import pyarrow as pa

    return pa.array(numbers).cast(pa.string()).cast(pa.binary())


def bulks(column: pa.Array) -> pa.Array:
    """Write each value as Redis' protocol does: its length, then its bytes."""
    return joined(b"$", decimals(_lengths(column)), b"\r\n", column, b"\r\n")


def bulk(value: bytes) -> bytes:
    """Write one value as Redis' protocol does."""
    return b"$%d\r\n%b\r\n" % (len(value), value)


def joined(*parts: pa.Array | bytes) -> pa.Array:
    """Put columns of bytes and constants together, row by row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    said = [pa.scalar(part, pa.binary()) if isinstance(part, bytes) else part for part in parts]
    return pc.binary_join_element_wise(*said, pa.scalar(b"", pa.binary()))


def _binary(column: pa.Array) -> pa.Array:
    import pyarrow as pa

    return column.cast(pa.string()).cast(pa.binary())


def _lengths(column: pa.Array) -> np.ndarray[Any, Any]:
    import pyarrow.compute as pc

    return pc.binary_length(column).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _fixed(matrix: np.ndarray[Any, Any]) -> pa.Array:
    import numpy as np

    return _ragged(matrix, np.full(len(matrix), matrix.shape[1]))


def _ragged(matrix: np.ndarray[Any, Any], lengths: np.ndarray[Any, Any]) -> pa.Array:
    """Take each row's first bytes as a column of bytes."""
    import numpy as np
    import pyarrow as pa

    width = matrix.shape[1]
    whole = lengths == width
    data = matrix if whole.all() else matrix[np.arange(width) < lengths[:, None]]
    offsets = np.zeros(len(matrix) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.Array.from_buffers(pa.binary(), len(matrix), buffers)
