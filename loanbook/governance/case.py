"""candidate → reviewed: what a version is weighed on: its report sample, the unlent beside it, the money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loanbook import lake
from loanbook.governance import judging
from loanbook.governance.rivals import Rival
from loanbook.lending import economics, proceeds
from loanbook.lending.economics import Terms
from loanbook.lending.proceeds import Proceeds
from loanbook.schema import Line
from loanbook.settings import Settings
from loanbook.training import frame, matrix

if TYPE_CHECKING:
    import pyarrow as pa

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[Any]


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
    line: Line
    as_of: datetime
    terms: Terms | None
    rival: Rival | str
    groups: Mapping[str, Names]

    @property
    def report(self) -> Flags:
        """Which rows are the report sample."""
        return self.subject.rows["report"]

    @property
    def mine(self) -> pa.Array:
        """The report sample's applications."""
        return self.applications.filter(np.asarray(self.report))

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

    @property
    def within(self) -> Flags:
        """Which rows of the report sample were decided since then."""
        return np.asarray(self.subject.decided[self.report] >= self.since)

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
        return proceeds.read(self.settings, self.published, self.mine, self.as_of)

    @cached_property
    def realised(self) -> Vector | None:
        """What each loan of the report sample earned, where that is known."""
        if self.terms is None or self.proceeds.ledgers is None:
            return None
        return economics.realised(self.proceeds.ledgers, self.bad, self.terms)

    def said(self, applications: pa.Array) -> pa.Table:
        """Read amount, decision and lot of some applications, row for row."""
        import pyarrow as pa

        asked = pa.table({"place": np.arange(len(applications)), "application_id": applications})
        with lake.connect(self.settings) as connection:
            connection.register("asked", asked)
            lake.offer(connection, self.published)
            return connection.sql(
                "SELECT a.amount::DOUBLE AS amount, a.decision = 'declined' AS declined, "
                "coalesce(a.randomised, false) AS by_lot "
                "FROM asked LEFT JOIN applications AS a USING (application_id) ORDER BY place"
            ).to_arrow_table()
