from __future__ import annotations

import csv
import re
from collections.abc import Callable
from typing import Any

import pytest

from loanbook.intake import mapping

# what is known of an applicant, and so what features are made of
KNOWN_AT_APPLICATION = ("customers", "applications", "bureau_reports", "vehicles", "market")

RESEARCHERS = ("Y", "X", "Xc", "C", "D", "R", "risk_cat_ir")
LEDGER = r"(BAL|PRC|PMT|REC|REP)[0-9]*"
FORBIDDEN = {
    "ally_auto": (
        *RESEARCHERS,
        LEDGER,
        "initialLoanAge",
        "remainingTermtoMaturityNumber",
        "reportingPeriod[A-Za-z]*",
        "next[A-Z][A-Za-z]*",
        "servicing[A-Za-z]*",
        "otherAssessedUncollectedServierFeeAmount",
        "schedule[A-Z][A-Za-z]*",
        "scheduledPrincipalAmount",
        "otherPrincipalAdjustedAmount",
        "total[A-Z][A-Za-z]*",
        "actual[A-Z][A-Za-z]*",
        "repossess[A-Za-z]*",
        "interestPaidThroughDate",
        "currentDelinquencyStatus",
        "assetSubjectDemandIndicator",
        "chargedoffPrincipalAmount",
        "recoveredAmount",
        "paymentExtendedNumber",
    ),
    "superlender": (
        "good_bad_flag",
        "closeddate",
        "firstrepaiddate",
        "firstduedate",
        "totaldue",
        "approveddate",
    ),
    "lending_club": (
        "total_pymnt[a-z_]*",
        "total_rec_[a-z_]*",
        "recoveries",
        "collection_recovery_fee",
        "out_prncp[a-z_]*",
        "last_pymnt_[a-z_]*",
        "last_credit_pull_d",
        "debt_settlement_[a-z_]*",
        "hardship_[a-z_]*",
        "settlement_[a-z_]*",
        "pymnt_plan",
        "chargeoff_within_12_mths",
        "collections_12_mths_ex_med",
        # the lender's own verdict and price
        "grade",
        "sub_grade",
        "int_rate",
        "installment",
        "funded_amnt[a-z_]*",
        "loan_status",
    ),
}
# the policy's verdict stands before the status, and is a decision, not an outcome
DECISION = re.compile(r"CASE WHEN loan_status LIKE '[^']*' THEN 'declined' ELSE 'approved' END AS decision")


def spoken(sql: str) -> str:
    """Leave out what is only said: comments and texts."""
    return re.sub(r"--[^\n]*|'[^']*'", " ", sql)


def tables(name: str) -> dict[str, str]:
    given = mapping.load(name).tables
    return {table: sql for table, sql in given.items() if table in KNOWN_AT_APPLICATION}


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_no_outcome_column_is_read_where_features_are_made(name: str) -> None:
    for table, sql in tables(name).items():
        words = spoken(DECISION.sub(" ", sql))
        for column in FORBIDDEN[name]:
            assert not re.search(rf"\b{column}\b", words), f"{name}/{table}.sql reads {column}"
        assert not re.search(r"COLUMNS|\*\s*(,|FROM|EXCLUDE|REPLACE)", words), (
            f"{name}/{table}.sql reads all columns"
        )


def test_the_researchers_own_columns_are_read_nowhere() -> None:
    for table, sql in mapping.load("ally_auto").tables.items():
        for column in RESEARCHERS:
            assert not re.search(rf"\b{column}\b", spoken(sql)), f"ally_auto/{table}.sql reads {column}"


def test_the_policy_verdict_is_the_only_reading_of_lending_clubs_status() -> None:
    sql = mapping.load("lending_club").tables["applications"]

    assert len(DECISION.findall(sql)) == sql.count("loan_status") == 1


# the rest of what is delivered, by how it begins
HARMLESS = {
    "ally_auto": (
        "asset original originat loanMaturity interestCalculation underwriting gracePeriod paymentT subvented"
        " vehicle obligor coObligor primaryLoanServicer"
    ),
    "superlender": (
        "customerid systemloanid loannumber creationdate loanamount termdays referredby birthdate bank_"
        " longitude latitude employment level"
    ),
}


@pytest.mark.real
@pytest.mark.parametrize(("name", "files"), [("ally_auto", "aart*.csv"), ("superlender", "train*.csv")])
def test_every_delivered_column_is_named_either_harmless_or_forbidden(
    real: Callable[[str], Any], name: str, files: str
) -> None:
    harmless = tuple(HARMLESS[name].split())
    for path in real(name).data.glob(files):
        with path.open(encoding="utf-8", newline="") as stream:
            header = filter(None, next(csv.reader(stream)))
        for column in header:
            forbidden = any(re.fullmatch(pattern, column) for pattern in FORBIDDEN[name])
            assert forbidden or column.startswith(harmless), f"{column} of {path.name} is not judged"
