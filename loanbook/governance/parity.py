"""candidate → champion: the dossier's tables on protected groups, made from the facts alone.

A table whose facts aren't there says so in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from loanbook.governance import reading
from loanbook.governance.reading import Facts, UnreadableFact
from loanbook.governance.saying import Table

RATES = (
    "rows", "approved_goods", "approved_goods_interval", "approved_bads", "approved_bads_interval",
    "calibration_gap", "calibration_gap_interval", "calibration_slope", "calibration_slope_interval", "auc",
    "auc_interval",
)  # fmt: skip
TRIED = (
    "auc", "auc_loss", "auc_loss_interval", "within_the_loss", "worst_ratio", "change", "change_interval",
    "falls_less", "approved", "bad_rate_of_approved",
)  # fmt: skip


def tables(facts: Facts) -> tuple[Table, ...]:
    """Give every table, in order; none where the facts name no protected attribute."""
    if not facts["fairness"].get("protected_attributes"):
        return ()
    makers: tuple[tuple[str, Callable[[Facts], Table]], ...] = (
        ("How far apart are the groups?", _measures),
        ("Opportunity, calibration and ranking by group", _groups),
        ("Do the features tell the group?", _proxies),
        ("Is there a fairer model that ranks nearly as well?", _alternatives),
    )
    return tuple(_or_absent(title, make, facts) for title, make in makers)


def unmeasured(facts: Facts) -> list[str]:
    """Name the groups that the facts say were too small to be compared, even together."""
    few = facts["fairness"].get("too_few")
    return [
        f"Too small to be compared, even together, by {name}: {', '.join(groups)}."
        for name, groups in sorted(few.items() if isinstance(few, Mapping) else ())
        if groups
    ]


def _or_absent(title: str, make: Callable[[Facts], Table], facts: Facts) -> Table:
    try:
        return make(facts)
    except UnreadableFact as reason:
        return Table(title, "", (), (), str(reason))


def _each(facts: Facts, *path: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Walk facts by attribute and then by name."""
    for attribute, found in sorted(reading.mapping(facts, *path).items()):
        for name in sorted(reading.mapping(found)):
            yield attribute, name, reading.mapping(found, name)


def _measures(facts: Facts) -> Table:
    names = ("figure", "interval", "lowest", "highest", "unmeasured")
    rows = [
        [attribute, measure.replace("_", " "), *(reading.at(gap, name) for name in names)]
        for attribute, measure, gap in _each(facts, "fairness", "measures")
    ]
    together = [
        f"by {name} {', '.join(small)}"
        for name, small in sorted(reading.mapping(facts, "fairness", "judged_together").items())
        if small
    ]
    about = (
        "On the report sample, the lowest group against the highest; an interval takes the two as given, and "
        "the lowest of many lies low by chance too."
        + (f" Too small for a rate of their own, judged together: {'; '.join(together)}." if together else "")
    )
    heads = ("Attribute", "Measure", "Figure", "95 % interval", "Lowest", "Highest", "Not measured")
    return Table("How far apart are the groups?", about, heads, rows)


def _groups(facts: Facts) -> Table:
    rows = [
        [attribute, group, *(reading.at(rates, name) for name in RATES)]
        for attribute, group, rates in _each(facts, "fairness", "groups")
    ]
    about = (
        "Of the good and of the bad, how many are approved; mean PD less bad rate; slope and AUC where there "
        "are bads and goods enough."
    )
    heads = (
        "Attribute", "Group", "Rows", "Goods approved", "95 % interval", "Bads approved", "95 % interval",
        "PD less bad rate", "95 % interval", "Slope", "95 % interval", "AUC", "95 % interval",
    )  # fmt: skip
    return Table("Opportunity, calibration and ranking by group", about, heads, rows)


def _proxies(facts: Facts) -> Table:
    rows = [
        [
            attribute,
            group,
            *(reading.at(one, name) for name in ("auc", "auc_interval", "score_auc", "score_auc_interval")),
            _carriers(one),
            *(reading.at(one, name) for name in ("without", "without_interval", "unmeasured")),
        ]
        for attribute, scanned in sorted(reading.mapping(facts, "fairness", "proxies").items())
        for group, one in sorted(reading.mapping(scanned, "groups").items())
    ]
    about = (
        "Trees learned on the fit sample to tell each group from the rest, judged on the report sample; 0.5 "
        "is chance. Beside it, how the PD itself ranks the group. Carriers: what costs most when shuffled."
    )
    heads = (
        "Attribute", "Group", "AUC", "95 % interval", "AUC of the PD", "95 % interval",
        "Carried by (AUC of each alone)", "AUC without them", "95 % interval", "Not measured",
    )  # fmt: skip
    return Table("Do the features tell the group?", about, heads, rows)


def _carriers(one: Mapping[str, Any]) -> str | None:
    found = reading.at(one, "carriers")
    if not isinstance(found, list | tuple):
        raise UnreadableFact(f"carriers is {found!r}, no list")
    told = [f"{reading.text(each, 'feature')} ({reading.number(each, 'alone'):.3f})" for each in found]
    return ", ".join(told) or None


def _alternatives(facts: Facts) -> Table:
    found = reading.mapping(facts, "fairness", "alternatives")
    if "unmeasured" in found:
        raise UnreadableFact(f"not searched: {reading.text(found, 'unmeasured')}")
    tried = reading.mapping(found, "tried")
    rows = [
        [name, *(one.get(part) for part in TRIED), reading.at(one, "unmeasured")]
        for name, one in sorted(tried.items())
    ]
    heads = (
        "Alternative", "AUC", "AUC lost", "95 % interval", "Within the loss", "Lowest ratio", "Change",
        "95 % interval", "Surely fairer", "Approved", "Bad rate of them", "Not measured",
    )  # fmt: skip
    return Table("Is there a fairer model that ranks nearly as well?", _found(found), heads, rows)


def _found(found: Mapping[str, Any]) -> str:
    """Say what was searched, under which loss, and what came of it."""
    attribute, loss = reading.text(found, "attribute"), reading.number(found, "max_auc_loss")
    left_out = reading.texts(found, "left_out")
    said = (
        f"Learned as the model was, judged on the threshold sample by {attribute}, where the lowest approval "
        f"ratio of the model is {reading.number(found, 'threshold', 'worst_ratio'):.3f}; an AUC loss of "
        f"{loss:g} is allowed."
        + (f" Groups too small for a ratio there: by {', '.join(left_out)}." if left_out else "")
    )
    chosen = reading.at(found, "chosen")
    if chosen is None:
        return f"{said} None is surely fairer within that loss."
    report = reading.mapping(found, "report")
    if report.get("unmeasured"):
        return f"{said} Chosen: {chosen}; on the report sample it can't be judged: {report['unmeasured']}."
    low, high = reading.at(report, "change_interval")
    return (
        f"{said} Chosen: {chosen}. On the report sample it loses {reading.number(report, 'auc_loss'):.4f} of "
        f"AUC and moves the ratio by {reading.number(report, 'change'):+.3f} ({low:+.3f} to {high:+.3f})."
    )
