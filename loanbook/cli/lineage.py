"""The operator's face: where a row came from, and whether every row is accounted for."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from loanbook.cli import app
from loanbook.cli.face import Common, Told, tell
from loanbook.cli.work import NO_COMMON, Dataset
from loanbook.settings import Settings

if TYPE_CHECKING:
    from loanbook.held.balance import Line, TableLine
    from loanbook.held.lineage import Version
    from loanbook.intake.judging.rules import Suite


@app.command
def batches(*, dataset: Dataset, common: Common = NO_COMMON) -> None:
    """Recount the book of batches from the files; exit code 1 when a row is missing or stands twice."""
    from dataclasses import asdict

    from loanbook.held import balance
    from loanbook.intake import mapping

    found = balance.count(Settings.read(os.environ), mapping.load(dataset).name)
    title = f"{len(found.batches)} batches of {found.dataset}, " + (
        "reconciled" if found.reconciled else "NOT reconciled"
    )
    if common.json:
        body = asdict(found) | {"reconciled": found.reconciled}
        tell(Told(title, body), as_json=True)
    else:
        lines = {
            f"batch {one.number}, {one.day:%Y-%m-%d}": f"{_files(one.files, one.known)}, {_sum(one)}"
            + (f"; publication {one.publication[:16]}" if one.publication else "")
            for one in found.batches
        }
        tables = {one.table: _sum(one) + (f": {one.why}" if one.why else "") for one in found.tables}
        tell(Told(title, lines | tables | ({"but": found.why} if found.why else {})), as_json=False)
    if not found.reconciled:
        sys.exit(1)


@app.command(name="explain-row")
def explain_row(table: str, key: str, /, *, dataset: Dataset, common: Common = NO_COMMON) -> None:
    """Tell where a row came from and what became of it: file, hash, batch, mapping, each rule's verdict."""
    from dataclasses import asdict

    from loanbook.held import lineage
    from loanbook.intake import mapping

    settings = Settings.read(os.environ)
    found = lineage.explain(settings, mapping.load(dataset), lambda: suites(settings), table, key)
    times = "once" if len(found) == 1 else f"{len(found)} times"
    title = f"{table} {key}: read {times}"
    if common.json:
        tell(Told(title, {"versions": [asdict(one) for one in found]}), as_json=True)
        return
    told: dict[str, Any] = {}
    for number, one in enumerate(found, 1):
        said = {"row": one.row, "fate": one.fate, **came(one), "suite": one.suite}
        for verdict in ("broken", "kept", "not judged"):
            rules = [rule for rule in one.rules if rule.verdict == verdict]
            said |= {verdict: "; ".join(_rule(rule.rule, rule.why) for rule in rules)} if rules else {}
        told |= {f"{number}. {name}": value for name, value in said.items()}
    tell(Told(title, told), as_json=False)


def came(version: Version) -> dict[str, Any]:
    """Tell where a version of a row came from, and what was ruled on it."""
    from_ = version.origin
    told: dict[str, Any] = {
        "file": f"{from_.file}, row {from_.file_row}" if from_.file_row is not None else from_.file,
        "its SHA-256": from_.file_digest or "none: written by hand",
        "batch": f"{from_.batch}, of {from_.day:%Y-%m-%d}, {from_.batch_id}",
        "mapping": from_.mapping,
    }
    return told | {f"ruled {number}": word for number, word in enumerate(version.ruled, 1)}


def suites(settings: Settings) -> Mapping[str, Suite]:
    """Load the suites, for their sentences."""
    from loanbook.intake.judging import quality

    return quality.load_suites(settings.repo / "expectations")


def _rule(rule: str, why: str) -> str:
    return f"{rule} ({why})" if why else rule


def _files(new: int, known: int) -> str:
    return f"{new} new files, {known} known" if new else "written by hand"


def _sum(one: Line | TableLine) -> str:
    rest = {part: getattr(one, part) for part in ("superseded", "repeats", "erased")}
    return f"read {one.read:,} = published {one.published:,} + held {one.held:,}" + "".join(
        f" + {part} {rows:,}" for part, rows in rest.items() if rows
    )
