from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from loanbook.governance import evidence, policy, signing
from loanbook.governance.approvals import Approval, Conditions, Decision
from loanbook.governance.basis import Basis
from loanbook.governance.evidence import Evidence
from loanbook.governance.ledger import Ledger
from loanbook.governance.people import People, Person
from loanbook.governance.policy import Policy

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 23, 9, 30)


@pytest.fixture(scope="session")
def policy_text() -> str:
    return (ROOT / "expectations/policies/underwriting_auto.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def auto(policy_text: str) -> Policy:
    return policy.parse(policy_text, "underwriting_auto.toml")


@pytest.fixture
def facts(honest_facts: Callable[[Policy], dict[str, Any]], auto: Policy) -> dict[str, Any]:
    return honest_facts(auto)


@pytest.fixture
def made(facts: dict[str, Any], auto: Policy) -> Evidence:
    return evidence.assemble(facts, auto)


@dataclass(frozen=True)
class Signer:
    person: Person
    key: Path


@pytest.fixture(scope="session")
def signers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Signer]:
    folder = tmp_path_factory.mktemp("keys")
    wanted = {
        "ada": ("engineer", "reviewer"),
        "bo": ("reviewer",),
        "cy": ("risk_officer",),
        "di": ("auditor",),
        "stranger": ("reviewer",),
    }
    found = {}
    for name, roles in wanted.items():
        public = signing.create_key(folder / name, None)
        found[name] = Signer(Person(name, roles, public.keyid, public.pem, NOW), folder / name)
    return found


@pytest.fixture(scope="session")
def people(signers: dict[str, Signer]) -> People:
    return People(tuple(signers[name].person for name in ("ada", "bo", "cy", "di")))


@pytest.fixture
def sign(made: Evidence, signers: dict[str, Signer]) -> Callable[..., str]:
    """Sign the evidence as somebody; what is given by name is said otherwise."""

    def _sign(who: str, **otherwise: Any) -> str:
        approval = Approval(
            evidence=made.digest,
            line=made.line,
            model=made.model,
            version=made.version,
            environment="local",
            decision=Decision.APPROVE,
            reason="figures recomputed and sound",
            conditions=Conditions(),
            signer=who,
            role=signers[who].person.roles[-1],
            signed_at=NOW - timedelta(hours=1),
            expires_at=NOW + timedelta(days=30),
        )
        return signing.sign(replace(approval, **otherwise), signers[who].key, None)

    return _sign


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite")


@pytest.fixture
def parts(bundle_parts: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    return bundle_parts()


@pytest.fixture
def columns(feature_columns: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    return feature_columns()


@pytest.fixture
def ground(
    bound: Callable[..., Basis], parts: dict[str, Any], columns: dict[str, Any]
) -> Callable[[dict[str, Any], Policy], Basis]:
    """Bind those parts and columns to facts under a policy."""
    return lambda facts, rules: bound(facts, rules, parts, columns)
