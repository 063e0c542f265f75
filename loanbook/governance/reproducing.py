"""reviewed → reproduced: hold a version that was made again to its evidence, and enter how that ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loanbook.errors import EvidenceError, ReproductionError
from loanbook.governance import champions, shelf
from loanbook.governance.evidence import Evidence
from loanbook.governance.ledger import of_home
from loanbook.governance.since import REPRODUCTION
from loanbook.settings import Settings

# Who, when and where: they may differ, and nothing that was computed does with them.
ASIDE = frozenset({"trained_by", "trained_at", "requested_by", "environment.name"})
TOLD, WIDE = 6, 24
MISSING = "nothing"


@dataclass(frozen=True)
class Difference:
    """One fact that came out otherwise, by its dotted path."""

    fact: str
    recorded: object
    again: object

    def __str__(self) -> str:
        return f"{self.fact} was {_brief(self.recorded)}, and is {_brief(self.again)}"


def _brief(value: object) -> str:
    said = str(value)
    return said if len(said) <= WIDE else f"{said[:WIDE]}…"


def recorded(settings: Settings, model: str, version: int) -> Evidence:
    """Read the evidence of a version's last review, or raise EvidenceError where it doesn't suffice."""
    digest = champions.reviewed(of_home(settings.home).entries(), model, version)
    found = shelf.evidence(settings, model, version, digest)
    if not isinstance(found.facts["split"].get("stated"), Mapping):
        raise EvidenceError(
            "the evidence doesn't say what the dataset stated of its line",
            where=f"{model} version {version}, evidence {digest[:12]}",
            right="Train and review it again",
        )
    return found


def differences(was: Evidence, again: Evidence) -> tuple[Difference, ...]:
    """Name every fact in which two pieces of evidence differ, beside who, when and where."""
    sides = (_compared(was), _compared(again))
    return tuple(one for one in _differ(*sides, ()) if one.fact not in ASIDE)


def _compared(evidence: Evidence) -> dict[str, Any]:
    """Give the facts with the gates by name; its words repeat facts that are compared."""
    gates = {
        gate["gate"]: {name: value for name, value in gate.items() if name != "why"}
        for gate in evidence.facts["gates"]
    }
    return {**evidence.facts, "gates": gates}


def _differ(was: Any, now: Any, path: tuple[str, ...]) -> Iterator[Difference]:
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in sorted({*was, *now}):
            yield from _differ(was.get(key, MISSING), now.get(key, MISSING), (*path, key))
    elif isinstance(was, list | tuple) and isinstance(now, list | tuple) and len(was) == len(now):
        for place, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from _differ(one, other, (*path, str(place)))
    elif was != now or type(was) is not type(now):
        yield Difference(".".join(path), was, now)


def enter(settings: Settings, was: Evidence, again: Evidence, at: datetime) -> tuple[Difference, ...]:
    """Enter in the ledger how a reproduction ended; give what differs."""
    found = differences(was, again)
    body = {
        "model": was.model,
        "version": was.version,
        "evidence": was.digest,
        "bundle": again.facts["bundle"]["digest"],
        "same": not found,
        "differs": [one.fact for one in found],
    }
    of_home(settings.home).append(REPRODUCTION, settings.actor, body, at)
    return found


def refuse(was: Evidence, found: tuple[Difference, ...]) -> None:
    """Raise ReproductionError naming what differs; say whether the bytes are the same all the same."""
    if not found:
        return
    bytes_differ = any(one.fact.startswith("bundle.") for one in found)
    more = f"; and {len(found) - TOLD} more" if len(found) > TOLD else ""
    raise ReproductionError(
        f"{len(found)} facts differ: {'; '.join(map(str, found[:TOLD]))}{more}",
        where=f"{was.model} version {was.version}, evidence {was.digest[:12]}",
        right="Run it on the code, lockfile and policy that are recorded; "
        + ("the bundle's bytes differ" if bytes_differ else "the bundle's bytes are the same"),
    )
