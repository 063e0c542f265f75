from __future__ import annotations

from pathlib import Path

import pytest

from loanbook.errors import PolicyError
from loanbook.privacy import retention
from loanbook.schema import TABLES
from loanbook.settings import ROOT

TEXT = retention.path_of(ROOT).read_text(encoding="utf-8")


def test_every_table_has_a_rule_with_its_reason_in_law_or_contract() -> None:
    rules = retention.read(ROOT).rules

    assert list(rules) == list(TABLES)
    assert all(rule.months > 0 and len(rule.because) > 10 for rule in rules.values())
    for table in ("loans", "repayments", "recoveries", "limits", "statements"):
        assert rules[table].erasure == "tokenise"


def test_nothing_goes_before_what_it_belongs_to_may_go() -> None:
    rules = retention.read(ROOT).rules

    for child in ("applications", "loans", "repayments", "recoveries", "limits", "statements"):
        assert rules["customers"].months >= rules[child].months
        assert rules[child].since == rules["customers"].since == "last_seen"
    assert rules["vehicles"].months >= rules["applications"].months


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[market]", "[markets]", "there is no table markets"),
        (
            '[market]\nmonths = 600\nsince = "event_at"\nbecause = "public figures"\nerasure = "none"',
            "",
            "market",
        ),
        ("months = 24\n", "month = 24\n", "doesn't take month"),
        ("months = 24\n", "", "it lacks months"),
        ("months = 24\n", "months = 0\n", "months is 0"),
        ("months = 24\n", "months = true\n", "months is True"),
        ("months = 24\n", 'months = "24"\n', "months is 24"),
        ('because = "public figures"', 'because = " "', "no reason"),
        (
            'because = "public figures"\nerasure = "none"',
            'because = "x"\nerasure = "delete"',
            "belong to nobody",
        ),
        ('months = 600\nsince = "event_at"', 'months = 600\nsince = "last_seen"', "no customer"),
        ('months = 24\nsince = "event_at"', 'months = 24\nsince = "created"', "since is 'created'"),
        ('keeps = ["loan_id", "kind"', 'keeps = ["loan_id", "kin"', "keeps no column kin"),
        ("keeps = []", 'keeps = ["phone"]', "can't be known by phone"),
        ("keeps = []", 'keeps = ["birth_date"]', "can't be known by birth_date"),
        ("version = 1", "version = 2", "another version"),
        ("version = 1", "version 1", "no TOML"),
    ],
)
def test_a_rule_that_is_wrong_is_refused_with_what_would_be_right(old: str, new: str, said: str) -> None:
    assert old in TEXT

    with pytest.raises(PolicyError, match=said):
        retention.parse(TEXT.replace(old, new), "retention.toml")


def test_rules_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="can't be read"):
        retention.read(tmp_path)
