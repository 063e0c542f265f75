"""candidate → reviewed: what is stored of a version, held to its bundle's bytes and to the publication.

Nothing that the trainer said of itself is believed: the frame is scored again, the labels are made again,
and what differs closes the review.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loanbook import digests
from loanbook.errors import EvidenceError
from loanbook.governance.fairly import Search
from loanbook.governance.rivals import Rival
from loanbook.lending import scoring
from loanbook.lending.economics import Terms
from loanbook.schema import Line
from loanbook.settings import Settings
from loanbook.training import frame, matrix
from loanbook.training.bundle import Bundle

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]

NOBODY = "no champion was asked for"


@dataclass(frozen=True)
class Material:
    """What is reviewed: the bundle, its stored predictions and frame, and the published tables.

    `terms` are the policy's, by which profit is counted; `rival` is the champion, or why there is none.
    """

    bundle: Bundle
    predictions: Path
    predictions_digest: str
    frame: Path
    published: Mapping[str, Path]
    absent_columns: Mapping[str, Sequence[str]]
    line: Line
    as_of: datetime
    terms: Terms | None = None
    rival: Rival | str = NOBODY
    search: Search | None = None  # for a fairer model, where the policy demands one


def verify(settings: Settings, material: Material) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Give stored predictions, their frame and their outcomes, or raise where any came out otherwise."""
    import pyarrow.parquet as pq

    if digests.of_file(material.predictions) != material.predictions_digest:
        raise EvidenceError("the stored predictions were changed", where=str(material.predictions))
    stored = pq.read_table(material.predictions)
    known = _frame(material, stored)
    same_scores(settings, material, stored, known)
    return stored, known, _same_labels(settings, material, stored)


def _frame(material: Material, stored: pa.Table) -> pa.Table:
    """Give the frame's rows in the order of the stored predictions."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    if digests.of_file(material.frame) != material.bundle.card["frame"]:
        raise EvidenceError(
            "the training set is not the one that the bundle names", where=str(material.frame)
        )
    table = pq.read_table(material.frame)
    key = material.line.grain.key
    places = pc.index_in(stored[key], value_set=table[key].combine_chunks())
    if places.null_count:
        raise EvidenceError(
            f"{places.null_count} stored predictions stand in no training set", where=str(material.frame)
        )
    return table.take(pa.array(places.to_numpy(zero_copy_only=False)))


def same_scores(settings: Settings, material: Material, stored: pa.Table, known: pa.Table) -> None:
    """Raise EvidenceError where the bundle gives another score than is stored, or one isn't stored."""
    threads = material.bundle.card["threads"]
    for column, again in _scored(material.bundle, known, threads, settings).items():
        if column not in stored.column_names:
            raise EvidenceError(f"{column} is no stored prediction", where=str(material.predictions))
        differ = int(np.sum(again != stored[column].to_numpy()))
        if differ:
            raise EvidenceError(
                f"{differ} of {len(again)} stored predictions ({column}) are not what the bundle gives",
                where=str(material.predictions),
                right="Train again: the predictions belong to another bundle",
            )


def _scored(bundle: Bundle, known: pa.Table, threads: object, settings: Settings) -> dict[str, Vector]:
    """Score the frame again by everything in the bundle that scores."""
    values = matrix.encode(known, bundle.plan)
    found = {
        "pd": scoring.pds(bundle, known, threads=threads if isinstance(threads, int) else settings.threads),
        "scorecard_pd": bundle.scorecard.pd(values, bundle.plan.features),
    }
    if bundle.unusual is not None:
        found["unusual"] = bundle.unusual.score(values, bundle.plan.features)
    return found


def _same_labels(settings: Settings, material: Material, stored: pa.Table) -> pa.Table:
    """Give the outcomes made anew, in the order of the stored predictions."""
    import pyarrow as pa
    import pyarrow.compute as pc

    again = frame.outcomes(settings, material.published, material.line, material.as_of)
    key = material.line.grain.key
    places = pc.index_in(stored[key], value_set=again[key].combine_chunks())
    if places.null_count:
        raise EvidenceError(f"{places.null_count} stored labels have no loan in the publication")
    outcome = again.take(pa.array(places.to_numpy(zero_copy_only=False)))
    bad = np.array(outcome["outcome"].to_pylist()) == "bad"
    differ = int(np.sum(bad != np.asarray(stored["bad"].to_numpy(zero_copy_only=False), dtype=bool)))
    if differ:
        raise EvidenceError(
            f"{differ} stored labels are not what the publication says", where=str(material.predictions)
        )
    return outcome
