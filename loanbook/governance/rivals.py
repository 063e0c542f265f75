"""candidate → reviewed: the champion that a version is held against: by the ledger, of verified bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from loanbook.errors import EvidenceError
from loanbook.governance import champions, reading, shelf
from loanbook.governance.ledger import of_home
from loanbook.governance.registry import Registry
from loanbook.schema import Amount, Line, Response, Uplift
from loanbook.settings import Settings
from loanbook.training import bundle
from loanbook.training.bundle import Bundle

PART = ("judged", "swap_set")
# What a line tells by which nobody is accepted.
ACCEPT_NOBODY: Mapping[type, str] = MappingProxyType(
    {Amount: "an amount", Uplift: "what an offer adds", Response: "what a limit makes"}
)


@dataclass(frozen=True)
class Rival:
    """A champion: its bytes, and the last decision that it learned from, was calibrated or cut by."""

    version: int
    evidence: str
    digest: str
    bundle: Bundle
    learned_to: str

    @property
    def facts(self) -> dict[str, Any]:
        """Say which champion it was, as the evidence holds it."""
        return {
            "version": self.version,
            "evidence": self.evidence,
            "bundle": self.digest,
            "learned_to": self.learned_to,
        }


def standing(settings: Settings, line: Line, model: str, version: int) -> Rival | str:
    """Open who is champion by the ledger now, or say why a version has nobody to be held against.

    Bytes that aren't those of its promotion raise AlteredError. It needn't stand by today's policy: it is
    compared here and decides nothing.
    """
    told = ACCEPT_NOBODY.get(type(line.label))
    if told is not None:
        return f"{line.name} tells {told}: it accepts nobody, so nobody is swapped"
    entries = of_home(settings.home).entries()
    record = champions.current(entries, model, settings.environment)
    if record is None:
        return f"{model} has no champion in {settings.environment}"
    found = int(record.body["version"])
    if found == version:
        return "the version is the champion itself"
    if found in champions.withdrawn(entries, model):
        return f"the champion, version {found}, was withdrawn"
    return _opened(settings, model, record.body)


def recorded(settings: Settings, model: str, facts: Mapping[str, Any]) -> Rival | str:
    """Open the champion that the evidence says a version was held against, whoever is champion since."""
    part = reading.mapping(facts, *PART) if "swap_set" in facts["judged"] else None
    if part is None:
        raise EvidenceError(
            "the evidence doesn't say which champion the version was held against",
            where=model,
            right="Train and review it again",
        )
    return _opened(settings, model, part["champion"]) if "champion" in part else str(part["unmeasured"])


def _opened(settings: Settings, model: str, said: Mapping[str, Any]) -> Rival:
    """Fetch a version's bundle and evidence by their digests."""
    version, digest, evidence = int(said["version"]), str(said["bundle"]), str(said["evidence"])
    scratch = settings.home / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as taken:
        folder = Registry(settings).fetch_bundle(model, version, Path(taken) / "bundle")
        opened = bundle.read(folder, expected=digest)
    samples = shelf.evidence(settings, model, version, evidence).facts["samples"]
    learned_to = max(str(one["to"]) for name, one in samples.items() if name != "report")
    return Rival(version, evidence, digest, opened, learned_to)
