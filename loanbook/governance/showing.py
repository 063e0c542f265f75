"""candidate → champion: which fact of a version shows that an obligation is met.

Each answer rests on a fact that may say otherwise; one that isn't there raises UnreadableFact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from loanbook.governance import reading
from loanbook.governance.policy import REQUIRED
from loanbook.governance.reading import Facts, UnreadableFact
from loanbook.schema import TABLES, Privacy

GATE = "gate:"
# These speak of how a version was made, and are as old as it; every other gate is as old as its data.
OF_THE_MAKING = frozenset({"inputs", "samples", "reproducibility"})


@dataclass(frozen=True)
class Shown:
    """Whether a fact holds, that in words, and the day it is of."""

    holds: bool
    said: str
    of: date


def known(name: str) -> bool:
    """Say whether a fact of this name is answered here."""
    return name in SHOWS or (
        isinstance(name, str) and name.removeprefix(GATE) in REQUIRED and name.startswith(GATE)
    )


def show(name: str, facts: Facts) -> Shown:
    """Ask one fact. `facts` has evidence, policy and bundle, and since, once the ledger was asked."""
    return _gate(name.removeprefix(GATE), facts) if name.startswith(GATE) else SHOWS[name](facts)


def _gate(name: str, facts: Facts) -> Shown:
    found = [one for one in reading.at(facts, "evidence", "gates") if one["gate"] == name]
    if len(found) != 1:
        raise UnreadableFact(f"evidence.gates answers {name} {len(found)} times")
    answer, why = reading.text(found[0], "status"), reading.text(found[0], "why")
    if answer == "could_not_run":
        raise UnreadableFact(f"the gate {name} could not run: {why}")
    if name == "fairness" and not reading.texts(facts, "evidence", "fairness", "protected_attributes"):
        raise UnreadableFact("no protected attribute is known, so no group was compared")
    day = (
        _trained(facts)
        if name in OF_THE_MAKING
        else reading.instant(facts, "evidence", "data", "as_of").date()
    )
    return Shown(answer == "passed", f"gate {name} {answer}: {why}", day)


def _reasons(facts: Facts) -> Shown:
    """Find each feature of the model under one reason, and each reason worded in both languages."""
    features = reading.texts(facts, "bundle", "features", "features")
    worded = reading.at(facts, "bundle", "reasons", "reasons")
    if not features or not worded:
        raise UnreadableFact("the bundle names no feature, or words no reason")
    speaking = [name for reason in worded for name in reading.texts(reason, "features")]
    silent = sorted(set(features) - set(speaking))
    doubled = sorted({name for name in speaking if speaking.count(name) > 1})
    blank = sorted(
        str(reason.get("code"))
        for reason in worded
        if not all(isinstance(reason.get(tongue), str) and reason[tongue].strip() for tongue in ("en", "zh"))
    )
    faults = {"no reason speaks for": silent, "under two reasons": doubled, "not worded": blank}
    said = "; ".join(f"{fault} {', '.join(names)}" for fault, names in faults.items() if names)
    good = f"{len(worded)} reasons speak for all {len(features)} features, in English and Chinese"
    return Shown(not said, said or good, _trained(facts))


def _unprotected(facts: Facts) -> Shown:
    """Hold every feature of the model to the privacy class of each source column, by our schema."""
    columns = _columns(facts)
    found = sorted(
        name for name, made in columns.items() if Privacy.PROTECTED in {_privacy(one) for one in made}
    )
    said = f"made of a protected column: {', '.join(found)}"
    good = f"none of {len(columns)} features is made of a protected column"
    return Shown(not found, said if found else good, _trained(facts))


def _owners(facts: Facts) -> Shown:
    """Find an owner for every feature of the model."""
    names = reading.texts(facts, "bundle", "features", "features")
    told = reading.mapping(facts, "evidence", "features", "columns")
    nobody = sorted(
        name for name in names if not (isinstance(told.get(name), Mapping) and told[name].get("owner"))
    )
    said = f"nobody owns {', '.join(nobody)}" if nobody else f"{len(names)} features, each with an owner"
    return Shown(bool(names) and not nobody, said, _trained(facts))


def _agreed(facts: Facts) -> Shown:
    """Count the bureau reports of people who are not known to have agreed to a pull."""
    place = ("evidence", "data", "consents", "bureau_reports")
    yes, no, unsaid = (reading.count(facts, *place, answer) for answer in ("yes", "no", "unsaid"))
    said = f"bureau reports by their customer's word: {yes} yes, {no} no, {unsaid} unsaid"
    return Shown(
        yes > 0 and not no and not unsaid, said, reading.instant(facts, "evidence", "data", "as_of").date()
    )


def _ledger(facts: Facts, name: str) -> list[Facts]:
    """Read what the ledger knows since the review, where it was asked."""
    if "since" not in facts:
        raise UnreadableFact("the ledger alone can show it, and wasn't asked")
    found = reading.at(facts, "since", name)
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise UnreadableFact(f"since.{name} is no list of facts")
    return found


def _signed(facts: Facts) -> Shown:
    """Ask the ledger whether enough people other than the trainer signed this evidence."""
    asked, told = reading.count(facts, "policy", "signatures"), _ledger(facts, "approvals")
    refused = reading.at(facts, "since", "refused")
    if refused or len(told) < max(1, asked):
        return Shown(False, str(refused or f"{len(told)} of {asked} signatures"), _trained(facts))
    newest = max(reading.instant(one, "signed_at") for one in told).date()
    names = ", ".join(f"{reading.text(one, 'signer')} ({reading.text(one, 'role')})" for one in told)
    return Shown(
        True, f"signed by {names}; trained by {reading.text(facts, 'evidence', 'trained_by')}", newest
    )


def _reproduced(facts: Facts) -> Shown:
    """Ask the ledger how the last reproduction of this evidence ended."""
    told = _ledger(facts, "reproductions")
    if not told:
        return Shown(False, "nobody reproduced it", _trained(facts))
    same, day = reading.flag(told[-1], "same"), reading.instant(told[-1], "at").date()
    differs = ", ".join(reading.texts(told[-1], "differs"))
    return Shown(same, "made again, the same" if same else f"made again, it differs in {differs}", day)


def _columns(facts: Facts) -> dict[str, tuple[str, ...]]:
    names = reading.texts(facts, "bundle", "features", "features")
    found = {name: reading.texts(facts, "evidence", "features", "columns", name, "from") for name in names}
    bare = sorted(name for name, columns in found.items() if not columns)
    if bare or not found:
        raise UnreadableFact(f"no source column is named for {', '.join(bare) or 'any feature'}")
    return found


def _privacy(column: str) -> Privacy:
    table, _, name = column.partition(".")
    if table not in TABLES or name not in TABLES[table].names:
        raise UnreadableFact(f"the schema knows no column {column}")
    return TABLES[table].column(name).privacy


def _trained(facts: Facts) -> date:
    return reading.instant(facts, "evidence", "trained_at").date()


SHOWS: Mapping[str, Callable[[Facts], Shown]] = MappingProxyType(
    {
        "reasons": _reasons,
        "unprotected": _unprotected,
        "owners": _owners,
        "agreed": _agreed,
        "signed": _signed,
        "reproduced": _reproduced,
    }
)
KNOWN = ", ".join([*SHOWS, *(f"{GATE}{name}" for name in REQUIRED)])
