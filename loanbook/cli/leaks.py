"""The operator's face: which columns know what came later."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from loanbook.cli import app
from loanbook.cli.face import Common, Progress, Told, tell
from loanbook.cli.work import NO_COMMON, Data, Dataset, Line
from loanbook.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loanbook.leaks.findings import Finding

leaks = App(name="leaks", help="Name the columns that know what came later.")
app.command(leaks)

Then = Annotated[Path | None, Parameter(help="The same source's files as read on an earlier day.")]
Publication = Annotated[str, Parameter(help="An earlier publication's id.")]


@leaks.default
def columns(*, dataset: Dataset, data: Data, then: Then = None, common: Common = NO_COMMON) -> None:
    """Judge every raw column and every column of ours; end with 1 when a refused one is used.

    Writes nothing. With --then, the same rows are compared with what they held on an earlier day.
    """
    from loanbook import lines
    from loanbook.intake import mapping
    from loanbook.leaks import detecting, findings

    source = mapping.load(dataset)
    judged = [lines.adapted(line, source.lines.get(line.name, {})) for line in lines.of_loans()]
    folders = [each.expanduser().resolve() if each else None for each in (data, then)]
    assert folders[0] is not None
    with tempfile.TemporaryDirectory() as scratch:
        place = replace(Settings.read(os.environ), home=Path(scratch))
        with Progress(silent=common.json).step("judge every column"):
            made = detecting.detect(place, source, folders[0], judged, folders[1])
    compared = f", compared with {made.then:%Y-%m-%d}" if made.then else ""
    few = "" if made.judged else ", too few to judge by,"
    title = (
        f"{source.name}: {made.columns} raw columns beside {made.applications:,} outcomes{few} as of "
        f"{made.as_of:%Y-%m-%d}{compared}"
    )
    _tell(title, made.findings, common)
    if findings.misused(made.findings, {}):
        sys.exit(1)


@leaks.command
def features(*, dataset: Dataset, line: Line, then: Publication, common: Common = NO_COMMON) -> None:
    """Pull a line's training set from an earlier publication's features and from today's; compare."""
    from loanbook import lines
    from loanbook.features import tables
    from loanbook.intake import mapping, publishing
    from loanbook.leaks import findings, training_sets

    place, source = Settings.read(os.environ), mapping.load(dataset)
    now = publishing.current(place, source.name)
    before = publishing.open_publication(place, source.name, then)
    with Progress(silent=common.json).step("pull the training set twice"):
        found = training_sets.repulled(
            place,
            lines.adapted(lines.find(line), source.lines.get(line, {})),
            now.paths,
            now.as_of,
            (tables.current(place, source.name, before.id), before.as_of),
            tables.current(place, source.name, now.id),
        )
    found = findings.explained(found, source.explained)
    _tell(
        f"{line} on {source.name}: what was known before {before.as_of:%Y-%m-%d}, asked again", found, common
    )
    if any(one.refused for one in found):
        sys.exit(1)


def _tell(title: str, found: Sequence[Finding], common: Common) -> None:
    refused = sum(one.refused for one in found)
    summary = Told(
        f"{title}: {len(found)} named, {refused} refused",
        {one.column: _said(one) if not common.json else _json(one) for one in found},
        {},
        ("Leave a refused column out of the mapping, or say in dataset.toml under [explained] what it is",)
        if refused
        else (),
    )
    tell(summary, as_json=common.json)


def _said(one: Finding) -> str:
    parts = [f"{one.kind} · {one.verdict}", one.said]
    if one.keys:
        parts.append(f"such as {', '.join(one.keys)}")
    if one.used_by:
        parts.append(f"used by {', '.join(one.used_by)}")
    if one.because:
        parts.append(f"because {one.because}")
    return "\n      ".join(parts)


def _json(one: Finding) -> dict[str, object]:
    return {
        "kind": str(one.kind),
        "verdict": str(one.verdict),
        "said": one.said,
        "figures": dict(one.figures),
        "keys": list(one.keys),
        "used_by": list(one.used_by),
        "because": one.because,
    }
