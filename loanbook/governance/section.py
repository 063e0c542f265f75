"""candidate → champion: a TOML table of a policy, read strictly."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loanbook.errors import PolicyError


@dataclass(frozen=True)
class Section:
    """A TOML table with its place, so that every complaint says where."""

    values: Mapping[str, Any]
    where: str

    def only(self, *allowed: str) -> None:
        """Refuse any other key."""
        for key in self.values:
            if key not in allowed:
                raise PolicyError(
                    f"unknown key {key!r}", where=self.where, right=f"Allowed are {', '.join(allowed)}"
                )

    def take(self, key: str, kind: type) -> Any:
        """Take a value of exactly this kind; absence is refusal."""
        if key not in self.values:
            raise PolicyError(f"key {key!r} is missing", where=self.where, right="Absence is refusal")
        value = self.values[key]
        if type(value) is not kind:
            raise PolicyError(f"{key} is {value!r}", where=self.where, right=f"It is a {kind.__name__}")
        return value

    def text(self, key: str) -> str:
        """Take words, and not none."""
        value = self.take(key, str)
        if not value.strip():
            raise PolicyError(f"{key} is empty", where=self.where, right="Say it in words")
        return str(value)

    def number(self, key: str) -> float:
        """Take a finite number."""
        value = self.values.get(key)
        if type(value) is int:
            return float(value)
        number = float(self.take(key, float))
        if not math.isfinite(number):
            raise PolicyError(f"{key} is {number}", where=self.where, right="A bound is a finite number")
        return number

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        """Take one of the words that are allowed."""
        value = self.text(key)
        if value not in allowed:
            raise PolicyError(f"{key} is {value!r}", where=self.where, right=f"One of {', '.join(allowed)}")
        return value

    def positive(self, key: str) -> int:
        """Take a count of at least one."""
        value = int(self.take(key, int))
        if value < 1:
            raise PolicyError(f"{key} is {value}", where=self.where, right="At least 1")
        return value

    def inner(self, key: str) -> Section:
        """Open a table within."""
        return Section(self.take(key, dict), f"{self.where}, {key}")
