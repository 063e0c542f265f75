"""candidate → reviewed: what may be said of a version: its evidence, and what that binds by hash."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loanbook import digests
from loanbook.errors import AlteredError, EvidenceError, PolicyChangedError
from loanbook.governance import evidence as evidences
from loanbook.governance.evidence import Evidence
from loanbook.governance.policy import Policy

# Of the bundle's files, those that say something of the model; the trees and the frozen bins are figures.
PARTS = ("features.json", "calibration.json", "strategy.json", "reasons.json", "card.json")
OF_AN_AMOUNT = ("features.json", "quantiles.json", "card.json")
OF_AN_UPLIFT = ("features.json", "arms.json", "card.json")
OF_A_RESPONSE = ("features.json", "doses.json", "card.json")


@dataclass(frozen=True)
class Basis:
    """A version's evidence, its policy, and the parts of its bundle, each by its stem."""

    evidence: Evidence
    policy: Policy
    parts: Mapping[str, Any]

    @property
    def facts(self) -> Mapping[str, Any]:
        """Give every fact by one path: evidence…, policy…, bundle…."""
        return {"evidence": self.evidence.facts, "policy": _policy(self.policy), "bundle": self.parts}

    @property
    def purpose(self) -> str:
        """What the policy lets the line's features serve; every policy has one such gate."""
        return next(gate.purpose.value for gate in self.policy.gates if gate.purpose is not None)


def parts_of(files: Collection[str]) -> tuple[str, ...]:
    """Name the parts that a bundle of these files must have, by the one that only its kind has."""
    own = (parts for parts in (OF_AN_AMOUNT, OF_AN_UPLIFT, OF_A_RESPONSE) if parts[1] in files)
    return next(own, PARTS)


def texts(folder: Path) -> dict[str, bytes]:
    """Read the parts of a bundle as they lie there; `bind` holds them to the evidence."""
    names = parts_of([path.name for path in folder.iterdir()]) if folder.is_dir() else PARTS
    found = {name: folder / name for name in names}
    lacking = [name for name, path in found.items() if not path.is_file()]
    if lacking:
        raise AlteredError(f"it lacks {', '.join(lacking)}", where=str(folder), right="Fetch it again")
    return {name: path.read_bytes() for name, path in found.items()}


def bind(evidence: Evidence, policy: Policy, parts: Mapping[str, bytes]) -> Basis:
    """Put together what belongs together; a policy or a part that the evidence doesn't bind raises."""
    evidences.verify(evidence)
    bound = evidence.facts["policy"]["digest"]
    if policy.digest != bound:
        raise PolicyChangedError(
            f"the policy of {policy.line} is {policy.digest[:12]}",
            where=f"evidence {evidence.digest[:12]}",
            right=f"It binds {bound[:12]}: restore that policy, or review again",
        )
    names = parts_of(evidence.facts["bundle"]["files"])
    return Basis(evidence, policy, {Path(name).stem: _part(evidence, name, parts) for name in names})


def _part(evidence: Evidence, name: str, parts: Mapping[str, bytes]) -> Any:
    bound = evidence.facts["bundle"]["files"].get(name)
    if name not in parts or bound is None:
        raise EvidenceError(
            f"the bundle's {name} isn't there", where="bundle", right="Review the version again"
        )
    found = digests.of_bytes(parts[name])
    if found != bound:
        raise AlteredError(
            f"{name} hashes to {found[:12]}",
            where="bundle",
            right=f"The evidence binds {bound[:12]}: fetch it again",
        )
    return json.loads(parts[name])


def _policy(policy: Policy) -> dict[str, Any]:
    """Give the policy as plain JSON, its gates by name; what a gate doesn't say is left out."""
    gates = {
        gate.name: {name: value for name, value in asdict(gate).items() if value is not None}
        for gate in policy.gates
    }
    return {**asdict(policy), "roles": list(policy.roles), "gates": gates}
