"""features → candidate: the principal reasons of a decision, from exact contributions.

A reason says what held this applicant back against those who were approved near the cut-off, not against
the mean: against the mean the first named reason can be the wrong one (shap issue 435).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loanbook.errors import PolicyError

Vector = npt.NDArray[np.float64]
MOST = 4
NEAR = 0.25  # the quarter of the approved that came closest to the cut-off


@dataclass(frozen=True)
class Reason:
    """One reason: its code, its wording, and the features that speak for it."""

    code: str
    en: str
    zh: str
    features: tuple[str, ...]


@dataclass(frozen=True)
class ReasonMap:
    """The reasons that a model can give, and where the approved near the cut-off stand on each feature."""

    reasons: tuple[Reason, ...]
    reference: Mapping[str, float]

    def to_json(self) -> dict[str, object]:
        """Give the map as it stands in a bundle."""
        return {
            "reasons": [
                {"code": reason.code, "en": reason.en, "zh": reason.zh, "features": list(reason.features)}
                for reason in self.reasons
            ],
            "reference": dict(self.reference),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> ReasonMap:
        """Read the map of a bundle."""
        reasons, reference = value["reasons"], value["reference"]
        assert isinstance(reasons, list)
        assert isinstance(reference, dict)
        return cls(
            tuple(Reason(one["code"], one["en"], one["zh"], tuple(one["features"])) for one in reasons),
            {name: float(part) for name, part in reference.items()},
        )


def parse(text: str, where: str) -> tuple[Reason, ...]:
    """Read the wording table, or raise PolicyError for an unknown key or a feature with two reasons."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"this is no TOML: {error}", where=where) from None
    if set(table) - {"version", "reason"}:
        raise PolicyError(
            f"unknown key {sorted(set(table) - {'version', 'reason'})[0]}",
            where=where,
            right="Known are version, reason",
        )
    if not table.get("reason"):
        raise PolicyError("no reason is worded", where=where, right="Begin one with [reason.CODE]")
    reasons = tuple(_reason(code, entry, where) for code, entry in table["reason"].items())
    features = [feature for reason in reasons for feature in reason.features]
    doubled = {feature for feature in features if features.count(feature) > 1}
    if doubled:
        raise PolicyError(f"{sorted(doubled)[0]} stands under two reasons", where=where)
    return reasons


def _reason(code: str, entry: Mapping[str, object], where: str) -> Reason:
    if set(entry) != {"en", "zh", "features"}:
        raise PolicyError(
            f"reason {code} has keys {sorted(entry)}", where=where, right="It needs en, zh and features"
        )
    features = entry["features"]
    assert isinstance(features, list)
    return Reason(code, str(entry["en"]), str(entry["zh"]), tuple(features))


def reason_map(
    reasons: Sequence[Reason], features: Sequence[str], parts: Vector, pd: Vector, cut_off: float
) -> ReasonMap:
    """Take the reference from the approved nearest the cut-off, or raise PolicyError: one has no reason."""
    spoken = {feature for reason in reasons for feature in reason.features}
    silent = [feature for feature in features if feature not in spoken]
    if silent:
        raise PolicyError(
            f"no reason is worded for {', '.join(silent)}", where="expectations/policies/reasons.toml"
        )
    near = nearest(pd, cut_off)
    used = tuple(
        Reason(reason.code, reason.en, reason.zh, kept)
        for reason in reasons
        if (kept := tuple(name for name in reason.features if name in features))
    )
    return ReasonMap(used, dict(zip(features, parts[near].mean(axis=0).tolist(), strict=True)))


def nearest(pd: Vector, cut_off: float) -> npt.NDArray[np.intp]:
    """Find the quarter of the approved that came closest to the cut-off."""
    approved = np.flatnonzero(pd < cut_off)
    # where nobody is approved, the safest of all come nearest
    chosen, distance = (approved, -pd[approved]) if len(approved) else (np.arange(len(pd)), pd)
    return chosen[np.argsort(distance, kind="stable")[: max(1, int(len(chosen) * NEAR))]]


def principal(reasons: ReasonMap, features: Sequence[str], parts: Vector) -> list[list[str]]:
    """Give each row up to four reason codes, the weightiest first; correlated features speak as one."""
    away = parts - np.array([reasons.reference[name] for name in features])
    place = {name: index for index, name in enumerate(features)}
    weights = np.column_stack(
        [away[:, [place[name] for name in reason.features]].sum(axis=1) for reason in reasons.reasons]
    )
    order = np.argsort(-weights, axis=1, kind="stable")[:, :MOST]
    codes = [reason.code for reason in reasons.reasons]
    return [[codes[one] for one in row if weights[index, one] > 0] for index, row in enumerate(order)]
