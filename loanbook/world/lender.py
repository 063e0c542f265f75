"""The simulated lender at work: month after month, until the last one asked for."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from loanbook.world import calendar, limits, outreach, recoveries, traps, writing
from loanbook.world.arrays import Columns
from loanbook.world.bad_rows import Spoiler
from loanbook.world.cohort import World, admit
from loanbook.world.spec import LEAD, Plant, WorldSpec
from loanbook.world.tables import RAW
from loanbook.world.truth import Truth

MOST_INSTALMENTS = 100


@dataclass
class Written:
    """Counts what was written."""

    files: list[str] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    bad_rows: int = 0


@dataclass(frozen=True)
class Export:
    """Which months are written, and whether each as it was at its own end or at the end of the last."""

    raw: Path
    months: range
    pulled: bool

    def moment(self, world: World, month: int) -> int:
        """Give the moment at which the source is asked for a month's rows."""
        return world.calendar.start_of((self.months[-1] if self.pulled else month) + 1)


def live(
    spec: WorldSpec, export: Export, truth_folder: Path, progress: Callable[[int, int], None] | None
) -> Written:
    """Live from the first month to the last that is exported; write the files of the exported alone."""
    months = export.months
    world = World.empty(spec, calendar.draw(spec))
    spoiler, written = Spoiler(), Written()
    coming = deque(admit(world, month) for month in range(1, LEAD + 1))
    with Truth(truth_folder, spec) as truth:
        for month in range(1, months[-1] + 1):
            coming.append(admit(world, month + LEAD))
            truth.add_cohort(coming.popleft())
            truth.add_uplift(_pass(world, month))
            if spec.has(Plant.LIMITS):
                truth.add_responses(_lend_on(world, month))
            for table in RAW:
                _close(world, spoiler, truth, table, month, export, written)
            if progress is not None:
                progress(month, months[-1])
        truth.describe(months[-1])
    return written


def _pass(world: World, month: int) -> Columns:
    """Let a month pass: instalments fall due, debts are recovered, offers go out, figures are published."""
    held = world.held
    instalments = world.book.due(world.calendar.start_of(month))
    instalments["repayment"] = instalments["loan"] * MOST_INSTALMENTS + instalments["number"]
    contacts = outreach.reach_out(
        world.spec, world.calendar, world.people, month, world.counts.get("contacts", 0)
    )
    world.number("contacts", len(contacts["event"]))
    held.add("repayments", instalments)
    held.add("recoveries", recoveries.recover(world.calendar, month, instalments))
    held.add("contacts", contacts)
    held.add("market", calendar.market(world.calendar, month))
    return contacts


def _lend_on(world: World, month: int) -> Columns:
    """Let newly met customers have limits; hold each statement back until it is available."""
    numbers = world.counts.get("limits", 0), world.counts.get("statements", 0)
    made = limits.set_limits(world.spec, world.calendar, world.people, month, numbers[0])
    rows = limits.statements(world.spec, month, made, numbers[1])
    for table, columns in (("limits", made), ("statements", rows)):
        world.number(table, len(columns["event"]))
        world.held.add(table, columns)
    return made


def _close(
    world: World, spoiler: Spoiler, truth: Truth, table: str, month: int, export: Export, written: Written
) -> None:
    """Close a table's month: break some rows, and write the file if it was asked for."""
    spec = world.spec
    columns = world.held.release(month, table)
    if columns is None:
        return
    columns = traps.shown(spec, table, columns, export.moment(world, month))
    spoilt = spoiler.spoil(spec, table, month, columns)
    if spoilt is not None:
        truth.add_bad_rows(spoilt.record)
    if month not in export.months:
        return
    name = f"{table}/{spec.name_of(month)}.parquet"
    written.rows[table] += writing.write(export.raw / name, table, columns, spoilt, spec.has(Plant.LEAKAGE))
    written.files.append(name)
    written.bad_rows += len(spoilt.record) if spoilt else 0
