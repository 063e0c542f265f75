"""features → candidate: a valuer as text and JSON: a quantile each, which never cross, now and in months."""

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

FEATURES, QUANTILES, STABILITY, CARD = "features.json", "quantiles.json", "stability.json", "card.json"
AGE, DRIVEN, NEW = "vehicle_age_years", "vehicle_mileage_km", "vehicle_new"


@dataclass(frozen=True)
class Quantile:
    """One quantile of the logarithm: trees, what they start from, and what the calibration sample adds."""

    level: float
    model: str
    start: float
    shift: float

    @property
    def column(self) -> str:
        """The name of its column in predictions and books."""
        return f"value_{round(100 * self.level):02}"

    @property
    def file(self) -> str:
        """The name of its trees in a bundle."""
        return f"{self.column}.txt"


@dataclass(frozen=True)
class Valuer:
    """Everything that valuing and watching need.

    `km_a_year` is what a used vehicle is driven in a year; null where nobody wrote it down. `stability` holds
    the bins of the `fit` sample, each feature's and the `value`'s. `card` says how it was made.
    """

    plan: Plan
    quantiles: tuple[Quantile, ...]
    km_a_year: float | None
    stability: Mapping[str, Mapping[str, Frozen]]
    card: Mapping[str, object]

    @property
    def middle(self) -> int:
        """The place of the median."""
        return [one.level for one in self.quantiles].index(0.5)

    def logs(self, values: Vector, *, threads: int) -> Vector:
        """Give the quantiles' logarithms at an index of 100, rows × quantiles; none crosses another.

        Sorted, they are in order (Chernozhukov, Fernández-Val and Galichon 2010), and what falls with age in
        each of them falls in each of the sorted. Shifted, the outer are held to the inner.
        """
        raw = sorted_logs(self.quantiles, values, threads=threads)
        told = raw + np.array([one.shift for one in self.quantiles])
        middle = self.middle
        told[:, middle:] = np.maximum.accumulate(told[:, middle:], axis=1)
        told[:, : middle + 1] = np.minimum.accumulate(told[:, middle::-1], axis=1)[:, ::-1]
        return np.asarray(told)

    def now(self, values: Vector, level: Vector, *, threads: int) -> Vector:
        """Give the amounts at each row's level of the market, rows × quantiles."""
        return np.asarray(np.exp(self.logs(values, threads=threads)) * level[:, None])

    def ahead(self, values: Vector, level: Vector, then: Vector, months: Vector, *, threads: int) -> Vector:
        """Give the amounts some months after `level`, rows × quantiles.

        The vehicle is older by as much, driven by what is usual, and used; the market's index over 100 is
        `then`, which whoever asks assumes. Of new and used at one level the used is never the dearer.
        """
        features = list(self.plan.features)
        older = values.copy()
        years = months / 12
        for name, added in ((AGE, years), (DRIVEN, years * (self.km_a_year or 0.0))):
            if name in features:
                older[:, features.index(name)] += added
        if NEW in features:
            place = features.index(NEW)
            older[:, place] = np.where(months > 0, 0.0, older[:, place])
        return self.now(older, np.where(months > 0, then, level), threads=threads)


def sorted_logs(quantiles: tuple[Quantile, ...], values: Vector, *, threads: int) -> Vector:
    """Give the trees' own quantiles, in order, rows × quantiles, before calibration."""
    raw = [one.start + fitting.scores(one.model, values, threads=threads) for one in quantiles]
    return np.sort(np.column_stack(raw), axis=1)


def write(valuer: Valuer, folder: Path) -> str:
    """Write the bundle whole or not at all and give its digest; no pickle anywhere."""
    told = [
        {"level": one.level, "start": one.start, "shift": one.shift, "file": one.file}
        for one in valuer.quantiles
    ]
    with lake.whole(folder) as draft:
        draft.mkdir()
        for one in valuer.quantiles:
            (draft / one.file).write_text(one.model, encoding="utf-8")
        lake.write_json(draft / FEATURES, valuer.plan.to_json())
        lake.write_json(draft / QUANTILES, {"quantiles": told, "km_a_year": valuer.km_a_year})
        frozen = {name: frozen_to_json(bins) for name, bins in valuer.stability.items()}
        lake.write_json(draft / STABILITY, frozen)
        lake.write_json(draft / CARD, dict(valuer.card))
    return seals.of_folder(folder).digest


def read(folder: Path, *, expected: str | None = None) -> Valuer:
    """Open a bundle; with `expected`, raise AlteredError unless its bytes are exactly those."""
    files = seals.opened(folder, expected=expected)
    told = files.part(QUANTILES)
    return Valuer(
        plan=Plan.from_json(files.part(FEATURES)),
        quantiles=tuple(
            Quantile(one["level"], files.text(one["file"]), one["start"], one["shift"])
            for one in told["quantiles"]
        ),
        km_a_year=told["km_a_year"],
        stability={name: frozen_from_json(bins) for name, bins in files.part(STABILITY).items()},
        card=files.part(CARD),
    )
