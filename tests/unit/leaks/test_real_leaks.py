from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench import models_referral
from loanbook.leaks import findings
from loanbook.leaks.findings import Verdict
from loanbook.settings import Settings

from .conftest import DATA, Detect

# what happened to a loan, by what a column is called
OUTCOMES = re.compile(
    r"total_pymnt\w*|total_rec_\w*|recoveries|collection_recovery_fee|out_prncp\w*|last_pymnt_\w*"
    r"|last_credit_pull_d|debt_settlement_\w*|hardship_\w*|settlement_\w*|loan_status"
)
# of which these hold one value, in every row
CONSTANT = {"out_prncp", "out_prncp_inv", "hardship_flag"}
# late fees alone hardly tell a bad loan from a good one; a second reading would show them grow
UNSEEN = {"total_rec_late_fee"}


def _data(name: str) -> Path:
    if not (DATA / name).is_dir():
        pytest.skip(f"the real data is absent: {DATA / name}")
    return DATA / name


@pytest.mark.real
def test_lending_clubs_outcome_columns_are_named_and_those_of_the_application_are_not(detect: Detect) -> None:
    import pyarrow.parquet as pq

    folder = _data("lending_club")
    columns = set(pq.read_schema(next(folder.glob("*.parquet"))).names)
    found = detect("lending_club", folder).findings
    named = {one.column.removeprefix("raw.loans.") for one in found}

    assert named == {name for name in columns if OUTCOMES.fullmatch(name)} - CONSTANT - UNSEEN
    asked = {one.column for one in found if one.verdict is Verdict.EXPLAIN}
    assert asked == {"raw.loans.total_rec_int"}
    assert findings.misused(found, {}) == ()


@pytest.mark.real
def test_allys_survival_columns_are_named_and_those_of_the_application_are_not(detect: Detect) -> None:
    found = detect("ally_auto", _data("ally_auto")).findings
    named = {one.column.removeprefix("raw.pools.") for one in found if one.column.startswith("raw.")}

    # Y is the age at which a loan enters its pool: known on that day, and it tells nothing
    assert {"X", "Xc", "C", "D", "R"} <= named
    assert not [name for name in named if not re.fullmatch(r"Xc?|C|D|R|(BAL|PRC|PMT|REC|REP)\d+", name)]
    assert findings.misused(found, {}) == ()


@pytest.mark.real
def test_superlenders_flag_is_named_and_used_by_no_row_that_comes_before_its_end(detect: Detect) -> None:
    found = detect("superlender", _data("superlender")).findings

    assert [one.column for one in found if one.refused] == ["raw.current.good_bad_flag"]
    assert findings.misused(found, {}) == ()


@pytest.mark.real
def test_whether_the_referrer_goes_bad_in_the_same_month_is_refused_by_its_name(tmp_path: Path) -> None:
    """Half of those referred by a bad one are bad, against 16 %: it ranks, and is never known in time."""
    planted = models_referral.plant(_data("superlender"), tmp_path)

    said = models_referral.refusal(
        models_referral.detect(Settings(home=tmp_path / "home", threads=2), planted)
    )

    assert said.startswith("raw.current.referrer_bad changes with time")
    assert "what came where there was none tells the outcome" in said
    assert "applications.purpose made of it" in said
