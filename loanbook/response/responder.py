"""features → candidate: a responder as text and JSON: a balance and a PD at every dose and price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from loanbook import lake
from loanbook.governance import seals
from loanbook.training import fitting
from loanbook.training.matrix import Plan
from loanbook.watching.stability import Frozen, frozen_from_json, frozen_to_json

Vector = npt.NDArray[np.float64]

OUTCOMES = ("balance", "pd")
FEATURES, DOSES, STABILITY, CARD = "features.json", "doses.json", "stability.json", "card.json"


@dataclass(frozen=True)
class Part:
    """One outcome: its score is a level and a slope times the logarithm of the dose over the reference.

    `reference` is the logarithm of the dose at which the level is told. `start` and `tilt` are what level and
    slope are without trees, and `shift` is what the calibration sample adds to the level. A score counts
    `unit`s of money, or is the log-odds of a `chance`.
    """

    level: str
    slope: str
    reference: float
    start: float
    tilt: float
    shift: float
    unit: float
    chance: bool

    def scores(self, values: Vector, *, threads: int) -> tuple[Vector, Vector]:
        """Give each row's level and slope; a slope is never below 0. A row's last column is the price."""
        level = self.start + self.shift + fitting.scores(self.level, values, threads=threads)
        own = np.ascontiguousarray(values[:, :-1])
        return level, np.maximum(self.tilt + fitting.scores(self.slope, own, threads=threads), 0.0)

    def told(self, level: Vector, slope: Vector, doses: Vector) -> Vector:
        """Give the outcome at doses, which go with the levels; balances lie within 0 and their dose."""
        score = level + slope * (np.log(doses) - self.reference)
        if self.chance:
            return np.asarray(1 / (1 + np.exp(-score)))
        return np.clip(self.unit * score, 0.0, doses)


@dataclass(frozen=True)
class Responder:
    """Everything that choosing and watching need.

    The plan's last feature is the price. `doses` are those that the lot tried, `prices` from where to where,
    and `card` says how it was made.
    """

    plan: Plan
    balance: Part
    pd: Part
    doses: tuple[float, ...]
    prices: tuple[float, float]
    stability: Mapping[str, Mapping[str, Frozen]]
    card: Mapping[str, object]

    @property
    def customer(self) -> tuple[str, ...]:
        """The features that are the customer's."""
        return self.plan.features[:-1]

    def part(self, outcome: str) -> Part:
        """Give the part of an outcome."""
        return {"balance": self.balance, "pd": self.pd}[outcome]

    def at(self, outcome: str, values: Vector, doses: Vector, *, threads: int) -> Vector:
        """Give an outcome of each row at its own dose."""
        part = self.part(outcome)
        return part.told(*part.scores(values, threads=threads), doses)

    def over(self, outcome: str, values: Vector, doses: Vector, *, threads: int) -> Vector:
        """Give an outcome of each row at each of some doses, rows × doses."""
        part = self.part(outcome)
        level, slope = part.scores(values, threads=threads)
        return part.told(level[:, None], slope[:, None], doses)


def write(responder: Responder, folder: Path) -> str:
    """Write the bundle whole or not at all and give its digest; no pickle anywhere."""
    facts: dict[str, object] = {"doses": list(responder.doses), "prices": list(responder.prices)}
    with lake.whole(folder) as draft:
        draft.mkdir()
        for outcome in OUTCOMES:
            part = responder.part(outcome)
            for name, text in (("level", part.level), ("slope", part.slope)):
                (draft / f"{outcome}_{name}.txt").write_text(text, encoding="utf-8")
            kept = ("reference", "start", "tilt", "shift", "unit", "chance")
            facts[outcome] = {name: getattr(part, name) for name in kept}
        lake.write_json(draft / FEATURES, responder.plan.to_json())
        lake.write_json(draft / DOSES, facts)
        frozen = {name: frozen_to_json(bins) for name, bins in responder.stability.items()}
        lake.write_json(draft / STABILITY, frozen)
        lake.write_json(draft / CARD, dict(responder.card))
    return seals.of_folder(folder).digest


def read(folder: Path, *, expected: str | None = None) -> Responder:
    """Open a bundle; with `expected`, raise AlteredError unless its bytes are exactly those."""
    files = seals.opened(folder, expected=expected)
    facts = files.part(DOSES)

    def part(outcome: str) -> Part:
        given: dict[str, Any] = facts[outcome]
        return Part(files.text(f"{outcome}_level.txt"), files.text(f"{outcome}_slope.txt"), **given)

    low, high = facts["prices"]
    return Responder(
        plan=Plan.from_json(files.part(FEATURES)),
        balance=part("balance"),
        pd=part("pd"),
        doses=tuple(facts["doses"]),
        prices=(low, high),
        stability={name: frozen_from_json(bins) for name, bins in files.part(STABILITY).items()},
        card=files.part(CARD),
    )
