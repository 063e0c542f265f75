"""candidate → champion: hold the evidence to the policy, gate by gate.

A gate has three answers. What can't be read is no pass: absent, null, NaN, an empty sample or a
value of another kind give `could_not_run`, which closes the way like `failed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from loanbook.governance import amounts, answers, effects, rules
from loanbook.governance.policy import Gate, Policy
from loanbook.governance.reading import Facts, UnreadableFact

RULES = MappingProxyType({**rules.RULES, **amounts.RULES, **effects.RULES, **answers.RULES})


class Status(StrEnum):
    """What a gate answers."""

    PASSED = "passed"
    FAILED = "failed"
    COULD_NOT_RUN = "could_not_run"


@dataclass(frozen=True)
class GateResult:
    """A gate's answer; `figure` is null where there is none."""

    gate: str
    status: Status
    figure: float | None
    bound: str
    why: str

    def as_json(self) -> dict[str, str | float | None]:
        """Write it as it stands in the evidence."""
        return {
            "gate": self.gate,
            "status": self.status.value,
            "figure": self.figure,
            "bound": self.bound,
            "why": self.why,
        }


def run(policy: Policy, facts: Facts) -> tuple[GateResult, ...]:
    """Run every gate of the policy on the facts; nothing in them can make this raise."""
    return tuple(_run(gate, facts) for gate in policy.gates)


def _run(gate: Gate, facts: Facts) -> GateResult:
    try:
        found = RULES[gate.kind](gate, facts)
    except UnreadableFact as reason:
        return GateResult(gate.name, Status.COULD_NOT_RUN, None, bound(gate), f"{reason}. {gate.why}")
    status = Status.PASSED if found.holds else Status.FAILED
    return GateResult(gate.name, status, found.figure, bound(gate), f"{found.said}. {gate.why}")


def bound(gate: Gate) -> str:
    """Write a gate's bounds for people."""
    if gate.floor is not None and gate.ceiling is not None:
        return f"{gate.floor:g} to {gate.ceiling:g}"
    if gate.floor is not None:
        return f"at least {gate.floor:g}"
    if gate.ceiling is not None:
        return f"at most {gate.ceiling:g}"
    return "must hold"
