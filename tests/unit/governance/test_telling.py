from __future__ import annotations

from typing import Any

import pytest

from loanbook.governance import telling

METRICS = {"report": {"auc": 0.70, "gini": 0.40}}


def second(low: float, high: float) -> dict[str, Any]:
    auc = {"difference": (low + high) / 2, "difference_interval": [low, high]}
    return {"features": ["ltv"], "metrics": {"auc": 0.69}, "auc": auc}


def table(title: str, judged: dict[str, Any], **more: Any) -> telling.Table:
    facts = {"judged": judged, "metrics": METRICS, "stability": {}} | more
    return next(one for one in telling.tables(facts) if one.title == title)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.01, 0.03, "The trees rank better: trees less scorecard +0.020"),
        (-0.03, -0.01, "The scorecard ranks better: trees less scorecard -0.020"),
        (-0.01, 0.03, "The report sample can't tell which ranks better: trees less scorecard +0.010"),
        (0.0, 0.03, "The report sample can't tell"),
    ],
)
def test_whether_the_first_model_is_worth_it_hangs_on_the_interval(
    low: float, high: float, said: str
) -> None:
    assert said in table("Is the first model worth it?", {"second_model": second(low, high)}).about


@pytest.mark.parametrize("stopped", [True, False])
def test_rounds_are_said_to_be_stopped_only_where_they_were(stopped: bool) -> None:
    judged = {"data_size": {"sample": "stop", "stopped_by_it": stopped, "points": []}}

    assert ("were stopped too" in table("Would more data help?", judged).about) == stopped


def test_what_was_not_judged_is_absent_by_name() -> None:
    tables = telling.tables({"judged": {}, "metrics": METRICS, "stability": {}})

    assert all(one.absent.endswith("is missing") for one in tables), [one.absent for one in tables]


def test_what_could_not_be_measured_says_why_in_the_table_and_among_the_limits() -> None:
    judged = {
        "data_size": {"unmeasured": "the stop sample has one outcome only"},
        "segments": {"term_months": {"unmeasured": "no"}, "housing": [{"auc": None}, {"auc": 0.6}]},
    }
    facts = {
        "judged": judged,
        "metrics": METRICS,
        "stability": {"mix_psi": {"channel": {"unmeasured": "no"}}},
    }

    assert "one outcome only" in table("Would more data help?", judged).absent
    assert telling.unmeasured(facts) == [
        "Not measured: data size: the stop sample has one outcome only.",
        "Not measured: the mix of channel.",
        "Too small for an AUC of their own: 1 segment.",
    ]


@pytest.mark.parametrize(
    ("title", "judged"),
    [
        ("Is the first model worth it?", {"second_model": second(0.01, float("nan"))}),
        ("Is the first model worth it?", {"second_model": {**second(0.01, 0.03), "features": None}}),
        ("How sure a single PD is", {"venn_abers": {"bands": [3]}}),
        ("By quarter of decision", {"vintages": {"quarters": "2020", "unripe": []}}),
        ("What moves the PD", {"sensitivity": {"features": {"ltv": {"up": None}}}}),
        ("Under stress", {"stress": {"moves": 1, "rows": 3, "expected": 0.1}}),
        ("Declared signs", {"monotone": []}),
    ],
)
def test_facts_that_can_not_be_read_make_a_table_absent_and_no_error(
    title: str, judged: dict[str, Any]
) -> None:
    assert table(title, judged).absent
