"""candidate → champion: the evidence as one page that a person can read and sign by.

Every sentence is made from the facts; what they don't hold is named as absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loanbook import pages
from loanbook.governance import (
    appraising,
    parity,
    plots,
    predicted,
    reading,
    telling,
    telling_money,
    telling_response,
    telling_uplift,
)
from loanbook.governance import evidence as evidences
from loanbook.governance.demands import PROBABILITY
from loanbook.governance.evidence import Evidence
from loanbook.governance.policy import Policy
from loanbook.governance.reading import UnreadableFact
from loanbook.governance.saying import Table

TEMPLATE = Path(__file__).parent / "templates" / "dossier.html"
WORDS = {"passed": "passed", "failed": "failed", "could_not_run": "could not run"}


@dataclass(frozen=True)
class Plot:
    """One figure of the page, or the reason why it is not there."""

    title: str
    about: str
    svg: str
    absent: str


def render(evidence: Evidence, curves: Mapping[str, Any], *, policy: Policy, command: str) -> str:
    """Write the page: one HTML file without script or anything from elsewhere.

    `curves` may hold `roc`, `reliability`, `distribution`, `vintages` and `economics`, or `qini`; `command`
    is what a signer types. Evidence that doesn't verify raises EvidenceError.
    """
    evidences.verify(evidence)
    people = predicted.kind(evidence.facts) == PROBABILITY
    facts = {
        "facts": evidence.facts,
        "digest": evidence.digest,
        "policy": policy,
        "command": command,
        "words": WORDS,
        "gates": evidence.facts["gates"],
        "shut": [gate for gate in evidence.facts["gates"] if gate["status"] != "passed"],
        "measures": _measures(evidence.facts["metrics"]),
        "plots": _plots(evidence.facts, curves),
        "judged": _judged(evidence.facts),
        "parity": parity.tables(evidence.facts) if people else (),
        "vintages": _vintages(curves),
        "bands": curves.get("reliability") or [],
        "limits": limits(evidence.facts),
        "drifts": _drifts(evidence.facts["stability"]),
        "groups": _groups(evidence.facts["fairness"]),
    }
    return pages.render(TEMPLATE, facts, filters={"shown": shown})


def shown(value: object) -> str:
    """Write a fact for people: short numbers, intervals, a dash for what is null."""
    if value is None or isinstance(value, bool):
        return {None: "–", True: "yes", False: "no"}[value]
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
    if isinstance(value, list | tuple):
        return " to ".join(shown(inner) for inner in value) if len(value) == 2 else _joined(value)
    if isinstance(value, Mapping):
        return _joined(f"{key}: {shown(inner)}" for key, inner in sorted(value.items())) or "nothing"
    return str(value)


def _joined(values: Any) -> str:
    return ", ".join(map(str, values))


def _judged(facts: Mapping[str, Any]) -> Sequence[Table]:
    tables = predicted.by_kind(
        facts,
        probability=_of_people,
        amount=appraising.tables,
        uplift=telling_uplift.tables,
        response=telling_response.tables,
    )
    return tables(facts)


def _of_people(facts: Mapping[str, Any]) -> Sequence[Table]:
    return [*telling.tables(facts), *telling_money.tables(facts)]


def _measures(metrics: Mapping[str, Any]) -> tuple[tuple[str, ...], list[tuple[str, list[object]]]]:
    """Turn metrics by sample into a table: samples across, measures down."""
    samples = tuple(sorted(name for name in metrics if isinstance(metrics[name], Mapping)))
    names = sorted({measure for sample in samples for measure in metrics[sample]})
    rows = [(name, [metrics[sample].get(name) for sample in samples]) for name in names]
    return samples, rows


def _drifts(stability: Mapping[str, Any], most: int = 10) -> list[tuple[str, float]]:
    """Name the features that moved most, the furthest first."""
    found = stability.get("feature_psi") or {}
    return sorted(found.items(), key=lambda one: (-one[1], one[0]))[:most]


def _groups(fairness: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, Any]]]:
    """List every group of every protected attribute with its rates."""
    found = fairness.get("groups") or {}
    return [
        (attribute, group, rates)
        for attribute, groups in sorted(found.items())
        for group, rates in sorted(groups.items())
    ]


Wanted = tuple[tuple[str, str, str, Callable[[Any], str]], ...]


QINI: Wanted = (
    (
        "qini",
        "Qini curve",
        "Answers added per customer over the share that is targeted, report sample.",
        plots.qini,
    ),
)
RESPONSES: Wanted = (
    (
        "responses",
        "What a limit makes",
        "Mean balance and share of defaults by the limit that was drawn, told and seen, report sample.",
        plots.responses,
    ),
)


def _plots(facts: Mapping[str, Any], curves: Mapping[str, Any]) -> tuple[Plot, ...]:
    wanted = predicted.by_kind(facts, probability=_drawn(), amount=(), uplift=QINI, response=RESPONSES)
    return tuple(_plot(curves, *each) for each in wanted)


def _drawn() -> Wanted:
    return (
        ("roc", "ROC", "Bads found over goods refused, on the report sample.", plots.roc),
        ("reliability", "Reliability", "Bad rate over predicted PD, by score band.", plots.reliability),
        ("distribution", "Scores", "Predicted PD in the fit and report samples.", plots.distribution),
        ("vintages", "Bads by vintage", "Bad rate by month, mature months only.", plots.vintages),
        (
            "economics",
            "Cut-offs",
            "Bad rate and profit over who is approved, report sample.",
            plots.economics,
        ),
    )


def _plot(curves: Mapping[str, Any], name: str, title: str, about: str, draw: Callable[[Any], str]) -> Plot:
    try:
        return Plot(title, about, draw(reading.at(curves, name)), "")
    except UnreadableFact as reason:
        return Plot(title, about, "", str(reason))


def _vintages(curves: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """List the months; one whose outcomes aren't mature shows no number."""
    hidden = {"bads": None, "auc": None}
    months = curves.get("vintages") or []
    return [dict(month) if month.get("mature") is True else {**month, **hidden} for month in months]


def limits(facts: Mapping[str, Any]) -> list[str]:
    """Say what these facts leave open; each sentence stands only where its fact does."""
    return [
        *_limits_of_gates(facts),
        *_limits_of_data(facts),
        *_limits_of_code(facts),
        *telling.unmeasured(facts),
        *parity.unmeasured(facts),
    ]


def _limits_of_gates(facts: Mapping[str, Any]) -> list[str]:
    return [
        f"The gate {gate['gate']} could not run: {gate['why']}"
        for gate in facts["gates"]
        if gate["status"] == "could_not_run"
    ]


def _limits_of_data(facts: Mapping[str, Any]) -> list[str]:
    found = []
    absent = facts["features"].get("absent")
    if absent:
        found.append(f"The dataset can't fill {len(absent)} features: {_joined(sorted(map(str, absent)))}.")
    tables = facts["data"].get("tables")
    for name, table in sorted(tables.items()) if isinstance(tables, Mapping) else ():
        if isinstance(table, Mapping) and table.get("held"):
            found.append(f"{shown(table['held'])} rows of {name} were held in quarantine and not used.")
    attributes = facts["fairness"].get("protected_attributes")
    if attributes == []:
        found.append(
            "The dataset states that it has no protected attribute, so approval rates could not be compared."
        )
    return found


def _limits_of_code(facts: Mapping[str, Any]) -> list[str]:
    found = []
    if facts["code"].get("dirty") is True:
        found.append("The code held changes that are in no commit; its digest names the bytes that ran.")
    intervals = facts["metrics"].get("report")
    if isinstance(intervals, Mapping) and isinstance(intervals.get("auc_interval"), list):
        by = " by customer, with all rows of one together" if "customers" in intervals else ""
        found.append(
            f"On the report sample the AUC's interval{by} runs from {shown(intervals['auc_interval'])}."
        )
    return found
