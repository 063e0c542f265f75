"""candidate → reviewed: what is stored of a version, held to its bundle's bytes and to the publication.

Nothing that the trainer said of itself is believed: the frame is scored again, the labels are made again,
and what differs closes the review.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loanbook.errors import EvidenceError
from loanbook.governance.stored import Stored
from loanbook.lending import scoring
from loanbook.settings import Settings
from loanbook.training import bundle, matrix
from loanbook.training.bundle import Bundle

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Verified:
    """A PD that is reviewed: its bundle and, row by row in one order, predictions, frame and outcomes."""

    stored: Stored
    bundle: Bundle
    predictions: pa.Table
    known: pa.Table
    outcome: pa.Table

    @property
    def bad(self) -> Flags:
        """Which rows are bad, as it is stored and as the publication says."""
        return bads(self.predictions)


def bads(predictions: pa.Table) -> Flags:
    """Which rows are stored as bad."""
    return np.asarray(predictions["bad"].to_numpy(zero_copy_only=False), dtype=bool)


def verify(settings: Settings, stored: Stored) -> Verified:
    """Open what is stored, or raise EvidenceError where anything comes out otherwise."""
    made = bundle.read(stored.bundle, expected=stored.bundle_digest)
    predictions, known, outcome = stored.read(settings, made.card)
    same_scores(settings, stored, made, predictions, known)
    bad = np.array(outcome["outcome"].to_pylist()) == "bad"
    stored.refuse(bad != bads(predictions), "(bad) are not what the publication says")
    return Verified(stored, made, predictions, known, outcome)


def same_scores(
    settings: Settings, stored: Stored, made: Bundle, predictions: pa.Table, known: pa.Table
) -> None:
    """Raise EvidenceError where the bundle gives another score than is stored, or one isn't stored."""
    for column, again in _scored(made, known, settings).items():
        if column not in predictions.column_names:
            raise EvidenceError(f"{column} is no stored prediction", where=str(stored.predictions))
        stored.refuse(again != predictions[column].to_numpy(), f"({column}) are not what the bundle gives")


def _scored(made: Bundle, known: pa.Table, settings: Settings) -> dict[str, Vector]:
    """Score the frame again by everything in the bundle that scores."""
    values, threads = matrix.encode(known, made.plan), made.card["threads"]
    found = {
        "pd": scoring.pds(made, known, threads=threads if isinstance(threads, int) else settings.threads),
        "scorecard_pd": made.scorecard.pd(values, made.plan.features),
    }
    if made.unusual is not None:
        found["unusual"] = made.unusual.score(values, made.plan.features)
    return found
