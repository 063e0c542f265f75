"""raw and features → refused: the detector: one reading, or two, in; findings out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from loanbook.errors import LeakError
from loanbook.intake.mapping import Dataset
from loanbook.leaks import findings, readings, repull, screening, use
from loanbook.leaks.findings import Finding
from loanbook.schema import Line
from loanbook.settings import Settings


@dataclass(frozen=True)
class Detected:
    """What was looked at, and what was found; `judged` tells whether outcomes sufficed to judge by."""

    findings: tuple[Finding, ...]
    applications: int
    judged: bool
    columns: int
    as_of: datetime
    then: datetime | None


def detect(
    settings: Settings, dataset: Dataset, data: Path, lines: Sequence[Line], then: Path | None = None
) -> Detected:
    """Look for columns that know what came later; with `then`, an earlier day's files, re-pull them too.

    A column found both ways is told by what refuses it. Raises LeakError when nothing can be judged by.
    """
    with ExitStack() as stack:
        now = stack.enter_context(readings.opened(settings, dataset, data))
        ripe = readings.judge(now, lines)
        if not ripe.enough and then is None:
            raise LeakError(
                f"{ripe.ripe} outcomes are ripe, with too few bads or goods to judge a column by",
                where=str(data),
                right="Deliver the ledgers too, or compare with an earlier day's files by --then",
            )
        relations = readings.found(now)
        found = screening.screen(now, relations)
        earlier = stack.enter_context(readings.opened(settings, dataset, then)) if then else None
        if earlier is not None:
            found = _one_each((*repull.compare(earlier, now, relations), *found))
        found = findings.explained(use.traced(now, relations, found), dataset.explained)
        return Detected(
            findings=found,
            applications=ripe.ripe,
            judged=ripe.enough,
            columns=sum(len(one.columns) for one in relations if one.is_raw),
            as_of=now.as_of,
            then=earlier.as_of if earlier else None,
        )


def _one_each(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Keep one finding of each column, one that refuses it before one that asks."""
    kept: dict[str, Finding] = {}
    for one in found:
        if one.column not in kept or (one.refused and not kept[one.column].refused):
            kept[one.column] = one
    return tuple(kept.values())
