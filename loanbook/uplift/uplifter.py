"""features → candidate: an uplifter as text and JSON: the chance of an answer without an offer and with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from loanbook import lake
from loanbook.governance import seals
from loanbook.training import fitting
from loanbook.training.matrix import Plan
from loanbook.watching.stability import Frozen, frozen_from_json, frozen_to_json

Vector = npt.NDArray[np.float64]

BASE, PULL = "base.txt", "pull.txt"
FEATURES, ARMS, STABILITY, CARD = "features.json", "arms.json", "stability.json", "card.json"


@dataclass(frozen=True)
class Level:
    """An arm's own log-odds, and what the calibration sample adds to all that is told of it."""

    start: float
    shift: float


@dataclass(frozen=True)
class Uplifter:
    """Everything that targeting and watching need.

    Log-odds without an offer are `control` and the trees of `base`, of the customer alone; with an offer the
    trees of `pull` are added, of customer and terms. `terms` counts the plan's last features, which are the
    offer's. `spans` says from where to where the lot tried each number of an offer, and `card` how it was
    made.
    """

    plan: Plan
    terms: int
    base: str
    pull: str
    control: Level
    treated_shift: float
    spans: Mapping[str, tuple[float, float]]
    stability: Mapping[str, Mapping[str, Frozen]]
    card: Mapping[str, object]

    @property
    def customer(self) -> tuple[str, ...]:
        """The features that are the customer's."""
        return self.plan.features[: len(self.plan.features) - self.terms]

    @property
    def offer(self) -> tuple[str, ...]:
        """The features that are the offer's."""
        return self.plan.features[len(self.plan.features) - self.terms :]

    def plain(self, values: Vector, *, threads: int) -> Vector:
        """Give the log-odds of an answer without an offer, before calibration."""
        own = np.ascontiguousarray(values[:, : len(self.customer)])
        return self.control.start + fitting.scores(self.base, own, threads=threads)

    def chances(self, values: Vector, *, threads: int) -> tuple[Vector, Vector]:
        """Give the chance of an answer without the row's offer, and with it."""
        plain = self.plain(values, threads=threads)
        pulled = plain + fitting.scores(self.pull, values, threads=threads)
        return _chance(plain + self.control.shift), _chance(pulled + self.treated_shift)

    def uplift(self, values: Vector, *, threads: int) -> Vector:
        """Give what the row's offer adds to the chance of an answer."""
        without, with_offer = self.chances(values, threads=threads)
        return with_offer - without


def _chance(log_odds: Vector) -> Vector:
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def with_terms(values: Vector, terms: Vector) -> Vector:
    """Put every row down once for each of the terms, in order; the columns of an offer stand last."""
    made = np.repeat(values, len(terms), axis=0)
    made[:, values.shape[1] - terms.shape[1] :] = np.tile(terms, (len(values), 1))
    return made


def write(uplifter: Uplifter, folder: Path) -> str:
    """Write the bundle whole or not at all and give its digest; no pickle anywhere."""
    arms = {
        "control": {"start": uplifter.control.start, "shift": uplifter.control.shift},
        "treated": {"shift": uplifter.treated_shift},
        "terms": uplifter.terms,
        "spans": {name: list(span) for name, span in uplifter.spans.items()},
    }
    with lake.whole(folder) as draft:
        draft.mkdir()
        (draft / BASE).write_text(uplifter.base, encoding="utf-8")
        (draft / PULL).write_text(uplifter.pull, encoding="utf-8")
        lake.write_json(draft / FEATURES, uplifter.plan.to_json())
        lake.write_json(draft / ARMS, arms)
        frozen = {name: frozen_to_json(bins) for name, bins in uplifter.stability.items()}
        lake.write_json(draft / STABILITY, frozen)
        lake.write_json(draft / CARD, dict(uplifter.card))
    return seals.of_folder(folder).digest


def read(folder: Path, *, expected: str | None = None) -> Uplifter:
    """Open a bundle; with `expected`, raise AlteredError unless its bytes are exactly those."""
    files = seals.opened(folder, expected=expected)
    arms = files.part(ARMS)
    return Uplifter(
        plan=Plan.from_json(files.part(FEATURES)),
        terms=int(arms["terms"]),
        base=files.text(BASE),
        pull=files.text(PULL),
        control=Level(arms["control"]["start"], arms["control"]["shift"]),
        treated_shift=arms["treated"]["shift"],
        spans={name: (low, high) for name, (low, high) in arms["spans"].items()},
        stability={name: frozen_from_json(bins) for name, bins in files.part(STABILITY).items()},
        card=files.part(CARD),
    )
