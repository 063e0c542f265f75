"""The words: what a column and a table are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Privacy(StrEnum):
    """How closely a column touches a person."""

    OPEN = "open"  # says nothing of a person
    PERSONAL = "personal"  # about a person, names nobody
    IDENTIFYING = "identifying"  # names a person or leads to one
    PROTECTED = "protected"  # a prohibited basis: reachable by the fairness job alone

    @property
    def hidden(self) -> bool:
        """Whether a value is never told outside the vault, only what it looks like."""
        return self in {Privacy.IDENTIFYING, Privacy.PROTECTED}


class Purpose(StrEnum):
    """What a column may serve."""

    UNDERWRITING = "underwriting"
    FRAUD = "fraud"
    SERVICING = "servicing"
    MARKETING = "marketing"
    VALUATION = "valuation"
    RESERVING = "reserving"
    FAIRNESS = "fairness"
    VALIDATION = "validation"


@dataclass(frozen=True)
class Column:
    """One column of a canonical table; `type` is DuckDB's name for it.

    An identifying column holds tokens everywhere but in the vault; the vault keeps the value itself of a
    `reversible` one, encrypted by its customer's own key.
    """

    name: str
    type: str
    privacy: Privacy
    purposes: frozenset[Purpose]
    about: str
    reversible: bool = False


@dataclass(frozen=True)
class Table:
    """One canonical table: a single string key, two clocks, and its columns."""

    name: str
    grain: str
    key: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every column's name, in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Find a column by name, or raise KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
