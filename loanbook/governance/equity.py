"""candidate → champion: what a policy may ask about protected groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loanbook.errors import PolicyError
from loanbook.schema import TABLES, Privacy

# An interval is held by its worse end.
MEASURES = (
    "selection_ratio", "selection_difference", "opportunity_ratio", "opportunity_difference",
    "false_approval_difference", "calibration_gap", "auc_difference",
)  # fmt: skip
INTERVAL = "_interval"
ASKED = (*MEASURES, *(f"{name}{INTERVAL}" for name in MEASURES))


@dataclass(frozen=True)
class Fairness:
    """For whom a less discriminatory alternative is searched, and what AUC it may cost at most."""

    attributes: tuple[str, ...]
    max_auc_loss: float


def fairness(names: Sequence[object], max_auc_loss: float, where: str) -> Fairness:
    """Read the section, or raise PolicyError naming what is allowed."""
    if not 0 <= max_auc_loss < 0.5:
        raise PolicyError(f"max_auc_loss is {max_auc_loss:g}", where=where, right="0 to 0.5, as 0.01")
    return Fairness(attributes(names, where), max_auc_loss)


def attributes(names: Sequence[object], where: str) -> tuple[str, ...]:
    """Read which protected columns are meant, by the schema's own names."""
    columns = TABLES["customers"].columns
    allowed = tuple(one.name for one in columns if one.privacy is Privacy.PROTECTED)
    for name in names:
        if name not in allowed:
            raise PolicyError(
                f"{name!r} is no protected attribute", where=where, right=f"Some of {', '.join(allowed)}"
            )
    if not names or len(set(names)) != len(names):
        raise PolicyError("attributes are none or twice", where=where, right="Name each once")
    return tuple(str(name) for name in names)
