"""candidate → reviewed: put the facts together, run the gates, write evidence and dossier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from loanbook import lake
from loanbook.errors import EvidenceError
from loanbook.governance import champions, dossier, provenance, shelf
from loanbook.governance import evidence as evidences
from loanbook.governance.artefacts import filing
from loanbook.governance.basis import Basis
from loanbook.governance.evidence import Evidence
from loanbook.governance.gates import Status
from loanbook.governance.ledger import of_home
from loanbook.governance.policy import Policy
from loanbook.governance.recompute import Figures
from loanbook.governance.seals import Seal
from loanbook.lending.economics import Terms
from loanbook.settings import Settings


@dataclass(frozen=True)
class Subject:
    """What is under review: a registered version, its bytes, and the record of its making."""

    model: str
    version: int
    seal: Seal
    predictions: str
    record: Mapping[str, Any]


@dataclass(frozen=True)
class Review:
    """What a review left: the evidence, its page, the artefacts' index, and the gates that are shut."""

    evidence: Evidence
    dossier: Path
    artefacts: Path
    shut: tuple[str, ...]


def assemble(
    settings: Settings, subject: Subject, figures: Figures, policy: Policy, consents: Mapping[str, Any]
) -> Evidence:
    """Bind all that a decision on this version stands on, with the answers of every gate."""
    record = subject.record
    if "stated" not in record:
        raise EvidenceError(
            "the candidate's record doesn't say what the dataset stated of its line",
            where=f"{subject.model} version {subject.version}",
            right="Train it again",
        )
    facts = {
        "format": evidences.FORMAT,
        **{name: record[name] for name in ("dataset", "line", "trained_by", "trained_at", "requested_by")},
        **{name: record[name] for name in ("features", "code", "seed", "threads")},
        "data": {**record["data"], "consents": dict(consents)},
        "model": subject.model,
        "version": subject.version,
        "bundle": {"digest": subject.seal.digest, "files": dict(subject.seal.files)},
        "policy": {
            "digest": policy.digest,
            "path": f"expectations/policies/{policy.line.replace('/', '_')}.toml",
            "version": policy.version,
        },
        "predictions": {
            "digest": subject.predictions,
            "rows": sum(sample["rows"] for sample in figures.samples.values()),
        },
        "split": {
            **record["split"],
            "shared_rows": figures.shared_rows,
            "shared_customers": figures.shared_customers,
            "outcomes": record["outcomes"],
            "frame": record["frame"],
            "label": record["label"],
            "stated": record["stated"],
        },
        "method": _method(record),
        "samples": figures.samples,
        "metrics": figures.metrics,
        "stability": figures.stability,
        "fairness": figures.fairness,
        "maturity": figures.maturity,
        "judged": figures.judged,
        "environment": provenance.environment(settings),
    }
    return evidences.assemble(facts, policy)


def terms(policy: Policy) -> Terms | None:
    """Give by what profit is counted, where the policy states it."""
    stated = policy.economics
    return None if stated is None else Terms(stated.lgd, stated.cost_of_funds, stated.recovery_months)


def _method(record: Mapping[str, Any]) -> dict[str, Any]:
    """Say which recipes were tried, by a search or by the training itself, and which was chosen."""
    said = record["search"] or record
    return {"tried": said["tried"], "chosen": said["chosen"], "searched": bool(record["search"])}


def file(settings: Settings, basis: Basis, figures: Figures, at: datetime) -> Review:
    """Keep the evidence, write dossier and artefacts, and enter the review in the ledger, once."""
    evidence, policy = basis.evidence, basis.policy
    shelf.keep(settings, evidence)
    dataset = str(evidence.facts["dataset"])
    page = shelf.dossier_path(settings, dataset, evidence.model, evidence.version)
    command = f"loanbook approve {evidence.model}/{evidence.version} --key YOUR.key --because '…'"
    lake.write_text(page, dossier.render(evidence, figures.curves, policy=policy, command=command))
    artefacts = filing.write(settings, basis, at.date())
    shut = tuple(
        str(gate["gate"]) for gate in evidence.facts["gates"] if gate["status"] != Status.PASSED.value
    )
    body = {
        "model": evidence.model,
        "version": evidence.version,
        "line": evidence.line,
        "evidence": evidence.digest,
        "bundle": evidence.facts["bundle"]["digest"],
        "policy": policy.digest,
        "shut": list(shut),
        "artefacts": artefacts,
    }
    once = f"{champions.REVIEW}:{evidence.model}:{evidence.version}:{evidence.digest}:{artefacts}"
    of_home(settings.home).append(champions.REVIEW, settings.actor, body, at, once=once)
    index = filing.folder(settings, dataset, evidence.model, evidence.version) / filing.INDEX
    return Review(evidence, page, index, shut)
