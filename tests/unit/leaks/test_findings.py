from __future__ import annotations

import pytest

from loanbook.errors import LeakError
from loanbook.leaks import findings
from loanbook.leaks.findings import Finding, Kind, Verdict

STAGE = Finding(
    "raw.applications.stage", Kind.TELLS, Verdict.REFUSED, "AUC 0.990", used_by=("applications.housing",)
)


def test_a_mapping_made_of_a_refused_column_is_refused_with_evidence_and_what_would_be_right() -> None:
    with pytest.raises(LeakError) as refused:
        findings.refuse([STAGE], {"housing": ("applications.housing",), "amount": ("applications.amount",)})

    told = str(refused.value)
    assert "raw.applications.stage tells the outcome: AUC 0.990" in told
    assert "applications.housing, housing made of it" in told
    assert "amount" not in told
    assert "dataset.toml under [explained]" in told


def test_a_refused_column_that_nobody_uses_refuses_nothing() -> None:
    findings.refuse([Finding("raw.applications.stage", Kind.TELLS, Verdict.REFUSED, "AUC 0.990")])


def test_a_feature_that_is_itself_refused_is_named() -> None:
    leak = Finding("bureau_score", Kind.TELLS, Verdict.REFUSED, "AUC 0.970")
    with pytest.raises(LeakError, match=r"bureau_score tells the outcome: AUC 0\.970"):
        findings.refuse([leak], {"bureau_score": ("bureau_reports.score",)})


def test_what_is_to_be_explained_refuses_nothing_and_what_is_explained_keeps_its_reason() -> None:
    asked = Finding("applications.amount", Kind.CHANGES, Verdict.EXPLAIN, "3 rows differ")
    findings.refuse([asked], {"amount": ("applications.amount",)})

    (passed,) = findings.explained([STAGE], {STAGE.column: "a word of it, set on the first day"})
    findings.refuse([passed])
    assert passed.verdict is Verdict.EXPLAINED
    assert passed.because == "a word of it, set on the first day"


def test_several_misuses_are_counted() -> None:
    other = Finding("loans.rate", Kind.TELLS, Verdict.REFUSED, "AUC 0.9")
    with pytest.raises(LeakError, match="and 1 more such column"):
        findings.refuse([STAGE, other])


def test_a_key_may_be_ordered_by_outcome_and_no_other_column_of_ours_may() -> None:
    key = Finding("applications.application_id", Kind.ORDERED, Verdict.REFUSED, "AUC 1.000")
    findings.refuse([key])
    with pytest.raises(LeakError, match="application_id"):
        findings.refuse([key], {"rank": ("applications.application_id",)})
    with pytest.raises(LeakError, match=r"applications\.ip"):
        findings.refuse([Finding("applications.ip", Kind.ORDERED, Verdict.REFUSED, "AUC 1.000")])
