from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from loanbook import digests
from loanbook.governance import evidence, policy, signing
from loanbook.governance.approvals import Approval, Conditions, Decision
from loanbook.governance.evidence import Evidence
from loanbook.governance.ledger import Ledger
from loanbook.governance.people import People, Person
from loanbook.governance.policy import Policy

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 23, 9, 30)
HASH = "ab" * 32


@pytest.fixture(scope="session")
def policy_text() -> str:
    return (ROOT / "expectations/policies/underwriting_auto.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def auto(policy_text: str) -> Policy:
    return policy.parse(policy_text, "underwriting_auto.toml")


def _sample(rows: int, bads: int, start: str, end: str) -> dict[str, Any]:
    return {"rows": rows, "bads": bads, "from": start, "to": end}


@pytest.fixture
def facts(auto: Policy) -> dict[str, Any]:
    """An honest version of Ally's size: every gate passes on it."""
    files = {"model.txt": HASH, "features.json": "cd" * 32}
    return copy.deepcopy(
        {
            "format": 1,
            "dataset": "ally_auto",
            "line": "underwriting/auto",
            "model": "ally_auto.underwriting_auto",
            "version": 3,
            "trained_by": "ada",
            "trained_at": "2026-11-22T08:00:00Z",
            "requested_by": "ada",
            "bundle": {"digest": digests.of_json(files), "files": files},
            "data": {
                "publication": HASH,
                "as_of": "2023-06-30",
                "tables": {
                    "applications": {"snapshot": HASH, "published": HASH, "rows": 6400, "held": 8},
                    "repayments": {"snapshot": HASH, "published": HASH, "rows": 200555, "held": 0},
                },
            },
            "features": {
                "set": HASH,
                "service": "underwriting_auto",
                "used": ["ltv", "bureau_score"],
                "absent": ["late_payments_12m"],
                "columns": {
                    "ltv": {"privacy": "personal", "purposes": ["underwriting", "valuation"]},
                    "bureau_score": {"privacy": "personal", "purposes": ["underwriting"]},
                },
            },
            "code": {"commit": "e1" * 20, "dirty": False, "digest": HASH, "lockfile": HASH},
            "policy": {"digest": auto.digest, "path": "underwriting_auto.toml", "version": 1},
            "predictions": {"digest": "ef" * 32, "rows": 6200},
            "split": {"embargo_months": 12, "shared_rows": 0},
            "samples": {
                "fit": _sample(2800, 300, "2015-12-01T00:00:00.000000", "2016-08-31"),
                "stop": _sample(400, 40, "2016-09-01", "2016-10-31"),
                "calibrate": _sample(400, 44, "2016-11-01", "2017-02-28"),
                "threshold": _sample(400, 41, "2016-11-02", "2017-02-27"),
                "report": _sample(2200, 230, "2018-03-01", "2019-07-01"),
            },
            "metrics": {
                "report": {
                    "rows": 2200,
                    "bads": 230,
                    "auc": 0.603,
                    "auc_interval": [0.565, 0.641],
                    "calibration_slope": 0.83,
                    "ece": 0.021,
                    "ks": 0.17,
                }
            },
            "stability": {"score_psi": 0.08},
            "fairness": {"protected_attributes": [], "ratios": {}},
            "maturity": {"report": {"rows": 2200, "ripe": 2200}},
            "judged": {
                "monotone": {
                    "declared": {"ltv": 1, "bureau_score": -1},
                    "features": {
                        name: {"sign": sign, "values": 300, "rows": 25, "against": 0.0, "holds": True}
                        for name, sign in (("ltv", 1), ("bureau_score", -1))
                    },
                }
            },
            "seed": 7,
            "threads": 2,
            "environment": {"python": "3.11"},
        }
    )


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
