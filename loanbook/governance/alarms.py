"""candidate → champion: when a policy calls production drifting."""

from __future__ import annotations

from dataclasses import dataclass, fields

from loanbook.errors import PolicyError
from loanbook.governance.section import Section


@dataclass(frozen=True)
class Watching:
    """When production is called drifting. PSI and shares are fractions, ratios have no unit."""

    psi_watch: float
    psi_alarm: float
    score_psi_watch: float
    score_psi_alarm: float
    mix_psi_alarm: float
    missing_rise_alarm: float
    volume_fall_alarm: float
    auc_fall_alarm: float
    bad_rate_ratio_alarm: float
    min_rows: float


def parse(section: Section) -> Watching:
    """Read every threshold; PolicyError for one that is not above 0, or a watch above its alarm."""
    names = [field.name for field in fields(Watching)]
    section.only(*names)
    found = {name: section.number(name) for name in names}
    for name, value in found.items():
        if value <= 0:
            raise PolicyError(f"{name} is {value}", where=section.where, right="A threshold is above 0")
    if found["psi_watch"] > found["psi_alarm"] or found["score_psi_watch"] > found["score_psi_alarm"]:
        raise PolicyError("watch lies above alarm", where=section.where, right="Watch comes first")
    return Watching(**found)
