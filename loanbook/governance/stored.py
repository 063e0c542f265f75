"""candidate → reviewed: what is reviewed, as it lies there, and how it is held to what was published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loanbook import digests
from loanbook.errors import EvidenceError
from loanbook.governance.fairly import Search
from loanbook.governance.rivals import Rival
from loanbook.lending.economics import Terms
from loanbook.schema import Line
from loanbook.settings import Settings
from loanbook.training import frame

if TYPE_CHECKING:
    import pyarrow as pa

NOBODY = "no champion was asked for"


@dataclass(frozen=True)
class Stored:
    """What is reviewed, as it lies there: bundle, predictions, frame, and what was published.

    `terms` are the policy's, by which profit is counted; `search` is for a fairer model, where the policy
    demands one; `rival` is the champion, or why there is none.
    """

    bundle: Path
    bundle_digest: str
    predictions: Path
    predictions_digest: str
    frame: Path
    published: Mapping[str, Path]
    absent_columns: Mapping[str, Sequence[str]]
    line: Line
    as_of: datetime
    terms: Terms | None = None
    search: Search | None = None
    rival: Rival | str = NOBODY

    def read(self, settings: Settings, card: Mapping[str, object]) -> tuple[pa.Table, pa.Table, pa.Table]:
        """Give the predictions, and in their order what was known of each row and what the publication says.

        Raises EvidenceError where predictions or training set aren't those that were recorded.
        """
        import pyarrow.parquet as pq

        if digests.of_file(self.predictions) != self.predictions_digest:
            raise EvidenceError("the stored predictions were changed", where=str(self.predictions))
        rows = pq.read_table(self.predictions)
        if digests.of_file(self.frame) != card["frame"]:
            raise EvidenceError(
                "the training set is not the one that the bundle names", where=str(self.frame)
            )
        known = self._in_order(rows, pq.read_table(self.frame), "stand in no training set")
        seen = frame.outcomes(settings, self.published, self.line, self.as_of)
        return rows, known, self._in_order(rows, seen, "have no row in the publication")

    def _in_order(self, rows: pa.Table, table: pa.Table, fault: str) -> pa.Table:
        """Give a table's rows in the order of the stored predictions."""
        import pyarrow as pa
        import pyarrow.compute as pc

        key = self.line.grain.key
        places = pc.index_in(rows[key], value_set=table[key].combine_chunks())
        if places.null_count:
            raise EvidenceError(
                f"{places.null_count} stored predictions {fault}", where=str(self.predictions)
            )
        return table.take(pa.array(places.to_numpy(zero_copy_only=False)))

    def refuse(self, differ: Any, fault: str) -> None:
        """Raise EvidenceError where stored and recomputed differ."""
        if int(differ.sum()):
            raise EvidenceError(
                f"{int(differ.sum())} of {len(differ)} stored predictions {fault}",
                where=str(self.predictions),
                right="Train again: the predictions belong to another bundle or to other data",
            )


def span(decided: npt.NDArray[np.datetime64]) -> dict[str, Any]:
    """Say how many rows a sample has, and from when to when; EvidenceError for an empty one."""
    if not len(decided):
        raise EvidenceError("a sample is empty")
    return {"rows": len(decided), "from": str(decided.min()), "to": str(decided.max())}
