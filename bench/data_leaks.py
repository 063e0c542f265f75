"""Columns that know what came later: planted traps named, and nothing else; then the real data's own."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.measuring import DATA, Row, exactly
from loanbook import lines
from loanbook.intake import mapping
from loanbook.leaks import detecting, findings
from loanbook.leaks.detecting import Detected
from loanbook.leaks.findings import Kind
from loanbook.settings import Settings
from loanbook.world import WorldSpec, simulate

APPLICATIONS, THEN, NOW = 50_000, 30, 48
# What happened to a loan, by what a column is called; those of Lending Club that hold one value tell nothing.
OUTCOMES = {
    "lending_club": (
        r"total_pymnt\w*|total_rec_\w*|recoveries|collection_recovery_fee|last_pymnt_\w*|last_credit_pull_d"
        r"|debt_settlement_\w*|settlement_\w*|loan_status"
    ),
    "ally_auto": r"Y|Xc?|C|D|R|(BAL|PRC|PMT|REC|REP)\d+",
}
LISTED = {
    "lending_club": (
        "total_pymnt total_pymnt_inv total_rec_prncp total_rec_int total_rec_late_fee recoveries"
        " collection_recovery_fee last_pymnt_d last_pymnt_amnt last_credit_pull_d debt_settlement_flag"
        " debt_settlement_flag_date settlement_status settlement_date settlement_amount settlement_percentage"
        " settlement_term"
    ),
    "ally_auto": "Y X Xc C D R",
}
# What was found when this was written, held so that it can't get worse. Two of those listed are missed: late
# fees hardly tell (a second reading would show them grow), and Y is the age at entry, known on that day.
SEEN = {"lending_club": 16, "ally_auto": 5}


def rows() -> Iterator[Row]:
    """Measure on a world, on one of noise, and on the real data."""
    with tempfile.TemporaryDirectory() as scratch:
        place = replace(Settings.read({}), home=Path(scratch) / "home")
        for name, noise in (("world", False), ("noise world", True)):
            spec = WorldSpec(applications=APPLICATIONS, noise=noise)
            yield from _world(place, name, spec, Path(scratch) / name)
        for name in LISTED:
            yield from _real(place, name)


def _world(place: Settings, name: str, spec: WorldSpec, folder: Path) -> Iterator[Row]:
    """Take what was delivered up to one month, and what the source shows of it 18 months later."""
    simulate(spec, folder / "then", last_month=THEN)
    simulate(spec, folder / "now", last_month=NOW, pulled=True)
    told = json.loads((folder / "now" / "truth" / "leaks.json").read_text(encoding="utf-8"))["leaks"]
    innocent = {_full(one) for one in told if one["kind"] == "changes innocently"}
    traps = {_full(one) for one in told} - innocent
    for how, then in (("one reading", None), ("two readings", folder / "then" / "raw")):
        made = _detect(place, "world", folder / "now" / "raw", then)
        refused = {one.column for one in made.findings if one.refused}
        what = f"{name}, {how}: "
        yield exactly("data", f"{what}planted traps named of {len(traps)}", len(refused & traps), len(traps))
        wrongly = len({one.column for one in made.findings} - traps - (innocent if then else set()))
        yield exactly("data", f"{what}columns wrongly named of {made.columns} raw", wrongly, 0)
        if then:
            changed = {one.column for one in made.findings if one.kind is Kind.CHANGES} - traps
            yield exactly(
                "data",
                f"{what}innocent changes listed of {len(innocent)}, none refused",
                len(changed & innocent - refused),
                len(innocent),
            )


def _real(place: Settings, name: str) -> Iterator[Row]:
    listed = set(LISTED[name].split())
    if not (DATA / name).is_dir():
        yield Row(f"{name}: outcome columns named", "data", "no data beside the checkout", "", False)
        return
    made = _detect(place, name, DATA / name, None)
    named = {one.column.split(".")[-1] for one in made.findings if one.column.startswith("raw.")}
    missed = ", ".join(sorted(listed - named)) or "none"
    yield exactly(
        "data",
        f"{name}, one reading: outcome columns named of {len(listed)} (missed: {missed})",
        len(named & listed),
        SEEN[name],
    )
    wrongly = [one for one in named if not re.fullmatch(OUTCOMES[name], one)]
    yield exactly("data", f"{name}: columns of the application named", len(wrongly), 0)
    yield exactly(
        "data", f"{name}: refused columns that the mapping uses", len(findings.misused(made.findings, {})), 0
    )


def _detect(place: Settings, name: str, data: Path, then: Path | None) -> Detected:
    source = mapping.load(name)
    judged = [lines.adapted(line, source.lines.get(line.name, {})) for line in lines.of_loans()]
    return detecting.detect(place, source, data, judged, then)


def _full(told: dict[str, str]) -> str:
    return f"raw.{told['table']}.{told['column']}"
