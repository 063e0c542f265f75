"""raw → validated: the keys of a dataset.toml: every refusal names the file and the key."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from loanbook.errors import DatasetError

T = TypeVar("T")
NAME = re.compile(r"[a-z][a-z0-9_]*")
# A value under such a key is never repeated in a message.
SECRET = re.compile(r"pass|secret|token|dsn|credential|access_key", re.IGNORECASE)


@dataclass(frozen=True)
class Keys:
    """Reads values of one TOML file by key and kind, or raises DatasetError; `place` is where a key lies."""

    where: str

    def known(self, given: Mapping[str, object], allowed: Collection[str], place: str) -> None:
        """Refuse a key that nobody reads."""
        for key in given:
            if key in allowed:
                continue
            near = get_close_matches(key, allowed, 1)
            right = f"Known are {', '.join(allowed)}"
            if SECRET.search(key):
                right = f"A secret has no place in dataset.toml: name an environment variable. {right}"
            full = f"{place}.{key}" if place else key
            raise self.wrong(full, "is no known key", f"Perhaps {near[0]}? {right}" if near else right)

    def get(self, given: Mapping[str, object], key: str, kind: type[T], place: str) -> T:
        """Give a value that must be there and of that kind."""
        full = f"{place}.{key}" if place else key
        if key not in given:
            raise self.wrong(full, "is missing", f"Write it as a {kind.__name__}")
        value = given[key]
        if not isinstance(value, kind):
            raise self.wrong(full, f"is a {type(value).__name__}", f"Write it as a {kind.__name__}")
        return value

    def text(self, given: Mapping[str, object], key: str, place: str) -> str:
        """Give a text, empty where it isn't said."""
        return self.get(given, key, str, place) if key in given else ""

    def flag(self, given: Mapping[str, object], key: str, place: str) -> bool:
        """Give a flag, false where it isn't said."""
        return self.get(given, key, bool, place) if key in given else False

    def strings(self, given: Mapping[str, object], key: str, place: str) -> tuple[str, ...]:
        """Give a list of texts that holds one at least."""
        values = self.get(given, key, list, place)
        if not values or not all(isinstance(value, str) for value in values):
            raise self.wrong(f"{place}.{key}", f"is {values}", "Write a list of texts")
        return tuple(values)

    def matching(self, given: Mapping[str, object], key: str, pattern: re.Pattern[str], says: str) -> str:
        """Give a text that looks as it must."""
        value = self.get(given, key, str, "")
        if not pattern.fullmatch(value):
            raise self.wrong(key, f"is {value!r}", f"Write it in {says}")
        return value

    def wrong(self, key: str, what: str, right: str) -> DatasetError:
        """Make the refusal of a key."""
        return DatasetError(f"{key} {what}", where=self.where, right=right)
