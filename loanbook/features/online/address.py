"""validated → features: where a dataset is served from: a SQLite file of its own, or a shared Redis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from loanbook.errors import FeatureError, SettingsError
from loanbook.settings import Secret, Settings

if TYPE_CHECKING:
    import redis


def project(dataset: str) -> str:
    """Name Feast's project: it is part of each key in Redis, where datasets lie side by side."""
    return f"loanbook_{dataset}"


def sqlite_path(settings: Settings, dataset: str) -> Path:
    """Name the file that serves a dataset."""
    return settings.home / "feast" / dataset / "online.db"


def for_feast(address: Secret) -> str:
    """Write a Redis address as Feast reads it: host:port,db=…,password=…; it holds the password."""
    parts = _parts(address)
    said: dict[str, object] = {"db": int(parts.path.strip("/") or 0)}
    if parts.username:
        said["username"] = unquote(parts.username)
    if parts.password:
        said["password"] = unquote(parts.password)
    if parts.scheme == "rediss":
        said["ssl"] = True
    # Feast splits at commas, then reads JSON: a comma of a password is told by its number
    told = (f"{name}={json.dumps(value)}".replace(",", "\\u002c") for name, value in said.items())
    return ",".join([f"{parts.hostname}:{parts.port or 6379}", *told])


def client(address: Secret) -> redis.Redis:
    """Make a client of a Redis, which connects at its first command."""
    import redis

    _parts(address)
    return redis.Redis.from_url(address.reveal())


@contextmanager
def connected(address: Secret) -> Iterator[redis.Redis]:
    """Lend a client of a Redis; when it doesn't answer, raise FeatureError without telling the address."""
    import redis

    with closing(client(address)) as lent:
        try:
            yield lent
        except (redis.RedisError, ConnectionError) as error:
            raise unanswered(error) from None


def unanswered(error: Exception) -> FeatureError:
    """Say that Redis doesn't answer, but nothing of where it is or how it is entered."""
    return FeatureError(
        f"Redis doesn't answer: {type(error).__name__}",
        where="LOANBOOK_REDIS",
        right="Start it and run again: what was done isn't lost",
    )


def _parts(address: Secret) -> SplitResult:
    parts = urlsplit(address.reveal())
    database = parts.path.strip("/") or "0"
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or not database.isdecimal():
        raise SettingsError(
            "LOANBOOK_REDIS is no address of a Redis",
            where="environment",
            right="Such as redis://user:password@host:6379/0, or rediss:// for TLS",
        )
    return parts
