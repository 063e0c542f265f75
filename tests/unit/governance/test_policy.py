from __future__ import annotations

import re
from pathlib import Path

import pytest

from loanbook import digests
from loanbook.errors import PolicyError
from loanbook.governance import gates, policy
from loanbook.governance.policy import KINDS, REQUIRED
from loanbook.lending.strategy import Referral

FOLDER = Path(__file__).resolve().parents[3] / "expectations/policies"
POLICIES = sorted([*FOLDER.glob("underwriting_*.toml"), FOLDER / "fraud.toml"])


def test_every_line_has_a_policy() -> None:
    assert {path.stem for path in POLICIES} >= {"underwriting_auto", "underwriting_consumer", "fraud"}


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_every_policy_parses_and_speaks_of_the_line_of_its_name(path: Path) -> None:
    found = policy.parse(path.read_text(encoding="utf-8"), path.name)
    assert found.line.replace("/", "_") == path.stem
    assert found.digest == digests.of_file(path)
    assert {gate.name for gate in found.gates} >= set(REQUIRED)


def test_every_kind_of_gate_has_a_rule() -> None:
    assert set(KINDS) == set(gates.RULES)


def test_the_auto_policy_admits_an_honest_auc_on_real_auto_loans(policy_text: str) -> None:
    gate = next(gate for gate in policy.parse(policy_text, "p").gates if gate.name == "auc")
    assert gate.floor is not None
    assert gate.floor <= 0.60


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[approval]", "[approval]\nquorum = 2", "'quorum'"),
        ("version = 1", "versoin = 1", "'versoin'"),
        ("[watching]", "[watching]\npsi_alrm = 0.2", "'psi_alrm'"),
        ("[strategy]", "[strategy]\ncut = 0.2", "'cut'"),
        ("[economics]", "[economics]\nprofit = 2", "'profit'"),
        ("lgd = 0.4\n", "", "'lgd' is missing"),
        ("lgd = 0.4\n", "lgd = 40\n", "outside 0 to 1"),
        ("recovery_months = 15", "recovery_months = 0", "recovery_months is 0"),
        ("signatures = 1\n", "", "'signatures' is missing"),
        ("max_bad_rate = 0.05\n", "", "'max_bad_rate' is missing"),
        ("signatures = 1", "signatures = 0", "signatures is 0"),
        ("signatures = 1", "signatures = true", "signatures is True"),
        ("signatures = 1", 'signatures = "1"', "signatures is '1'"),
        ('"risk_officer"]', '"riskofficer"]', "'riskofficer'"),
        ('roles = ["reviewer", "risk_officer"]', "roles = []", "none or twice"),
        ('roles = ["reviewer", "risk_officer"]', "roles = [1]", "unknown role 1"),
        ('materiality = "high"', 'materiality = "huge"', "'huge'"),
        ('line = "underwriting/auto"', 'line = " "', "line is empty"),
        ("floor = 0.58", "floor = nan", "floor is nan"),
        ("floor = 0.58", 'floor = "0.58"', "floor is '0.58'"),
        ("floor = 0.58", "flor = 0.58", "'flor'"),
        ("floor = 0.58", "floor = 0.95", "floor is above the ceiling"),
        ("ceiling = 0.25", "", "without a bound"),
        ('measure = "ece"', 'measure = "brier"', "looks at something else"),
        ('kind = "fair"', 'kind = "unfair"', "'unfair'"),
        ('purpose = "underwriting"', 'purpose = "anything"', "'anything'"),
        ("clean = false", "clean = 0", "clean is 0"),
        ("psi_watch = 0.10\npsi_alarm", "psi_watch = 0.90\npsi_alarm", "watch lies above alarm"),
        ("min_rows = 200", "min_rows = 0", "min_rows is 0"),
        ("max_bad_rate = 0.05", "max_bad_rate = 8", "outside 0 to 1"),
        ("version = 1", "version = ", "no TOML"),
    ],
)
def test_a_wrong_policy_is_refused_naming_key_and_file(
    policy_text: str, old: str, new: str, said: str
) -> None:
    assert old in policy_text
    with pytest.raises(PolicyError, match=re.escape(said)) as caught:
        policy.parse(policy_text.replace(old, new, 1), "auto.toml")
    assert "auto.toml" in str(caught.value)


def test_an_unknown_key_is_answered_with_those_allowed(policy_text: str) -> None:
    with pytest.raises(PolicyError, match="Allowed are signatures, roles, valid_days"):
        policy.parse(policy_text.replace("[approval]", "[approval]\nquorum = 2"), "auto.toml")


@pytest.mark.parametrize("name", REQUIRED)
def test_a_policy_that_leaves_a_gate_out_is_refused(policy_text: str, name: str) -> None:
    without = re.sub(rf"\[gates\.{name}\].*?\n\n", "", policy_text, flags=re.DOTALL)
    assert without != policy_text
    with pytest.raises(PolicyError, match=f"gate '{name}' is missing"):
        policy.parse(without, "auto.toml")


def test_a_line_that_lends_no_money_states_no_economics(policy_text: str) -> None:
    stated, before = policy.parse(policy_text, "auto.toml").economics, policy_text.partition("[economics]")
    without = before[0] + before[2][before[2].index("[watching]") :]

    assert stated is not None
    assert (stated.lgd, stated.cost_of_funds, stated.recovery_months) == (0.4, 0.04, 15)
    assert policy.parse(without, "auto.toml").economics is None


def test_a_changed_comment_is_another_policy(policy_text: str) -> None:
    assert policy.parse(policy_text + "# later\n", "p").digest != policy.parse(policy_text, "p").digest


def test_a_policy_may_refer_a_share_and_decline_nobody(policy_text: str) -> None:
    cut = "max_bad_rate = 0.05\nrefer_band = 0.02"
    assert cut in policy_text

    assert policy.parse(policy_text.replace(cut, "refer_share = 0.02"), "p").strategy == Referral(0.02)
    with pytest.raises(PolicyError, match="unknown key 'refer_band'"):
        policy.parse(policy_text.replace("max_bad_rate = 0.05", "refer_share = 0.02"), "p")
    with pytest.raises(PolicyError, match="outside 0 to 1"):
        policy.parse(policy_text.replace(cut, "refer_share = 2"), "p")


def test_fraud_is_referred_and_never_declined() -> None:
    path = FOLDER / "fraud.toml"
    assert isinstance(policy.parse(path.read_text("utf-8"), path.name).strategy, Referral)
