"""The operator's face: the simulated lender, and the servers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from loanbook.cli import app
from loanbook.cli.face import Common, Progress, Told, tell
from loanbook.cli.work import NO_COMMON
from loanbook.errors import SettingsError
from loanbook.settings import Settings

if TYPE_CHECKING:
    from loanbook.world import WorldSpec

world = App(name="world", help="The simulated lender: data whose truth is known.")
app.command(world)


@world.command
def new(
    folder: Path,
    /,
    *,
    applications: Annotated[int, Parameter(help="2,000 to 10,000,000, over all 60 months.")] = 50_000,
    months: Annotated[int, Parameter(help="How many months to write.")] = 48,
    seed: Annotated[int, Parameter(help="The same seed gives the same bytes.")] = 7,
    noise: Annotated[bool, Parameter(help="Replace every true PD by one number.", negative="")] = False,
    common: Common = NO_COMMON,
) -> None:
    """Simulate a lender into FOLDER/raw; what really was goes to FOLDER/truth, which no flow reads."""
    from loanbook.world import WorldSpec

    _simulate(WorldSpec(applications=applications, seed=seed, noise=noise), folder, 1, months, common)


@world.command
def grow(
    folder: Path,
    /,
    *,
    months: Annotated[int, Parameter(help="How many months to add.")] = 12,
    common: Common = NO_COMMON,
) -> None:
    """Add the months that follow to a simulated lender."""
    spec, written = _told(folder)
    _simulate(spec, folder, written + 1, written + months, common)


@world.command
def pull(folder: Path, into: Path, /, *, common: Common = NO_COMMON) -> None:
    """Read a simulated lender anew, all its months as its systems show them today, into INTO/raw.

    The files of FOLDER/raw each show what was known when their month ended. A column that is filled in
    later is found by comparing the two: `loanbook leaks`.
    """
    spec, written = _told(folder)
    if into.resolve() == folder.resolve():
        raise SettingsError("it would overwrite what was delivered", where=str(into), right="Name another")
    _simulate(spec, into, 1, written, common, pulled=True)


def _told(folder: Path) -> tuple[WorldSpec, int]:
    """Read what a simulated lender was made from, and how many months were written."""
    import json

    from loanbook.errors import DatasetError
    from loanbook.world import WorldSpec

    told = folder / "truth" / "spec.json"
    if not told.exists():
        raise DatasetError(
            "there is no simulated lender", where=str(folder), right="Begin with `loanbook world new`"
        )
    spec = json.loads(told.read_text(encoding="utf-8"))
    written = len(list((folder / "raw" / "applications").glob("*.parquet")))
    return WorldSpec(applications=spec["applications"], seed=spec["seed"], noise=spec["noise"]), written


def _simulate(
    spec: WorldSpec, folder: Path, first: int, last: int, common: Common, *, pulled: bool = False
) -> None:
    from loanbook.world import simulate

    with Progress(silent=common.json).step(f"simulate months {first} to {last}"):
        made = simulate(spec, folder, first_month=first, last_month=last, pulled=pulled)
    told = Told(
        f"A lender with {made.rows['applications']:,} applications up to month {last}",
        {name: f"{rows:,} rows" for name, rows in made.rows.items()},
        {"raw files": made.raw, "truth": made.truth},
        (f"loanbook lifecycle --dataset world --data {made.raw}",),
    )
    tell(told, as_json=common.json)


@app.command
def up(*, common: Common = NO_COMMON) -> None:
    """Start the Prefect server, unless it stands, and say how to open each tool's pages."""
    from loanbook import standing
    from loanbook.cli.pages import pages

    settings = Settings.read(os.environ)
    with Progress(silent=common.json).step("start the Prefect server"):
        server = standing.ensure(settings)
    tell(Told("The Prefect server stands", {}, {}, pages(settings, server)), as_json=common.json)


@app.command
def down(*, common: Common = NO_COMMON) -> None:
    """Stop the Prefect server of this home folder."""
    from loanbook import standing

    stopped = standing.stop(Settings.read(os.environ))
    tell(Told("The Prefect server is stopped" if stopped else "No Prefect server stood"), as_json=common.json)
