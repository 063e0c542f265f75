"""The simulated lender's truth: what no flow may read, kept in a folder apart."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from loanbook.lake import whole, write_json
from loanbook.world import groups, traps
from loanbook.world.arrays import DAY, Columns, Ints
from loanbook.world.bad_rows import BadRow
from loanbook.world.calendar import add_months
from loanbook.world.cohort import Cohort
from loanbook.world.ledger import GIVEN_UP
from loanbook.world.limits import DOSES
from loanbook.world.outcomes import MISSES_TO_BAD
from loanbook.world.render import TIME, Render, coded, flag, keyed, money, numbered, real, time
from loanbook.world.spec import DRIFTS, WorldSpec
from loanbook.world.tables import CANARIES
from loanbook.world.words import PRODUCTS
from loanbook.world.writing import OPTIONS

APPLICATIONS: tuple[tuple[str, Render], ...] = (
    ("application_id", numbered("A", 13, "application")),
    ("customer_id", numbered("C", 8, "customer")),
    ("event_at", time("event")),
    ("product", coded(PRODUCTS, "product")),
    ("true_pd", real("true_pd")),
    ("bad12", flag("bad")),
    ("approved", flag("approved")),
    ("randomised", flag("randomised")),
    ("priced_by_lot", flag("by_lot")),
    ("ring_id", numbered("G", 6, "ring")),
)
UPLIFT: tuple[tuple[str, Render], ...] = (
    ("contact_id", numbered("O", 9, "contact")),
    ("customer_id", numbered("C", 8, "customer")),
    ("response_without", real("plain")),
    ("response_with", real("offered")),
    ("uplift", lambda columns: pa.array(columns["offered"] - columns["plain"])),
)
RESPONSES: tuple[tuple[str, Render], ...] = (
    ("limit_id", numbered("M", 9, "limit")),
    ("customer_id", numbered("C", 8, "customer")),
    ("rate", real("rate")),
    ("limit_amount", money("amount")),
)
BROKEN = pa.schema(
    [("table", pa.string()), ("file", pa.string()), ("row", pa.int64())]
    + [(name, pa.string()) for name in ("key", "kind", "column")]
)


@dataclass
class Truth:
    """Collects what is true, month by month, and puts it in place when the world is done."""

    folder: Path
    spec: WorldSpec
    stack: ExitStack = field(default_factory=ExitStack)
    writers: dict[str, Any] = field(default_factory=dict)
    canaries: list[dict[str, str]] = field(default_factory=list)

    def __enter__(self) -> Truth:
        """Start the files that may stay empty."""
        self.add_bad_rows(())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put every file in place, or none if something went wrong."""
        self.stack.__exit__(kind, error, trace)

    def add_cohort(self, cohort: Cohort) -> None:
        """Append a month's applicants, rings, look-alikes and canaries."""
        columns = _applicants(cohort)
        rows = pa.table({name: write(columns) for name, write in APPLICATIONS})
        self._add("applications", rows.append_column("default_at", _default_at(cohort)))
        self._add("rings", groups.rings(cohort))
        self._add("lookalikes", groups.lookalikes(cohort))
        profile = cohort.crowd.profile
        for position in np.flatnonzero(profile["canary"] >= 0):
            words = {name: pattern % profile["canary"][position] for name, pattern in CANARIES.items()}
            who = keyed("C", 8, profile["customer"][[position]])[0].as_py()
            self.canaries.append({"customer_id": who, **words})

    def add_uplift(self, columns: Columns) -> None:
        """Append a month's contacts."""
        self._add("uplift", pa.table({name: write(columns) for name, write in UPLIFT}))

    def add_responses(self, columns: Columns) -> None:
        """Append a month's limits, each with what it would lead to at every dose."""
        rows = pa.table({name: write(columns) for name, write in RESPONSES})
        for place, dose in enumerate(DOSES):
            for name in ("balance", "pd"):
                rows = rows.append_column(f"{name}_at_{dose:.0f}", pa.array(columns[name][:, place]))
        self._add("responses", rows)

    def add_bad_rows(self, rows: tuple[BadRow, ...]) -> None:
        """Append a file's broken rows."""
        self._add("bad_rows", pa.Table.from_pylist([asdict(row) for row in rows], schema=BROKEN))

    def describe(self, last_month: int) -> None:
        """Write what isn't a table: the spec, the drifts, the canaries, the traps."""
        spec = self.spec
        facts = {**asdict(spec), "plants": sorted(spec.plants), "last_month": last_month}
        write_json(self.folder / "spec.json", facts)
        drifts = {str(plant): spec.name_of(spec.drift_month) for plant in sorted(DRIFTS & spec.plants)}
        write_json(self.folder / "drift.json", drifts)
        write_json(self.folder / "canaries.json", {"canaries": self.canaries})
        write_json(self.folder / "leaks.json", {"leaks": traps.listed(spec)})

    def _add(self, name: str, rows: Any) -> None:
        if name not in self.writers:
            draft = self.stack.enter_context(whole(self.folder / f"{name}.parquet"))
            writer = pq.ParquetWriter(draft, rows.schema, **OPTIONS)
            self.writers[name] = self.stack.enter_context(writer)
        if rows.num_rows:
            self.writers[name].write_table(rows)


def _applicants(cohort: Cohort) -> Columns:
    arrivals, fate = cohort.crowd.arrivals, cohort.fate
    return {
        "application": fate.ids,
        "customer": arrivals.customer,
        "event": arrivals.event,
        "product": cohort.crowd.filing.product,
        "true_pd": fate.paths.true_pd,
        "bad": fate.paths.bad.astype(np.int64),
        "approved": fate.decisions.approved.astype(np.int64),
        "randomised": fate.decisions.lot.astype(np.int64),
        "by_lot": fate.offers["by_lot"].astype(np.int64),
        "ring": cohort.crowd.company.ring,
    }


def _default_at(cohort: Cohort) -> Any:
    """Say when each loan would become bad, within a year or later; null if never."""
    offers, product = cohort.fate.offers, cohort.crowd.filing.product
    needed = MISSES_TO_BAD[product]
    never = (offers["first_missed"] == 0) | (offers["missed"] < needed)
    start = offers["event"].astype("M8[us]").astype("M8[D]")
    last: Ints = np.maximum(offers["first_missed"] + needed - 1, 1)
    when = add_months(start, last).astype("M8[us]").astype(np.int64) + GIVEN_UP * DAY
    return pa.array(when, mask=never).cast(TIME)
