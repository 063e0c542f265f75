"""raw → validated: hold what Great Expectations says against what DuckDB found of the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isclose, isnan
from typing import Any

from loanbook.errors import BatchBlocked
from loanbook.intake.judging.rules import Rule


@dataclass(frozen=True)
class Seen:
    """What DuckDB found of the rows that both judges see: how many, broken ones and measures by rule."""

    rows: int
    counts: Mapping[str, int]
    measured: Mapping[str, float | None]


def refuse_disagreement(dataset: str, table: str, asked: Sequence[Rule], seen: Seen, result: Any) -> None:
    """Block the batch where Great Expectations and DuckDB say different things of the same rows."""
    told = {str(each.expectation_config.meta["rule"]): each for each in result.results}
    for rule in asked:
        each = told.get(rule.id)
        if why := _fault(each):
            raise BatchBlocked(f"{table}, {rule.id}: Great Expectations can't judge it: {why}", where=dataset)
        theirs, ours = _said(rule, each, seen)
        if theirs != ours and not _close(theirs, ours):
            raise BatchBlocked(
                f"{table}, {rule.id}: two judges disagree on {seen.rows:,} rows: "
                f"Great Expectations says {theirs}, DuckDB {ours}",
                where=dataset,
                right="Report it: one of the two reads the rule otherwise",
            )


def _fault(each: Any) -> str:
    """Say why Great Expectations could not judge a rule, or nothing if it could."""
    if each is None:
        return "it says nothing of it"
    info = each.exception_info or {}
    # one entry per metric where a metric failed, else the fields themselves
    entries = [info] if "raised_exception" in info else list(info.values())
    raised = [
        str(entry["exception_message"] or entry["exception_traceback"]).strip().splitlines()[-1]
        for entry in entries
        if entry["raised_exception"]
    ]
    if not raised and not {"unexpected_count", "observed_value"} & set(each.result):
        raised = ["it counts nothing"]
    return "; ".join(raised)


def _said(rule: Rule, each: Any, seen: Seen) -> tuple[float | None, float | None]:
    """Put what both say of a rule side by side."""
    if rule.broken is not None:
        return int(each.result["unexpected_count"]), seen.counts.get(rule.id, 0)
    observed = each.result["observed_value"]
    # in words, it says that there is nothing to measure
    nothing = observed is None or isinstance(observed, str) or isnan(observed)
    return None if nothing else float(observed), seen.measured[rule.id]


def _close(one: float | None, other: float | None) -> bool:
    """Tell whether two floats are one number, added up in another order."""
    return one is not None and other is not None and isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
