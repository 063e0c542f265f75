"""SuperLender's referral that looks ahead: whether the referrer went bad, in the month that is predicted.

A referred customer is bad twice as often when the referrer is, and both are told by July's flags: the column
can only be filled in once they are known.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench.measuring import DATA, Row, exactly
from loanbook import lines
from loanbook.errors import LeakError
from loanbook.intake import mapping
from loanbook.leaks import detecting, findings
from loanbook.leaks.detecting import Detected
from loanbook.settings import Settings

FILE, COLUMN, USED = "trainperf.csv", "raw.current.referrer_bad", "applications.purpose"
FLAG = 'good_bad_flag = "VARCHAR"'


@dataclass(frozen=True)
class Planted:
    """A mapping that makes a column of ours of the leak, and the files as read on two days."""

    dataset: Path
    then: Path
    now: Path


def rows() -> Iterator[Row]:
    """Plant it, read the files on two days, and see it refused by its name."""
    if not (DATA / "superlender").is_dir():
        yield Row(
            "superlender: the referral that looks ahead", "models", "no data beside the checkout", "", False
        )
        return
    with tempfile.TemporaryDirectory() as scratch:
        planted = plant(DATA / "superlender", Path(scratch))
        place = replace(Settings.read({}), home=Path(scratch) / "home")
        said = refusal(detect(place, planted))
    yield exactly(
        "models",
        f"superlender: {COLUMN}, of which {USED} is made, refused by name",
        str(COLUMN in said and USED in said),
        "True",
    )


def plant(data: Path, folder: Path) -> Planted:
    """Add the column to the current loans: empty at first, later the referrer's own flag."""
    from loanbook import datasets

    own = shutil.copytree(Path(datasets.__path__[0]) / "superlender", folder / "own")
    _edit(own / "dataset.toml", FLAG, f'{FLAG}\nreferrer_bad = "VARCHAR"')
    _edit(own / "dataset.toml", 'name = "superlender"', 'name = "own"')
    told, made = "loanamount, termdays, {}_file", "    termdays / 30 AS term_months,\n"
    _edit(own / "applications.sql", told.format(""), told.format("referrer_bad, "), times=1)
    _edit(own / "applications.sql", told.format(""), told.format("NULL AS referrer_bad, "), times=1)
    _edit(own / "applications.sql", made, f"{made}    referrer_bad AS purpose,\n")
    days = [shutil.copytree(data, folder / day) for day in ("then", "now")]
    for day, known in zip(days, (False, True), strict=True):
        _fill(day / FILE, known=known)
    return Planted(own, *days)


def detect(place: Settings, planted: Planted) -> Detected:
    """Judge the mapping on its files, read on both days."""
    source = mapping.load(planted.dataset)
    judged = [lines.adapted(line, source.lines.get(line.name, {})) for line in lines.of_defaults()]
    return detecting.detect(place, source, planted.now, judged, planted.then)


def refusal(made: Detected) -> str:
    """Say how the mapping is refused; nothing where it passes."""
    try:
        findings.refuse(made.findings)
    except LeakError as refused:
        return str(refused)
    return ""


def _edit(path: Path, old: str, new: str, times: int = -1) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path.name} no longer has {old!r}"
    path.write_text(text.replace(old, new, times), encoding="utf-8")


def _fill(path: Path, *, known: bool) -> None:
    with path.open(newline="", encoding="utf-8") as file:
        loans = list(csv.DictReader(file))
    flags = {loan["customerid"]: loan["good_bad_flag"] for loan in loans} if known else {}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*loans[0], "referrer_bad"])
        writer.writeheader()
        writer.writerows({**loan, "referrer_bad": flags.get(loan["referredby"], "")} for loan in loans)
