"""reviewed → judged: what the fairness job leaves of a version: a hashed record, its page, a ledger entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from loanbook import digests, lake, pages
from loanbook.governance import dossier, parity, provenance
from loanbook.governance.ledger import of_home
from loanbook.governance.policy import Policy
from loanbook.settings import Settings

FORMAT = 1
FAIRNESS = "fairness"
TEMPLATE = Path(__file__).parent / "templates" / "fairness.html"


@dataclass(frozen=True)
class Record:
    """What was found of whom, under one digest; `path` is the record, `page` the same for people."""

    facts: Mapping[str, Any]
    digest: str
    path: Path
    page: Path


def write(
    settings: Settings, made: Mapping[str, Any], found: Mapping[str, Any], policy: Policy, at: datetime
) -> Record:
    """Keep what was found of a version and enter it in the ledger, once.

    `made` names model, version, dataset, bundle, predictions and publication. No person stands in the record.
    """
    facts = {
        "format": FORMAT,
        **made,
        "line": policy.line,
        "jurisdiction": policy.jurisdiction,
        "policy": policy.digest,
        "code": provenance.code_digest(settings),
        FAIRNESS: dict(found),
    }
    text = digests.canonical(facts).decode()
    digest = digests.of_bytes(text.encode())
    name = f"{made['model']}/v{made['version']}"
    folder = lake.Lake(settings.home).reports(str(made["dataset"])) / name
    path = lake.write_text(folder / f"{FAIRNESS}.json", text)
    page = lake.write_text(folder / f"{FAIRNESS}.html", _page(facts, digest))
    body = {name: facts[name] for name in ("model", "version", "bundle", "policy")} | {"record": digest}
    once = f"{FAIRNESS}:{made['model']}:{made['version']}:{digest}"
    of_home(settings.home).append(FAIRNESS, settings.actor, body, at, once=once)
    return Record(MappingProxyType(facts), digest, path, page)


def _page(facts: Mapping[str, Any], digest: str) -> str:
    told = {"facts": facts, "digest": digest, "parity": parity.tables(facts)}
    return pages.render(TEMPLATE, told, filters={"shown": dossier.shown})
