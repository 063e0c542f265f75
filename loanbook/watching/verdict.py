"""production → verdict: what moved, by how much, and whether that is an alarm. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from loanbook.governance.alarms import Watching


class Level(IntEnum):
    """How loud: the whole is as loud as its loudest finding."""

    CALM = 0
    WATCH = 1
    ALARM = 2


@dataclass(frozen=True)
class Finding:
    """One figure against its bound."""

    level: Level
    what: str
    figure: float
    bound: float
    said: str


@dataclass(frozen=True)
class Figures:
    """What was measured of production since the report sample, each by its name.

    `outcomes` is null while no vintage since then is ripe: then nothing is said of performance.
    """

    rows: int
    expected_rows: float
    score_psi: float
    feature_psi: Mapping[str, float]
    missing_rise: Mapping[str, float]
    mix_psi: Mapping[str, float]
    outcomes: Mapping[str, float] | None


@dataclass(frozen=True)
class Verdict:
    """How loud production is, and everything that was not calm, the loudest first."""

    level: Level
    findings: tuple[Finding, ...]
    silent_on: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Give the verdict as it is written beside the report."""
        return {
            "level": self.level.name.lower(),
            "findings": [vars(one) | {"level": one.level.name.lower()} for one in self.findings],
            "silent_on": list(self.silent_on),
        }


def judge(figures: Figures, bounds: Watching) -> Verdict:
    """Hold every figure to its bound. Too few rows is an alarm of its own: nothing else could be seen."""
    found = tuple(sorted(_findings(figures, bounds), key=lambda one: (-one.level, -one.figure / one.bound)))
    level = max((one.level for one in found), default=Level.CALM)
    silent = () if figures.outcomes is not None else ("performance: no outcome since then is ripe",)
    return Verdict(level, found, silent)


def _findings(figures: Figures, bounds: Watching) -> Iterable[Finding]:
    if figures.rows < bounds.min_rows:
        yield Finding(
            Level.ALARM,
            "rows",
            figures.rows,
            bounds.min_rows,
            f"{figures.rows} applications are too few to judge",
        )
    yield from _shift("score", figures.score_psi, bounds.score_psi_watch, bounds.score_psi_alarm)
    for name, psi in figures.feature_psi.items():
        yield from _shift(name, psi, bounds.psi_watch, bounds.psi_alarm)
    for name, psi in figures.mix_psi.items():
        yield from _over("mix", f"mix of {name} moved by PSI {psi:.3f}", psi, bounds.mix_psi_alarm)
    for name, rise in figures.missing_rise.items():
        yield from _over(
            "missing", f"{name} is missing in {rise:.1%} more of the rows", rise, bounds.missing_rise_alarm
        )
    fall = 1 - figures.rows / figures.expected_rows if figures.expected_rows else 1.0
    yield from _over(
        "volume", f"{figures.rows} applications, {fall:.0%} under the usual", fall, bounds.volume_fall_alarm
    )
    if figures.outcomes is not None:
        yield from _performance(figures.outcomes, bounds)


def _performance(outcomes: Mapping[str, float], bounds: Watching) -> Iterable[Finding]:
    fall, ratio = outcomes["auc_fall"], outcomes["bad_rate_ratio"]
    yield from _over("auc", f"AUC fell by {fall:.3f}", fall, bounds.auc_fall_alarm)
    yield from _over(
        "bad rate", f"bads are {ratio:.2f} times what was predicted", ratio, bounds.bad_rate_ratio_alarm
    )


def _shift(name: str, psi: float, watch: float, alarm: float) -> Iterable[Finding]:
    if psi >= alarm:
        yield Finding(Level.ALARM, name, psi, alarm, f"{name} moved by PSI {psi:.3f}")
    elif psi >= watch:
        yield Finding(Level.WATCH, name, psi, watch, f"{name} moved by PSI {psi:.3f}")


def _over(what: str, said: str, figure: float, bound: float) -> Iterable[Finding]:
    if figure >= bound:
        yield Finding(Level.ALARM, what, figure, bound, said)
