"""raw and features → refused: what was found of a column, and the refusal of whoever uses it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from loanbook.errors import LeakError
from loanbook.schema import REFERENCES, TABLES

RIGHT = (
    "Leave it out, deliver it as rows of its own with the day on which each became known, or say in "
    "dataset.toml under [explained] why it tells nothing"
)


class Kind(StrEnum):
    """How a column gave itself away."""

    CHANGES = "changes with time"
    TELLS = "tells the outcome"
    LATER = "holds later days"
    FILLS = "fills with age"
    ORDERED = "ordered by outcome"


class Verdict(StrEnum):
    """What follows from it."""

    REFUSED = "refused"
    EXPLAIN = "to be explained"
    EXPLAINED = "explained"


@dataclass(frozen=True)
class Finding:
    """One column, its evidence in figures and in words; `keys` name rows, `used_by` our columns.

    `column` is raw.<source>.<column>, <table>.<column>, or a feature's name.
    """

    column: str
    kind: Kind
    verdict: Verdict
    said: str
    figures: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    keys: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    because: str = ""

    @property
    def refused(self) -> bool:
        """Tell whether nothing may be made of the column."""
        return self.verdict is Verdict.REFUSED


def explained(findings: Iterable[Finding], reasons: Mapping[str, str]) -> tuple[Finding, ...]:
    """Let those pass for which a reason is written down, by the column's name."""
    return tuple(
        replace(one, verdict=Verdict.EXPLAINED, because=reasons[one.column]) if one.column in reasons else one
        for one in findings
    )


def misused(
    findings: Iterable[Finding], features: Mapping[str, Iterable[str]]
) -> tuple[tuple[Finding, tuple[str, ...]], ...]:
    """Give each refused column that is used, with the columns of ours and the features made of it.

    `features` gives the canonical columns that each feature is made of.
    """
    made_of = {name: frozenset(columns) for name, columns in features.items()}
    found = []
    for one in findings:
        direct = frozenset({one.column, *one.used_by})
        names = [name for name, columns in made_of.items() if name == one.column or columns & direct]
        own = () if one.column.startswith("raw.") or _is_ordered_key(one) else (one.column,)
        if one.refused and (one.used_by or names or own):
            found.append((one, (*own, *one.used_by, *sorted(set(names) - {one.column}))))
    return tuple(found)


def names_a_row(column: str) -> bool:
    """Tell whether a column of ours is a key: it may lie in any order, for nothing is made of it."""
    table, _, name = column.partition(".")
    if table not in TABLES:
        return False
    return name == TABLES[table].key or name in {one for one, _ in REFERENCES.get(table, ())}


def _is_ordered_key(one: Finding) -> bool:
    return one.kind is Kind.ORDERED and names_a_row(one.column)


def refuse(findings: Iterable[Finding], features: Mapping[str, Iterable[str]] | None = None) -> None:
    """Raise LeakError when a mapping or a feature is made of a refused column."""
    used = misused(findings, features or {})
    for one, names in used:
        more = f"; and {len(used) - 1} more such columns" if len(used) > 1 else ""
        makes = ", ".join(name for name in names if name != one.column)
        raise LeakError(
            f"{one.column} {one.kind}: {one.said}" + (f"; {makes} made of it" if makes else "") + more,
            where=one.column,
            right=RIGHT,
        )
