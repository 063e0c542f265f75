"""candidate → champion: where evidence, dossiers and policies are kept and found again."""

from __future__ import annotations

from pathlib import Path

from loanbook import lake
from loanbook.errors import EvidenceError, PolicyError
from loanbook.governance import evidence as evidences
from loanbook.governance import policy as policies
from loanbook.governance.evidence import Evidence
from loanbook.governance.policy import Policy
from loanbook.settings import Settings


def policy_path(settings: Settings, stem: str) -> Path:
    """Find the policy of a line by the line's stem."""
    return settings.repo / "expectations" / "policies" / f"{stem}.toml"


def policy(settings: Settings, line: str) -> Policy:
    """Read a line's policy as it stands now, or raise PolicyError."""
    path = policy_path(settings, line.replace("/", "_"))
    if not path.exists():
        raise PolicyError(
            f"{line} has no policy", where=str(path), right="A line without a policy can't lend"
        )
    return policies.parse(path.read_text(encoding="utf-8"), str(path))


def evidence_path(settings: Settings, model: str, version: int, digest: str) -> Path:
    """Find where a version's evidence is kept."""
    return settings.home / "governance" / "evidence" / model / str(version) / f"{digest}.json"


def keep(settings: Settings, evidence: Evidence) -> Path:
    """Keep evidence as the very bytes that are hashed and signed."""
    path = evidence_path(settings, evidence.model, evidence.version, evidence.digest)
    return lake.write_text(path, evidence.text)


def evidence(settings: Settings, model: str, version: int, digest: str) -> Evidence:
    """Read a version's evidence, or raise EvidenceError unless it has this digest."""
    path = evidence_path(settings, model, version, digest)
    if not path.exists():
        raise EvidenceError("the evidence is gone", where=str(path), right="Restore it, or review again")
    return evidences.load(path.read_text(encoding="utf-8", errors="surrogatepass"), digest)


def dossier_path(settings: Settings, dataset: str, model: str, version: int) -> Path:
    """Find the page that a reviewer reads."""
    return lake.Lake(settings.home).reports(dataset) / model / f"v{version}" / "dossier.html"
