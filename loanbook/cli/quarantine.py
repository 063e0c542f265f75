"""The operator's face: the quarantine desk: look at held rows, propose, confirm, do it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from loanbook.cli import app
from loanbook.cli import lineage as lineage_face
from loanbook.cli.face import Common, Told, tell
from loanbook.cli.models import Because, Key, now
from loanbook.cli.work import NO_COMMON, Dataset, balanced, run
from loanbook.settings import Settings

if TYPE_CHECKING:
    from loanbook.held.desk import Listing
    from loanbook.held.enforcing import Open
    from loanbook.held.lineage import Version

desk_app = App(name="quarantine", help="The desk of held rows: look, propose, confirm.")
app.command(desk_app)

MOST = 20
Rows = Annotated[tuple[str, ...], Parameter(help="Rows by name, as `quarantine list` tells them.")]
Proposal = Annotated[int, Parameter(help="The proposal's number, its entry in the ledger.")]
Set = Annotated[
    tuple[str, ...],
    Parameter(
        name="--set",
        negative="",
        help="column=value, once a column. Nothing after = makes it null; without = you are asked, unseen.",
    ),
]
Later = Annotated[bool, Parameter(help="Only enter it; `loanbook settle` does what was ruled.", negative="")]


@desk_app.command(name="list")
def list_(
    *,
    dataset: Dataset,
    table: Annotated[str | None, Parameter(help="Of one table.")] = None,
    rule: Annotated[str | None, Parameter(help="That break this rule.")] = None,
    batch: Annotated[int | None, Parameter(help="Of this batch.")] = None,
    all: Annotated[bool, Parameter(help="Every one, and those that were rejected.", negative="")] = False,
    common: Common = NO_COMMON,
) -> None:
    """List the rows that are held back: by which rule, why, from which file and batch."""
    from loanbook.held import desk, enforcing, page
    from loanbook.held.desk import Wanted
    from loanbook.intake import mapping

    settings, name = Settings.read(os.environ), mapping.load(dataset).name
    wanted = Wanted(table=table, rule=rule, batch=batch, rejected=all)
    listing = desk.listed(settings, name, wanted, None if all else MOST)
    waiting = enforcing.waiting(settings, name)
    if common.json:
        tell(Told(_title(listing), _counted(listing) | _machine(listing, waiting)), as_json=True)
        return
    found: dict[str, Any] = _counted(listing) | {
        row.row: f"{row.key}: {row.rule}: {row.reason}; {row.file}, row {row.file_row}, batch {row.batch}"
        + ("" if row.ruling == desk.OPEN else f"; {row.ruling}")
        for row in listing.rows
    }
    if listing.rest:
        found["and"] = f"{listing.rest:,} more: --all, or narrow it by --table, --rule, --batch"
    found |= {f"proposal {one.number}": _waits(one) for one in waiting}
    steps = (f"loanbook quarantine show ROW --dataset {dataset}",) if listing.rows else ()
    pages = {"page": path} if (path := page.path_of(settings, name)).exists() else {}
    tell(Told(_title(listing), found, pages, steps), as_json=False)


@desk_app.command
def show(row: str, /, *, dataset: Dataset, common: Common = NO_COMMON) -> None:
    """Show one row: what it says, each rule that it breaks, where it came from, what was ruled."""
    from dataclasses import asdict

    from loanbook.held import lineage
    from loanbook.intake import mapping

    settings = Settings.read(os.environ)
    version = lineage.of_row(settings, mapping.load(dataset), lambda: lineage_face.suites(settings), row)
    if common.json:
        tell(Told(f"Row {row} of {version.table}", asdict(version)), as_json=True)
        return
    told = {name: value for name, value in version.values.items() if value is not None}
    told |= {f"breaks {rule.rule}": rule.why for rule in version.broken} | lineage_face.came(version)
    tell(
        Told(f"Row {row} of {version.table}: {version.fate}", told, {}, _moves(version, dataset)),
        as_json=False,
    )


@desk_app.command
def release(
    rows: Rows, /, *, dataset: Dataset, key: Key, because: Because, common: Common = NO_COMMON
) -> None:
    """Propose to publish held rows as they are; a second steward confirms."""
    _propose("release", rows, dataset, key, because, (), common)


@desk_app.command
def repair(
    rows: Rows, /, *, dataset: Dataset, set: Set, key: Key, because: Because, common: Common = NO_COMMON
) -> None:
    """Propose other values for held rows; they are judged at once, and a second steward confirms."""
    _propose("repair", rows, dataset, key, because, set, common)


@desk_app.command
def reject(
    rows: Rows,
    /,
    *,
    dataset: Dataset,
    key: Key,
    because: Because,
    later: Later = False,
    common: Common = NO_COMMON,
) -> None:
    """Rule that held rows stay out; one steward is enough."""
    asked = _propose("reject", rows, dataset, key, because, (), None)
    _settled(f"{len(asked.proposal.rows)} rows are rejected", asked, dataset, later, common)


@desk_app.command
def confirm(
    proposal: Proposal,
    /,
    *,
    dataset: Dataset,
    key: Key,
    because: Because,
    set: Set = (),
    later: Later = False,
    common: Common = NO_COMMON,
) -> None:
    """Say yes to another steward's proposal, and do it. What names a person is given again, by --set."""
    asked = _answer(proposal, "confirm", dataset, key, because, set)
    done = f"{asked.proposal.action} of {len(asked.proposal.rows)} rows is confirmed"
    _settled(done, asked, dataset, later, common)


@desk_app.command
def refuse(
    proposal: Proposal, /, *, dataset: Dataset, key: Key, because: Because, common: Common = NO_COMMON
) -> None:
    """Say no to a proposal: the rows stay held."""
    asked = _answer(proposal, "refuse", dataset, key, because, ())
    tell(Told(f"Proposal {proposal} is refused", {"was": _waits(asked)}), as_json=common.json)


@app.command
def settle(*, dataset: Dataset, common: Common = NO_COMMON) -> None:
    """Do what was ruled on held rows: publish anew, and featurize again where there were features."""
    _tell_settled(f"{dataset} is settled", {}, dataset, common)


def _propose(
    action: str,
    rows: tuple[str, ...],
    dataset: str,
    key: Path,
    because: str,
    given: tuple[str, ...],
    common: Common | None,
) -> Open:
    from loanbook.governance.rulings import Action
    from loanbook.held import deciding
    from loanbook.intake import mapping

    settings = Settings.read(os.environ)
    asked = deciding.propose(
        deciding.Pen(settings, key, now()),
        mapping.load(dataset),
        Action(action),
        rows,
        because,
        given=_given(given),
        suites=lambda: lineage_face.suites(settings),
    )
    if common:
        again = "".join(f" --set {name}=…" for name in _hidden(asked))
        words = f"--dataset {dataset} --key ANOTHER.key{again} --because '…'"
        told = {"rows": len(asked.proposal.rows), "table": asked.proposal.table, "reason": because}
        told |= {"sets": ", ".join(asked.proposal.columns)} if asked.proposal.columns else {}
        title = (
            f"Proposal {asked.number}: {action}, by {asked.proposal.signer}; it waits for a second steward"
        )
        step = f"loanbook quarantine confirm {asked.number} {words}"
        tell(Told(title, told, {}, (step,)), as_json=common.json)
    return asked


def _answer(
    number: int, decision: str, dataset: str, key: Path, because: str, given: tuple[str, ...]
) -> Open:
    from loanbook.governance.rulings import Decision
    from loanbook.held import deciding
    from loanbook.intake import mapping

    pen = deciding.Pen(Settings.read(os.environ), key, now())
    return deciding.answer(pen, mapping.load(dataset), number, Decision(decision), because, _given(given))


def _settled(title: str, asked: Open, dataset: str, later: bool, common: Common) -> None:
    told = {"ledger entry": asked.number, "table": asked.proposal.table}
    if later:
        step = f"loanbook settle --dataset {dataset}"
        tell(Told(f"{title}; it is entered, and not done yet", told, {}, (step,)), as_json=common.json)
        return
    _tell_settled(title, told, dataset, common)


def _tell_settled(title: str, told: Mapping[str, Any], dataset: str, common: Common) -> None:
    made = run("settle", common, dataset=dataset)
    said = {**told, **balanced(made), "publication": made["publication"]}
    said |= {"features": made["features"]} if made["features"] else {}
    tell(Told(title, said, {"published": Path(made["lies"])}), as_json=common.json)


def _given(told: tuple[str, ...]) -> dict[str, str | None]:
    """Read column=value; a column alone is asked for, so that the value is in no history of commands."""
    from loanbook.errors import QuarantineError

    found: dict[str, str | None] = {}
    for one in told:
        column, sign, value = one.partition("=")
        if column in found:
            raise QuarantineError(f"{column} is set twice", right="Once a column")
        found[column] = (value if sign else _asked(column)) or None
    return found


def _asked(column: str) -> str:
    """Ask for a value unseen, or read a line where nobody types."""
    from getpass import getpass

    if sys.stdin.isatty():
        return getpass(f"{column}: ")
    return sys.stdin.readline().rstrip("\n")


def _hidden(asked: Open) -> list[str]:
    from loanbook.schema import TABLES, Privacy

    table = TABLES[asked.proposal.table]
    return [name for name in asked.proposal.columns if table.column(name).privacy is Privacy.IDENTIFYING]


def _title(listing: Listing) -> str:
    return f"{listing.total:,} held rows of {listing.dataset}"


def _counted(listing: Listing) -> dict[str, Any]:
    return {f"{one.table}: {one.rule}, batch {one.batch}": one.rows for one in listing.counts}


def _machine(listing: Listing, waiting: tuple[Open, ...]) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "rows": [asdict(row) for row in listing.rows],
        "more": listing.rest,
        "waiting": {str(one.number): _waits(one) for one in waiting},
    }


def _waits(one: Open) -> str:
    said = one.proposal
    rows = ", ".join(subject.row for subject in said.rows[:3]) + (" …" if len(said.rows) > 3 else "")
    sets = f", sets {', '.join(said.columns)}" if said.columns else ""
    return f"{said.action} of {rows}{sets}, by {said.signer} because “{said.reason}”"


def _moves(version: Version, dataset: str) -> tuple[str, ...]:
    if not version.fate.startswith("held"):
        return ()
    moves = ("release", "repair", "reject")
    return tuple(
        f"loanbook quarantine {move} {version.row} --dataset {dataset} --key YOUR.key"
        + (" --set column=value" if move == "repair" else "")
        + " --because '…'"
        for move in moves
    )
