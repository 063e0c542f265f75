"""raw → validated: what a rule, a suite and a verdict are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Action = Literal["note", "quarantine", "block"]
ACTIONS: tuple[Action, ...] = ("note", "quarantine", "block")


@dataclass(frozen=True)
class Rule:
    """One expectation of a suite. `broken` is its condition on a row in SQL; None: it judges the table.

    `shows` are the columns whose values its reasons tell; `expects` is Great Expectations' own object.
    """

    id: str
    action: Action
    severity: str
    expectation: str
    columns: tuple[str, ...]
    kwargs: Mapping[str, Any]
    because: str
    shows: tuple[str, ...]
    broken: str | None
    expects: object = field(repr=False, compare=False)

    @property
    def column(self) -> str:
        """The columns in one word."""
        return ", ".join(self.columns)


@dataclass(frozen=True)
class Suite:
    """All rules of one table; `derived` are columns that rules need, as SQL over a row, of `types`."""

    table: str
    rules: tuple[Rule, ...]
    derived: Mapping[str, str]
    digest: str
    types: Mapping[str, str] = field(default_factory=dict)

    def rule(self, name: str) -> Rule:
        """Find a rule by its id, or raise KeyError."""
        for rule in self.rules:
            if rule.id == name:
                return rule
        raise KeyError(name)


@dataclass(frozen=True)
class RuleOutcome:
    """What became of one rule: rows that break it, or what was measured of the whole table.

    `skipped` says why it was not judged.
    """

    rule: str
    action: Action
    expectation: str
    column: str
    broken: int
    passed: bool
    skipped: str = ""
    measured: float | None = None

    @property
    def told(self) -> str:
        """Say in a few words how far the rule was broken."""
        if self.skipped:
            return self.skipped
        of_rows = self.broken or self.measured is None
        return f"{self.broken:,} rows" if of_rows else f"measured {self.measured:.4g}"


@dataclass(frozen=True)
class Verdict:
    """What a suite says of a snapshot. Great Expectations judged `judged_by_gx` rows of `rows`.

    `docs` is the page of Data Docs, below the reports' folder; `breaches` is the file that lists every
    broken row (`_at`, its place in the snapshot; `rules`; `held`), beside the verdict in the catalog.
    """

    table: str
    rows: int
    suite_digest: str
    judged_by_gx: int
    rules: tuple[RuleOutcome, ...]
    held: int
    action: Literal["pass", "quarantine", "block"]
    snapshot: str
    breaches: str
    breaches_digest: str
    docs: str

    @property
    def blocking(self) -> tuple[RuleOutcome, ...]:
        """The broken rules that block the batch."""
        return tuple(each for each in self.rules if each.action == "block" and not each.passed)

    def to_json(self) -> dict[str, Any]:
        """Write it as JSON can hold it."""
        return asdict(self) | {"rules": [asdict(each) for each in self.rules]}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Verdict:
        """Read what `to_json` wrote."""
        return cls(**{**given, "rules": tuple(RuleOutcome(**each) for each in given["rules"])})
