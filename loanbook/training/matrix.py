"""features → candidate: a feature table as numbers, in one way for training and scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loanbook.errors import TrainingError

if TYPE_CHECKING:
    import pyarrow as pa

# A category seen less often than this in the fit sample says nothing.
RARE = 30

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """The features in order; a category's code is its place in its list, an unknown one is missing."""

    features: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]
    monotone: Mapping[str, int]

    def to_json(self) -> dict[str, object]:
        """Give the plan as it stands in a bundle."""
        return {
            "features": list(self.features),
            "categories": {name: list(values) for name, values in self.categories.items()},
            "monotone": dict(self.monotone),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Plan:
        """Read the plan of a bundle."""
        features, categories, monotone = value["features"], value["categories"], value["monotone"]
        assert isinstance(features, list)
        assert isinstance(categories, dict)
        assert isinstance(monotone, dict)
        return cls(
            tuple(features),
            {name: tuple(values) for name, values in categories.items()},
            {name: int(sign) for name, sign in monotone.items()},
        )


def plan(fit: pa.Table, features: Sequence[str], monotone: Mapping[str, int]) -> Plan:
    """Learn categories from the fit sample alone; leave out what has no value or one value there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kept, categories = [], {}
    for name in features:
        column = fit.column(name)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            counts = pc.value_counts(column.combine_chunks().drop_null()).to_pylist()
            known = sorted(one["values"] for one in counts if one["counts"] >= RARE)
            if len(known) > 1:
                categories[name] = tuple(known)
                kept.append(name)
        elif _varies(column):
            kept.append(name)
    if not kept:
        raise TrainingError("no feature has a value in the fit sample", where="feature_repo/services.py")
    signs = {name: sign for name, sign in monotone.items() if name in kept}
    return Plan(tuple(kept), categories, signs)


def encode(table: pa.Table, plan: Plan) -> Matrix:
    """Give rows × features; missing and unknown are NaN. Raises TrainingError for an absent column."""
    missing = [name for name in plan.features if name not in table.column_names]
    if missing:
        raise TrainingError(f"features are absent: {', '.join(missing)}", right="Run featurize for this data")
    values = np.empty((table.num_rows, len(plan.features)))
    for place, name in enumerate(plan.features):
        values[:, place] = _numbers(table, name, plan)
    return values


def _numbers(table: pa.Table, name: str, plan: Plan) -> npt.NDArray[np.float64]:
    import pyarrow as pa
    import pyarrow.compute as pc

    column = table.column(name).combine_chunks()
    if name in plan.categories:
        # a column without a value may come without a type
        codes = pc.index_in(column.cast(pa.string()), value_set=pa.array(plan.categories[name], pa.string()))
        return np.asarray(codes.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=float)
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=float)


def _varies(column: pa.ChunkedArray) -> bool:
    """A feature says something when it has two values, a missing one counted as a value."""
    import pyarrow as pa

    values = np.asarray(column.cast(pa.float64()).to_numpy(), dtype=float)
    known = values[~np.isnan(values)]
    return bool(len(known)) and bool(len(known) < len(values) or known.min() < known.max())
