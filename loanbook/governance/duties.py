"""candidate → champion: hold each obligation to a version's facts on one day.

Met is what a fact shows, and nothing else: what no fact can show is not shown, what was shown too long ago
or by a source that no longer stands is stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from loanbook.governance import showing
from loanbook.governance.basis import Basis
from loanbook.governance.obligations import Obligation, Obligations
from loanbook.governance.reading import UnreadableFact
from loanbook.governance.showing import Shown


class Answer(StrEnum):
    """How an obligation stands."""

    MET = "met"
    NOT_MET = "not_met"
    NOT_APPLICABLE = "not_applicable"
    STALE = "stale"
    NOT_SHOWN = "not_shown"


@dataclass(frozen=True)
class Duty:
    """One obligation's answer on one day, and why."""

    obligation: Obligation
    answer: Answer
    why: str


def judge(
    obligations: Obligations, basis: Basis, on: date, since: Mapping[str, Any] | None = None
) -> tuple[Duty, ...]:
    """Answer every obligation as of a day. `since` is what the ledger knows; without it, it isn't asked."""
    facts = {**basis.facts, **({"since": since} if since is not None else {})}
    return tuple(Duty(one, *_answer(one, basis, facts, on)) for one in obligations.each)


def _answer(one: Obligation, basis: Basis, facts: Mapping[str, Any], on: date) -> tuple[Answer, str]:
    aside = _aside(one, basis, on)
    if aside is not None:
        return aside
    if not one.shown_by:
        return Answer.NOT_SHOWN, "no fact that is recorded of a version can show it"
    try:
        found = [showing.show(name, facts) for name in one.shown_by]
    except UnreadableFact as reason:
        return Answer.NOT_SHOWN, str(reason)
    return _of_facts(one, found, on)


def _aside(one: Obligation, basis: Basis, on: date) -> tuple[Answer, str] | None:
    """Say why it isn't asked of this version on this day; null if it is."""
    if one.jurisdiction != basis.policy.jurisdiction:
        return (
            Answer.NOT_APPLICABLE,
            f"it is of {one.jurisdiction}, the policy of {basis.policy.jurisdiction}",
        )
    if one.purposes and basis.purpose not in one.purposes:
        return Answer.NOT_APPLICABLE, f"it is on {', '.join(one.purposes)}; this line serves {basis.purpose}"
    if on < one.effective:
        return Answer.NOT_APPLICABLE, f"it applies from {one.effective} on"
    if one.until is not None and on >= one.until:
        return Answer.STALE, f"it ended on {one.until}; in its place: {one.superseded_by or 'nothing'}"
    return None


def _of_facts(one: Obligation, found: list[Shown], on: date) -> tuple[Answer, str]:
    later = [fact for fact in found if fact.of > on]
    if later:
        return Answer.NOT_SHOWN, f"the fact is of {later[0].of}, after {on}: {later[0].said}"
    said = "; ".join(fact.said for fact in found if not fact.holds)
    if said:
        return Answer.NOT_MET, said
    oldest = min(fact.of for fact in found)
    told = "; ".join(fact.said for fact in found)
    if one.fresh_months is not None and _months(oldest, on) >= one.fresh_months:
        return Answer.STALE, f"shown as of {oldest}, which holds {one.fresh_months} months: {told}"
    return Answer.MET, told


def _months(earlier: date, later: date) -> int:
    """Count the whole months between two days."""
    months = (later.year - earlier.year) * 12 + later.month - earlier.month
    return months - (later.day < earlier.day)
