"""candidate → reviewed: what a version would approve and earn, whom it swaps, and what nobody saw.

All of it is told and none of it chooses: the cut-offs were found on another sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError
from loanbook.governance import judging
from loanbook.governance.case import Case
from loanbook.lending import economics, proceeds, scoring, swaps
from loanbook.lending.economics import People
from loanbook.schema import APPLICATION, Line, Purpose
from loanbook.training import acceptance, evaluation, frame, matrix, rejects, segments
from loanbook.training.fitting import Form
from loanbook.training.rejects import Door

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
PARTS = ("economics", "swap_set", "rejects")
UNSTATED = "the policy states no loss given default and no cost of funds"


def lends(line: Line) -> bool:
    """Say whether a line decides who is lent to, application by application."""
    return line.purpose is Purpose.UNDERWRITING and line.grain == APPLICATION


def weigh(case: Case) -> dict[str, Any]:
    """Give the parts `economics`, `swap_set` and `rejects` of what was judged."""
    if not lends(case.line):
        return {name: {"unmeasured": "the line decides on no loan"} for name in PARTS}
    makers: tuple[Callable[[Case], dict[str, Any]], ...] = (_economics, _swap_set, _rejects)
    return {name: _or_why(part, case) for name, part in zip(PARTS, makers, strict=True)}


def _or_why(part: Callable[[Case], dict[str, Any]], case: Case) -> dict[str, Any]:
    try:
        return part(case)
    except TrainingError as reason:
        return {"unmeasured": str(reason)}


def _economics(case: Case) -> dict[str, Any]:
    known, terms, bundle = case.proceeds, case.terms, case.subject.bundle
    expected = None
    if terms is not None and known.contracts is not None:
        expected = economics.expected(known.contracts, case.pd, terms)
    door = np.append(case.pd[case.within], case.subject.judge(case.unlent_values))
    people = People(case.pd, case.bad, known.lent, expected, case.realised, door)
    chosen, declined = bundle.cut_offs.approve_below, bundle.cut_offs.decline_from
    ends = economics.cut_offs(case.pd, chosen, *(() if declined is None else (declined,)))
    return {
        "sample": "report",
        "assumed": None if terms is None else asdict(terms),
        "lost": _lost(case),
        "loss_of_the_bad": _loss_of_the_bad(case),
        "payments_taken_as_due": known.filled,
        "untold": _untold(case),
        "points": economics.grid(people, ends, chosen),
        "exposure": _exposure(case),
    }


def _lost(case: Case) -> dict[str, Any] | None:
    """Give what was lost of all the product's loans whose collecting is over, beside what is assumed."""
    product = case.line.product
    if case.terms is None or product is None:
        return None
    months = case.terms.recovery_months
    return asdict(proceeds.losses(case.settings, case.published, product, case.as_of, months))


def _loss_of_the_bad(case: Case) -> float | None:
    """Give what the bad of the report sample cost, those that were cured too, as a share of what was lent."""
    if case.realised is None or not case.bad.any():
        return None
    return float(-case.realised[case.bad].sum() / case.proceeds.lent[case.bad].sum())


def _untold(case: Case) -> dict[str, str]:
    """Say why a profit isn't told."""
    if case.terms is None:
        return {"expected_profit": UNSTATED, "realised_profit": UNSTATED}
    names = {"contracts": "expected_profit", "ledgers": "realised_profit"}
    return {names[part]: why for part, why in case.proceeds.untold.items()}


def _exposure(case: Case) -> dict[str, Any]:
    """Give what the version would have approved of the last year's applications, in people and in money."""
    door = frame.door(case.whole)
    amount = case.said(door["application_id"].combine_chunks())["amount"].to_numpy(zero_copy_only=False)
    pd = case.subject.judge(matrix.encode(door, case.subject.bundle.plan))
    approved = case.subject.bundle.cut_offs.decide(pd) == "approve"
    asked = amount.astype(float)
    unsaid = int(np.isnan(asked).sum())
    return {
        "decisions": door.num_rows,
        "approved": int(approved.sum()),
        "asked": None if unsaid else float(asked.sum()),
        "money": None if unsaid else float(asked[approved].sum()),
    }


def _swap_set(case: Case) -> dict[str, Any]:
    """Hold the report sample's approvals against the champion's, in all, by segment, by protected group."""
    rival = case.rival
    if isinstance(rival, str):
        return {"unmeasured": rival}
    lacking = sorted(set(rival.bundle.plan.features) - set(case.subject.known.column_names))
    if lacking:
        why = f"the training set doesn't hold what the champion knows: {', '.join(lacking)}"
        return {"champion": rival.facts, "unmeasured": why}
    known = case.subject.known.filter(np.asarray(case.report))
    before = scoring.pds(rival.bundle, known, threads=case.subject.count("threads"))
    decided = swaps.Decided(
        rival.bundle.cut_offs.decide(before) == "approve",
        case.subject.bundle.cut_offs.decide(case.pd) == "approve",
        case.bad,
        case.proceeds.lent,
        case.realised,
    )
    cuts = {name: names for name, names in judging.cuts(case.subject).items() if names is not None}
    return {
        "champion": rival.facts,
        "unseen_by_the_champion": rival.learned_to < str(case.subject.decided[case.report].min()),
        "sample": "report",
        "all": swaps.cells(decided),
        "segments": {name: swaps.by_part(decided, names[case.report]) for name, names in cuts.items()},
        "groups": {name: swaps.by_part(decided, names) for name, names in case.groups.items()},
    }


def _rejects(case: Case) -> dict[str, Any]:
    """Bound what had come of the door in the report's time, and hold it to who was let in by lot."""
    said = case.said(case.mine)
    lot, declined = (
        said[name].to_numpy(zero_copy_only=False).astype(bool) for name in ("by_lot", "declined")
    )
    within = case.within
    lent = within & ~lot & ~declined
    found = rejects.bounds(_door(case, lent), case.subject.count("seed"))
    return {
        "from": str(case.since),
        "lent": int(lent.sum()),
        "bad_rate_of_the_lent": float(case.bad[lent].mean()),
        "unlent": case.unlent.num_rows,
        "predicted": float(np.append(case.pd[lent], case.subject.judge(case.unlent_values)).mean()),
        **found,
        "by_lot": _by_lot(case, within & lot, found),
    }


def _door(case: Case, lent: Flags) -> Door:
    subject = case.subject
    values, unlent = subject.values[case.report][lent], case.unlent_values
    few = min(int(lent.sum()), len(unlent))
    if few < rejects.FEWEST:
        raise TrainingError(
            f"{int(lent.sum())} were lent to and {len(unlent)} were not, in the report's time"
        )
    form = Form.of(subject.bundle.plan, seed=subject.count("seed"), threads=subject.count("threads"))
    lending = acceptance.log_odds(form, values, unlent)
    return Door(
        score=evaluation.log_odds(case.pd[lent]),
        lending=lending[0],
        bad=case.bad[lent],
        unlent_score=evaluation.log_odds(subject.judge(unlent)),
        unlent_lending=lending[1],
    )


def _by_lot(case: Case, lot: Flags, found: Mapping[str, Any]) -> dict[str, Any]:
    """Judge the bounds by whoever was let in by lot: nobody selected them."""
    pd, bad = case.pd[lot], case.bad[lot]
    if min(int(bad.sum()), int((~bad).sum())) < 2:
        return {"unmeasured": f"{int(bad.sum())} bads of {len(bad)} were let in by lot"}
    rate, ends = float(bad.mean()), segments.wilson(int(bad.sum()), len(bad))
    area, low, high = evaluation.auc(pd, bad)
    return {
        "rows": len(bad),
        "bads": int(bad.sum()),
        "predicted": float(pd.mean()),
        "bad_rate": rate,
        "bad_rate_interval": ends,
        "bounds_of_the_bad_rate": rejects.compared(found["bad_rate_interval"], rate, ends),
        "auc": area,
        "auc_interval": [low, high],
        "bounds_of_the_auc": rejects.compared(found["auc_interval"], area, [low, high]),
    }
