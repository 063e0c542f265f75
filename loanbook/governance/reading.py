"""candidate → champion: take one fact out of the evidence, or say that it isn't there."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from reprlib import repr as short
from typing import Any

Facts = Mapping[str, Any]
SHA256 = re.compile(r"[0-9a-f]{64}")
# The last whole number that a float tells from its neighbours.
LARGEST = 2**53
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class UnreadableFact(Exception):
    """A fact is absent, or isn't of the kind that was asked for."""


def at(facts: Facts, *path: str) -> Any:
    """Follow `path` through nested mappings."""
    found: Any = facts
    for depth, key in enumerate(path):
        if not isinstance(found, Mapping) or key not in found:
            raise UnreadableFact(f"{'.'.join(path[: depth + 1])} is missing")
        found = found[key]
    return found


def mapping(facts: Facts, *path: str) -> Mapping[str, Any]:
    """Read a mapping that isn't empty."""
    found = at(facts, *path)
    if not isinstance(found, Mapping) or not found:
        raise UnreadableFact(f"{'.'.join(path)} holds nothing")
    return found


def number(facts: Facts, *path: str) -> float:
    """Read a finite number; true and false are none."""
    return finite(at(facts, *path), ".".join(path))


def finite(found: object, name: str) -> float:
    """Take a value as a finite number."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise UnreadableFact(f"{name} is {short(found)}, no number")
    if not -LARGEST <= found <= LARGEST or not math.isfinite(found):
        raise UnreadableFact(f"{name} is {short(found)}, no finite number")
    return float(found)


def count(facts: Facts, *path: str) -> int:
    """Read a whole number of 0 or more."""
    found = at(facts, *path)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= LARGEST:
        raise UnreadableFact(f"{'.'.join(path)} is {short(found)}, no count")
    return found


def text(facts: Facts, *path: str) -> str:
    """Read a text that isn't blank."""
    found = at(facts, *path)
    if not isinstance(found, str) or not found.strip():
        raise UnreadableFact(f"{'.'.join(path)} is {short(found)}, no text")
    return found


def texts(facts: Facts, *path: str) -> tuple[str, ...]:
    """Read a list of texts, which may be empty."""
    found = at(facts, *path)
    if not isinstance(found, list | tuple) or not all(isinstance(item, str) and item for item in found):
        raise UnreadableFact(f"{'.'.join(path)} is {short(found)}, no list of texts")
    return tuple(found)


def matching(pattern: re.Pattern[str], facts: Facts, *path: str) -> str:
    """Read a text of one form, such as a SHA-256."""
    found = text(facts, *path)
    if not pattern.fullmatch(found):
        raise UnreadableFact(f"{'.'.join(path)} is {short(found)}, not of the form {pattern.pattern}")
    return found


def digest(facts: Facts, *path: str) -> str:
    """Read a SHA-256 in hex."""
    return matching(SHA256, facts, *path)


def flag(facts: Facts, *path: str) -> bool:
    """Read true or false, and nothing that merely looks like one."""
    found = at(facts, *path)
    if not isinstance(found, bool):
        raise UnreadableFact(f"{'.'.join(path)} is {short(found)}, neither true nor false")
    return found


def instant(facts: Facts, *path: str) -> datetime:
    """Read a date or time in ISO form, as naive UTC."""
    written = text(facts, *path)
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise UnreadableFact(f"{'.'.join(path)} is {short(written)}, no time") from None
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
