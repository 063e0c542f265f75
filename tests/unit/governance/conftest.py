from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from loanbook import digests
from loanbook.governance import basis, evidence, policy, signing
from loanbook.governance.approvals import Approval, Conditions, Decision
from loanbook.governance.basis import Basis
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


PARTS: Mapping[str, Any] = {
    "features.json": {
        "features": ["ltv", "bureau_score"],
        "categories": {},
        "monotone": {"ltv": 1, "bureau_score": -1},
    },
    "calibration.json": {"intercept": -0.1, "slope": 0.97},
    "strategy.json": {"approve_below": 0.12, "decline_from": 0.14},
    "reasons.json": {
        "reasons": [
            {
                "code": "BUREAU_SCORE",
                "en": "Credit bureau score",
                "zh": "征信评分",
                "features": ["bureau_score"],
            },
            {"code": "COLLATERAL", "en": "Value of the vehicle", "zh": "车辆价值", "features": ["ltv"]},
        ],
        "reference": {"ltv": 0.01, "bureau_score": -0.2},
    },
    "card.json": {"recipe": {"num_leaves": 4}, "rounds": 200, "lightgbm": "4.7.0", "decision_days": 3},
}
COLUMNS: Mapping[str, Any] = {
    "ltv": {
        "privacy": "personal",
        "purposes": ["underwriting"],
        "from": ["applications.amount", "vehicles.list_price"],
        "view": "collateral",
        "owner": "collateral",
    },
    "bureau_score": {
        "privacy": "personal",
        "purposes": ["underwriting"],
        "from": ["bureau_reports.score"],
        "view": "bureau",
        "owner": "bureau desk",
    },
}


@pytest.fixture
def parts() -> dict[str, Any]:
    """A bundle small enough to be written down here: two features, each with its reason."""
    return copy.deepcopy(dict(PARTS))


@pytest.fixture
def columns() -> dict[str, Any]:
    """What the evidence says of those two features."""
    return copy.deepcopy(dict(COLUMNS))


@pytest.fixture
def ground(parts: dict[str, Any], columns: dict[str, Any]) -> Callable[..., Basis]:
    """Bind those parts and columns to facts under a policy."""

    def bind(facts: dict[str, Any], rules: Policy) -> Basis:
        written = {name: json.dumps(part).encode() for name, part in parts.items()}
        files = {name: digests.of_bytes(data) for name, data in written.items()}
        bundle = {"digest": digests.of_json(files), "files": files}
        features = {**facts["features"], "columns": columns}
        bound = {**facts["policy"], "digest": rules.digest}
        whole = {**copy.deepcopy(facts), "bundle": bundle, "features": features, "policy": bound}
        return basis.bind(evidence.assemble(whole, rules), rules, written)

    return bind
