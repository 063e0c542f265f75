"""candidate → reviewed: what a version would approve and earn, whom it swaps, and what nobody saw.

All of it is told and none of it chooses: the cut-offs were found on another sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loanbook import lake
from loanbook.errors import TrainingError
from loanbook.governance import judging
from loanbook.governance.rivals import Rival
from loanbook.lending import economics, proceeds, scoring, swaps
from loanbook.lending.economics import People, Terms
from loanbook.lending.proceeds import Proceeds
from loanbook.schema import APPLICATION, Line, Purpose
from loanbook.settings import Settings
from loanbook.training import acceptance, evaluation, frame, matrix, rejects, segments
from loanbook.training.fitting import Form
from loanbook.training.rejects import Door

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[Any]
PARTS = ("economics", "swap_set", "rejects")
UNSTATED = "the policy states no loss given default and no cost of funds"


@dataclass(frozen=True)
class Case:
    """What is weighed: the subject, its frame, whose rows are whose, and the published tables.

    `groups` names each row of the report sample by each protected attribute.
    """

    settings: Settings
    subject: judging.Subject
    frame: Path
    applications: pa.Array
    published: Mapping[str, Path]
    product: str
    as_of: datetime
    terms: Terms | None
    rival: Rival | str
    groups: Mapping[str, Names]

    @property
    def report(self) -> Flags:
        """Which rows are the report sample."""
        return self.subject.rows["report"]

    @property
    def pd(self) -> Vector:
        """The report sample's PD."""
        return self.subject.pd[self.report]

    @property
    def bad(self) -> Flags:
        """The report sample's outcomes."""
        return self.subject.bad[self.report]

    @cached_property
    def whole(self) -> pa.Table:
        """Everybody in the frame."""
        import pyarrow.parquet as pq

        return pq.read_table(self.frame)

    @cached_property
    def since(self) -> np.datetime64:
        """From when on the frame holds who was not lent to as well: the report's start, or a year at most."""
        decided = self.subject.decided[self.report]
        return max(decided.min(), decided.max() - np.timedelta64(frame.DOOR))

    @cached_property
    def unlent(self) -> pa.Table:
        """Who was decided in the report sample's time and not lent to."""
        import pyarrow as pa

        found = frame.unlent(self.whole)
        decided = np.asarray(found["decided_at"].to_numpy())
        beside = (decided >= self.since) & (decided <= self.subject.decided[self.report].max())
        return found.filter(pa.array(beside))

    @cached_property
    def unlent_values(self) -> Vector:
        """Who was not lent to, as numbers."""
        return matrix.encode(self.unlent, self.subject.bundle.plan)

    @cached_property
    def proceeds(self) -> Proceeds:
        """What was agreed of the report sample's loans, and what came of it."""
        mine = self.applications.filter(np.asarray(self.report))
        return proceeds.read(self.settings, self.published, mine, self.as_of)

    @cached_property
    def realised(self) -> Vector | None:
        """What each loan of the report sample earned, where that is known."""
        if self.terms is None or self.proceeds.ledgers is None:
            return None
        return economics.realised(self.proceeds.ledgers, self.bad, self.terms)

    @cached_property
    def said(self) -> pa.Table:
        """What was decided of each row of the report sample then, and whether by lot."""
        return _said(self, self.applications.filter(np.asarray(self.report)))


def lends(line: Line) -> bool:
    """Say whether a line decides who is lent to, application by application."""
    return line.purpose is Purpose.UNDERWRITING and line.grain == APPLICATION


def nothing() -> dict[str, Any]:
    """Say of a line that doesn't lend that there is nothing to weigh."""
    return {name: {"unmeasured": "the line decides on no loan"} for name in PARTS}


def weigh(case: Case) -> dict[str, Any]:
    """Give the parts `economics`, `swap_set` and `rejects` of what was judged."""
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
    door = np.append(case.pd[_within(case)], case.subject.judge(case.unlent_values))
    people = People(case.pd, case.bad, known.lent, expected, case.realised, door)
    chosen = bundle.cut_offs.approve_below
    ends = economics.cut_offs(case.pd, chosen, bundle.cut_offs.decline_from)
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
    if case.terms is None:
        return None
    return asdict(
        proceeds.losses(case.settings, case.published, case.product, case.as_of, case.terms.recovery_months)
    )


def _loss_of_the_bad(case: Case) -> float | None:
    """Give what the bad of the report sample cost, those that were cured too, as a share of what was lent."""
    if case.realised is None or not case.bad.any():
        return None
    return float(-case.realised[case.bad].sum() / case.proceeds.lent[case.bad].sum())


def _within(case: Case) -> Flags:
    return np.asarray(case.subject.decided[case.report] >= case.since)


def _untold(case: Case) -> dict[str, str]:
    """Say why a profit isn't told."""
    if case.terms is None:
        return {"expected_profit": UNSTATED, "realised_profit": UNSTATED}
    names = {"contracts": "expected_profit", "ledgers": "realised_profit"}
    return {names[part]: why for part, why in case.proceeds.untold.items()}


def _exposure(case: Case) -> dict[str, Any]:
    """Give what the version would have approved of the last year's applications, in people and in money."""
    door = frame.door(case.whole)
    amount = _said(case, door["application_id"].combine_chunks())["amount"].to_numpy(zero_copy_only=False)
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


def _said(case: Case, applications: pa.Array) -> pa.Table:
    """Read amount, decision and lot of some applications, row for row."""
    import pyarrow as pa

    asked = pa.table({"place": np.arange(len(applications)), "application_id": applications})
    with lake.connect(case.settings) as connection:
        connection.register("asked", asked)
        lake.offer(connection, case.published)
        return connection.sql(
            "SELECT a.amount::DOUBLE AS amount, a.decision = 'declined' AS declined, "
            "coalesce(a.randomised, false) AS by_lot "
            "FROM asked LEFT JOIN applications AS a USING (application_id) ORDER BY place"
        ).to_arrow_table()


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
    lot, declined = (
        case.said[name].to_numpy(zero_copy_only=False).astype(bool) for name in ("by_lot", "declined")
    )
    within = _within(case)
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
