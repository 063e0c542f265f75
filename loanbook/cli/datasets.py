"""The operator's face: datasets: the mappings from raw tables to ours."""

from __future__ import annotations

import os
import secrets
import tempfile
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from loanbook.cli import app
from loanbook.cli.face import Common, Progress, Told, tell
from loanbook.cli.work import NO_COMMON, Dataset
from loanbook.settings import Secret, Settings

if TYPE_CHECKING:
    from loanbook.features.costs import LineCost
    from loanbook.intake.checking import TableCheck
    from loanbook.intake.guessing.proposing import Proposed
    from loanbook.intake.snapshots import Reading

dataset = App(name="dataset", help="Look at the datasets: mappings from raw tables to ours.")
app.command(dataset)

Origins = Annotated[
    list[str],
    Parameter(
        name="--from",
        help="A folder, files, globs, s3://bucket/…, or env:NAME of a PostgreSQL's address.",
        consume_multiple=True,
    ),
]


@dataset.command(name="list")
def list_(*, common: Common = NO_COMMON) -> None:
    """List the datasets that ship; your own is a folder anywhere."""
    from loanbook.intake import mapping

    known = {name: mapping.load(name) for name in mapping.shipped()}
    told = Told(
        f"{len(known)} datasets ship",
        {name: f"{one.title}; fills {', '.join(one.tables)}" for name, one in known.items()},
        {},
        ("loanbook dataset check NAME --data FOLDER", "loanbook dataset new NAME --from FOLDER"),
    )
    tell(told, as_json=common.json)


@dataset.command
def new(
    name: str,
    /,
    *,
    origins: Origins,
    into: Annotated[Path | None, Parameter(help="The folder to write; by default ./NAME.")] = None,
    currency: Annotated[str, Parameter(help="Its currency, as EUR; else it is guessed.")] = "",
    country: Annotated[str, Parameter(help="Its country, as DE; else it is guessed.")] = "",
    common: Common = NO_COMMON,
) -> None:
    """Look at raw tables and propose the dataset that reads them; every guess in it is marked."""
    from loanbook.intake.guessing import proposing
    from loanbook.intake.guessing.drafts import Titles

    folder, progress = (into or Path(name)).expanduser(), Progress(silent=common.json)
    with _scratch() as place:
        with progress.step("look at the raw tables"):
            proposed = proposing.look_at(place, origins, Titles(name, currency, country))
        files = proposing.write(proposed, folder)
    tell(_proposed(proposed, folder, files), as_json=common.json)


@dataset.command
def check(
    name: Dataset,
    /,
    *,
    data: Annotated[Path, Parameter(help="The folder of the raw files.")] = Path(),
    common: Common = NO_COMMON,
) -> None:
    """Say per table and column what maps, what is missing and what that costs. Keeps nothing it writes."""
    from loanbook.intake import mapping, raw, snapshots

    progress = Progress(silent=common.json)
    source = mapping.load(name)
    with _scratch() as place:
        with progress.step("read the raw files"):
            deliveries = raw.survey(source, data.expanduser().resolve())
        with progress.step("map them"):
            reading = snapshots.freeze(place, source, deliveries, as_of=None)
        checks, products, sound = _checked(place, source, deliveries, reading)
        if not common.json:
            _print(checks)
        costs = _costs(place, progress, sound, checks, products)
    made: dict[str, Any] = {one.table: _row(one) for one in checks}
    made["not filled"] = ", ".join(reading.missing) or "none"
    for cost in costs:
        made[cost.line] = _cost(cost)
    if common.json:
        made |= {"tables": [asdict(one) for one in checks], "lines": [asdict(cost) for cost in costs]}
    title = f"{source.name}: {len(deliveries)} raw files, as of {reading.as_of:%Y-%m-%d}"
    steps = (f"loanbook lifecycle --dataset {name} --data {data}",)
    tell(Told(title, made, {}, steps), as_json=common.json)


@contextmanager
def _scratch() -> Iterator[Settings]:
    """Lend a home that is removed, and a key that nobody keeps: what is written there is read by nobody."""
    with tempfile.TemporaryDirectory(prefix="loanbook-") as folder:
        key = Secret(b64encode(secrets.token_bytes(32)).decode())
        yield replace(Settings.read(os.environ), home=Path(folder), master_key=key, master_key_file=None)


def _checked(
    place: Settings, source: Any, deliveries: Any, reading: Reading
) -> tuple[tuple[TableCheck, ...], frozenset[str], dict[str, Path]]:
    from loanbook import lake
    from loanbook.intake import checking

    with lake.connect(place) as connection:
        checks = checking.tables(connection, source, deliveries, reading)
        sound = checking.sound(connection, reading, place.home / "sound")
        return checks, checking.products(connection, reading), sound


def _costs(
    place: Settings,
    progress: Progress,
    sound: Mapping[str, Path],
    checks: tuple[TableCheck, ...],
    products: frozenset[str],
) -> tuple[LineCost, ...]:
    """Compute the features on what is there, and tell what each line loses."""
    from loanbook import lines
    from loanbook.features import costs

    filled = {f"{one.table}.{column.name}" for one in checks for column in one.columns if column.null < 1}
    with progress.step("see what that costs"):
        return costs.of_lines(place, sound, filled, products, tuple(lines.LINES.values()))


def _row(one: TableCheck) -> str:
    """Tell of a table in one line."""
    first, last = one.spans["available_at"]
    span = f", known from {first[:10]} to {last[:10]}" if first and last else ""
    without = f", without {', '.join(one.missing)}" if one.missing else ""
    broken = f", {one.broken_rows:,} can't be read" if one.broken_rows else ""
    return f"{one.rows:,} rows{span}{broken}{without}"


def _cost(cost: LineCost) -> str:
    """Tell what a line loses, in one line."""
    lost = f"loses {len(cost.lost)} of {cost.features} features"
    missed = sorted({column for columns in cost.lost.values() for column in columns})
    told = f"{lost} for want of {', '.join(missed)}" if missed else lost
    return f"can't be trained: {'; '.join(cost.why_not)}; {told}" if cost.why_not else told


def _print(checks: tuple[TableCheck, ...]) -> None:
    """Print each table: its clocks, its columns, what can't be read, and ten rows, masked."""
    import sys

    lines = []
    for one in checks:
        lines += ["", f"{one.table}: {one.rows:,} rows"]
        lines += [f"  {clock:<14} {first} to {last}" for clock, (first, last) in one.spans.items()]
        lines += [f"  {column.name:<24} {_filled(column.null)}" for column in one.columns]
        lines += [f"  {name:<24} missing" for name in one.missing]
        lines += [f"  can't be read: {name} in {rows:,} rows" for name, rows in one.broken.items()]
        lines += [f"  e.g. {_example(row)}" for row in one.sample]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _filled(null: float) -> str:
    if null == 0:
        return "filled"
    return "given, and never filled" if null == 1 else f"{100 * null:.1f} % null"


def _example(row: Mapping[str, str | None]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items() if value is not None)


def _proposed(proposed: Proposed, folder: Path, files: tuple[Path, ...]) -> Told:
    """Tell what was proposed, and what to do with it."""
    from loanbook.intake.guessing import proposing

    proposal = proposed.proposal
    made = {
        f"raw.{source.name}": f"taken for {proposal.taken_for[source.name] or 'none of ours'}"
        for source in proposed.found.sources
    }
    made["fills"] = ", ".join(proposal.tables)
    made["guesses"] = f"{proposing.guesses(proposed)}, each marked `guessed` where it stands"
    if proposed.found.passed_by:
        made["passed by"] = ", ".join(proposed.found.passed_by)
    steps = (
        f"read {folder}/*.sql: confirm or mend each guess",
        f"loanbook dataset check {folder} --data {proposed.found.data}",
    )
    return Told(f"{folder.name} is proposed", made, {path.name: path for path in files}, steps)
