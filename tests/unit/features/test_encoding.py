"""Every batch is encoded as Feast encodes each value of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given, settings

from loanbook.features.online import encoding, on_redis, reading

QUICK = settings(max_examples=150, deadline=None, derandomize=True, database=None)
FLOATS = st.none() | st.floats()
TEXTS = st.none() | st.text(max_size=300)


def proto(value: float | str | None) -> bytes:
    from feast.protos.feast.types.Value_pb2 import Value

    if value is None or value != value:
        return b""
    told = Value(double_val=value) if isinstance(value, float) else Value(string_val=value)
    return bytes(told.SerializeToString())


@QUICK
@given(column=st.lists(FLOATS, max_size=20))
def test_floats_are_feasts_values(column: list[float | None]) -> None:
    got = encoding.values(pa.array(column, pa.float64()), "Float64").to_pylist()

    assert got == [proto(value) for value in column]
    assert [reading.decode(one) for one in got] == [None if v is None or v != v else v for v in column]


@QUICK
@given(column=st.lists(TEXTS, max_size=20))
def test_texts_are_feasts_values(column: list[str | None]) -> None:
    got = encoding.values(pa.array(column, pa.string()), "String").to_pylist()

    assert got == [proto(value) for value in column]
    assert [reading.decode(one) for one in got] == column


def test_a_long_text_keeps_its_length() -> None:
    column = ["x" * length for length in (0, 127, 128, 16_383, 16_384, 3_000_000)]
    got = encoding.values(pa.array(column), "String").to_pylist()

    assert got == [proto(value) for value in column]
    assert [reading.decode(one) for one in got] == column


@QUICK
@given(column=st.lists(st.text(max_size=60), min_size=1, max_size=20), project=st.sampled_from(["", "p"]))
def test_keys_are_feasts_entity_keys(column: list[str], project: str) -> None:
    from feast.infra.key_encoding_utils import serialize_entity_key
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    theirs = [
        serialize_entity_key(
            EntityKey(join_keys=["customer_id"], entity_values=[Value(string_val=key)]),
            entity_key_serialization_version=3,
        )
        for key in column
    ]

    assert encoding.keys("customer_id", pa.array(column), project).to_pylist() == [
        key + project.encode() for key in theirs
    ]
    assert [encoding.key_prefix("customer_id") + encoding.key_value(key) for key in column] == theirs


@QUICK
@given(st.lists(st.datetimes(datetime(1677, 1, 1), datetime(2262, 1, 1)), min_size=1, max_size=20))
def test_moments_are_protobufs_timestamps(column: list[datetime]) -> None:
    from google.protobuf.timestamp_pb2 import Timestamp

    column += [datetime(1970, 1, 1), datetime(1970, 1, 1, 0, 0, 1), datetime(1969, 12, 31, 23, 59, 59, 5)]
    micros = pa.array(column, pa.timestamp("us")).cast(pa.int64()).to_numpy()
    theirs = [Timestamp() for _ in column]
    for stamp, moment in zip(theirs, column, strict=True):
        stamp.FromDatetime(moment.replace(tzinfo=UTC))
    got = encoding.stamps(micros).to_pylist()

    assert got == [stamp.SerializeToString() for stamp in theirs]
    assert [reading._seconds(one) if one else 0 for one in got] == [stamp.seconds for stamp in theirs]


def test_a_hash_has_feasts_fields() -> None:
    from feast.infra.online_stores.helpers import _mmh3

    names = ("inflow_90d", "銀行", "")

    assert on_redis.fields("view", names) == (b"_ts:view", *(_mmh3(f"view:{name}") for name in names))


@QUICK
@given(column=st.lists(st.binary(max_size=40), min_size=1, max_size=20))
def test_commands_are_those_that_a_client_packs(column: list[bytes]) -> None:
    from redis.connection import Connection

    told = encoding.joined(
        b"*3\r\n$4\r\nHDEL\r\n", encoding.bulks(pa.array(column, pa.binary())), encoding.bulk(b"f")
    )

    theirs = b"".join(b"".join(Connection().pack_command(b"HDEL", one, b"f")) for one in column)
    assert bytes(on_redis._bytes(told)) == theirs


@pytest.mark.parametrize("slicing", [slice(0, 2), slice(3, 9), slice(5, 5)])
def test_a_slice_of_a_batch_is_encoded_as_that_slice(slicing: slice) -> None:
    floats, texts = [float(n) for n in range(9)], [f"t{n}" for n in range(9)]
    start, count = slicing.start, slicing.stop - slicing.start

    for column, kind in ((floats, "Float64"), (texts, "String")):
        part: Any = pa.array(column).slice(start, count)
        assert encoding.values(part, kind).to_pylist() == [proto(one) for one in column[slicing]]
    keys = encoding.keys("k", pa.array(texts))
    assert bytes(on_redis._bytes(keys.slice(start, count))) == b"".join(keys.to_pylist()[slicing])


def test_a_day_is_counted_in_microseconds_whatever_its_zone() -> None:
    from datetime import timezone

    from loanbook.features import asof

    east = datetime(2024, 1, 1, 8, tzinfo=timezone(timedelta(hours=8)))

    assert asof.micros(east) == asof.micros(datetime(2024, 1, 1)) == 1_704_067_200_000_000
