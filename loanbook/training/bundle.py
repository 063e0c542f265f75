"""features → candidate: a model as text and JSON, named by the hash of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loanbook import lake
from loanbook.governance import seals
from loanbook.lending.strategy import CutOffs
from loanbook.training.calibration import Platt
from loanbook.training.matrix import Plan
from loanbook.training.reasons import ReasonMap
from loanbook.training.scorecard import Scorecard
from loanbook.training.unusual import Unusual
from loanbook.watching.stability import Frozen, frozen_from_json, frozen_to_json

FILES = (
    "model.txt",
    "features.json",
    "calibration.json",
    "strategy.json",
    "reasons.json",
    "stability.json",
    "scorecard.json",
    "card.json",
)
UNUSUAL = "unusual.json"  # of a line that asks for it, and then its card says so


@dataclass(frozen=True)
class Bundle:
    """Everything that scoring and watching need.

    `stability` holds the bins of the `fit` sample and of the `door`, each feature's and `pd`'s. `scorecard`
    is the second model: it decides nothing, and says what the first is worth. `card` says what the bundle is
    and how it was made, without a time or a person. `unusual` is there where the line asks for it.
    """

    model: str
    plan: Plan
    calibration: Platt
    cut_offs: CutOffs
    reasons: ReasonMap
    stability: Mapping[str, Mapping[str, Frozen]]
    scorecard: Scorecard
    card: Mapping[str, object]
    unusual: Unusual | None = None


def write(bundle: Bundle, folder: Path) -> str:
    """Write the bundle whole or not at all and give its digest; no pickle anywhere."""
    with lake.whole(folder) as draft:
        draft.mkdir()
        (draft / "model.txt").write_text(bundle.model, encoding="utf-8")
        parts: dict[str, object] = {
            "features.json": bundle.plan.to_json(),
            "calibration.json": {
                "intercept": bundle.calibration.intercept,
                "slope": bundle.calibration.slope,
            },
            "strategy.json": bundle.cut_offs.to_json(),
            "reasons.json": bundle.reasons.to_json(),
            "stability.json": {name: frozen_to_json(bins) for name, bins in bundle.stability.items()},
            "scorecard.json": bundle.scorecard.to_json(bundle.plan.categories),
            "card.json": dict(bundle.card),
        }
        if bundle.unusual is not None:
            parts[UNUSUAL] = bundle.unusual.to_json()
        for name, value in parts.items():
            lake.write_json(draft / name, value)
    return seals.of_folder(folder).digest


def read(folder: Path, *, expected: str | None = None) -> Bundle:
    """Open a bundle; with `expected`, raise AlteredError unless its bytes are exactly those."""
    files = seals.opened(folder, expected=expected)
    part = {name: files.part(name) for name in FILES[1:]}
    unusual = Unusual.from_json(files.part(UNUSUAL)) if "unusual" in part["card.json"] else None
    return Bundle(
        model=files.text("model.txt"),
        plan=Plan.from_json(part["features.json"]),
        calibration=Platt(**part["calibration.json"]),
        cut_offs=CutOffs.from_json(part["strategy.json"]),
        reasons=ReasonMap.from_json(part["reasons.json"]),
        stability={name: frozen_from_json(bins) for name, bins in part["stability.json"].items()},
        scorecard=Scorecard.from_json(part["scorecard.json"]),
        card=part["card.json"],
        unusual=unusual,
    )
