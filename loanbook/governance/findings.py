"""candidate → champion: what a rule says of the facts."""

from __future__ import annotations

from dataclasses import dataclass

from loanbook.governance.policy import Gate


@dataclass(frozen=True)
class Finding:
    """A gate's figure (null where it has none), whether it holds, and that in words."""

    figure: float | None
    holds: bool
    said: str


def within(gate: Gate, low: float, high: float) -> bool:
    """Say whether a figure, or an interval's two ends, keep to the gate's bounds."""
    above = gate.floor is None or low >= gate.floor
    return above and (gate.ceiling is None or high <= gate.ceiling)
