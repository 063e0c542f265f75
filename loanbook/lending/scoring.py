"""score → decision: apply a bundle to what was known of each application, or of each loan on the book."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loanbook.errors import ScoringError
from loanbook.training import fitting, matrix, reasons
from loanbook.training.bundle import Bundle

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """A book's PDs, decisions and up to four reason codes each, row for row.

    `unusual` is the second score, of a bundle that has one.
    """

    pd: Vector
    decision: npt.NDArray[np.str_]
    reasons: list[list[str]]
    unusual: Vector | None = None


def pds(bundle: Bundle, table: pa.Table, *, threads: int) -> Vector:
    """Give each row's PD."""
    values = matrix.encode(table, bundle.plan)
    return bundle.calibration.pd(fitting.scores(bundle.model, values, threads=threads))


def score(bundle: Bundle, table: pa.Table, *, most: int | None, threads: int) -> Scored:
    """Give each row's PD, decision and reasons.

    Raises ScoringError for an empty book, and for one larger than `most`, the approval's condition.
    """
    if most is not None and table.num_rows > most:
        raise ScoringError(
            f"the book holds {table.num_rows:,} rows and the approval allows {most:,}",
            right="Score a shorter period, or have the version approved for more",
        )
    if not table.num_rows:
        raise ScoringError(
            "the book holds no application", right="Look at --since, --until and the line's product"
        )
    values = matrix.encode(table, bundle.plan)
    pd = bundle.calibration.pd(fitting.scores(bundle.model, values, threads=threads))
    decision = bundle.cut_offs.decide(pd)
    parts = fitting.contributions(bundle.model, values, threads=threads)
    codes = reasons.principal(bundle.reasons, bundle.plan.features, parts)
    told = [[] if one == bundle.cut_offs.words[0] else codes[index] for index, one in enumerate(decision)]
    seldom = None if bundle.unusual is None else bundle.unusual.score(values, bundle.plan.features)
    return Scored(pd, decision, told, seldom)
