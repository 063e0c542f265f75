"""raw → validated: one page that says how every table of a reading was judged, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from loanbook import lake, pages
from loanbook.intake.judging.rules import RuleOutcome, Verdict
from loanbook.lake import Lake
from loanbook.settings import Settings

TEMPLATE = Path(__file__).parent / "templates" / "data_docs.html"
FOLDER, NAME = "data_docs", "index.html"
_GRAVE = {"block": 0, "quarantine": 1, "note": 2}
_FOLLOWS = {"block": "stops the batch", "quarantine": "row held", "note": "noted"}
_COLOUR = {"block": "block", "quarantine": "quarantine", "note": "soft"}
_SAID = {"pass": "passes", "quarantine": "passes, rows held", "block": "stops the batch"}


@dataclass(frozen=True)
class BrokenRule:
    """A rule that some row, or the whole table, breaks."""

    name: str
    of: str
    follows: str
    colour: str
    told: str


@dataclass(frozen=True)
class JudgedTable:
    """One table as the page tells it."""

    table: str
    page: str
    action: str
    said: str
    figures: str
    broken: tuple[BrokenRule, ...]
    kept: int
    skipped: tuple[tuple[str, str], ...]
    suite: str
    snapshot: str


def write_index(settings: Settings, dataset: str, as_of: datetime, verdicts: Sequence[Verdict]) -> Path:
    """Write reports/<dataset>/data_docs/index.html, which links each table's newest page."""
    return lake.write_text(path(settings, dataset), render(dataset, as_of, verdicts))


def path(settings: Settings, dataset: str) -> Path:
    """Find the index of a dataset's Data Docs."""
    return Lake(settings.home).reports(dataset) / FOLDER / NAME


def render(dataset: str, as_of: datetime, verdicts: Sequence[Verdict]) -> str:
    """Write the page: one HTML file without script or anything from elsewhere."""
    ordered = sorted(verdicts, key=_gravity)
    sums = (
        ("rows read", f"{sum(each.rows for each in ordered):,}"),
        ("rows held", f"{sum(each.held for each in ordered):,}"),
        ("rules broken", f"{sum(len(_broken(each)) for each in ordered):,}"),
        ("tables that stop the batch", str(sum(each.action == "block" for each in ordered))),
    )
    facts = {
        "dataset": dataset,
        "as_of": f"{as_of:%Y-%m-%d %H:%M} UTC",
        "headline": _headline(ordered),
        "sums": sums,
        "tables": [_table(each) for each in ordered],
    }
    return pages.render(TEMPLATE, facts)


def _gravity(verdict: Verdict) -> tuple[int, float, int, str]:
    """Put what stops the batch first, then the largest share of held rows, then the most notes."""
    share = verdict.held / verdict.rows if verdict.rows else 0.0
    return (-len(verdict.blocking), -share, -len(_broken(verdict)), verdict.table)


def _broken(verdict: Verdict) -> list[RuleOutcome]:
    """List the broken rules, the gravest and the most broken first."""
    broken = [rule for rule in verdict.rules if not rule.passed]
    return sorted(broken, key=lambda rule: (_GRAVE[rule.action], -rule.broken, rule.rule))


def _headline(verdicts: Sequence[Verdict]) -> str:
    stopping = [each.table for each in verdicts if each.blocking]
    if stopping:
        return f"The batch is stopped by {', '.join(stopping)}; nothing of it is published."
    held = [each.table for each in verdicts if each.held]
    if held:
        return f"The batch passes; rows are held of {len(held)} of {len(verdicts)} tables."
    return "The batch passes, and no row is held."


def _table(verdict: Verdict) -> JudgedTable:
    broken = tuple(
        BrokenRule(rule.rule, rule.column, _FOLLOWS[rule.action], _COLOUR[rule.action], rule.told)
        for rule in _broken(verdict)
    )
    skipped = tuple((rule.rule, rule.skipped) for rule in verdict.rules if rule.skipped)
    return JudgedTable(
        table=verdict.table,
        page=PurePosixPath(verdict.docs).relative_to(FOLDER).as_posix(),
        action=verdict.action,
        said=_SAID[verdict.action],
        figures=_figures(verdict),
        broken=broken,
        kept=len(verdict.rules) - len(broken) - len(skipped),
        skipped=skipped,
        suite=verdict.suite_digest,
        snapshot=verdict.snapshot,
    )


def _figures(verdict: Verdict) -> str:
    """Say how many rows were read and held, and how many rows broke rules of each kind."""
    noted = sum(rule.broken for rule in _broken(verdict) if rule.action == "note")
    share = f" ({verdict.held / verdict.rows:.2%})" if verdict.held else ""
    parts = [f"{verdict.rows:,} read", f"{verdict.held:,} held{share}"]
    return " · ".join([*parts, *([f"{noted:,} noted"] if noted else [])])
