"""How unusual a row is equals ECOD computed by counting, and no outcome has a part in it."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from loanbook.errors import TrainingError
from loanbook.training import unusual
from loanbook.training.unusual import Unusual

FEATURES = ("few", "many", "left", "gaps")


def drawn(rows: int, seed: int) -> Any:
    chance = np.random.default_rng(seed)
    gaps = chance.normal(size=rows)
    gaps[chance.random(rows) < 0.3] = np.nan
    return np.column_stack(
        [chance.poisson(0.1, rows), chance.gamma(2, 1, rows), -chance.gamma(1, 1, rows), gaps]
    ).astype(float)


def counted(fit: Any, row: Any) -> float:
    """ECOD of one row, the row itself counted among the fit sample's in each feature."""
    left = right = long = 0.0
    for column, value in zip(fit.T, row, strict=True):
        if math.isnan(value):
            continue
        known = [one for one in column.tolist() if not math.isnan(one)]
        up_to = (sum(one <= value for one in known) + 1) / (len(known) + 1)
        over = (sum(one >= value for one in known) + 1) / (len(known) + 1)
        mean = sum(known) / len(known)
        skew = sum((one - mean) ** 3 for one in known)
        left, right = left - math.log(up_to), right - math.log(over)
        long -= math.log(up_to if skew < 0 else over)
    return max(left, right, long)


def test_a_score_is_the_largest_of_the_sums_of_tails() -> None:
    fit, others = drawn(400, 1), drawn(60, 2)
    rows = np.vstack([others, [[9, 40, -30, np.nan], [np.nan] * 4, [0.5, -1, 1, 0]]])

    found = unusual.freeze(fit, FEATURES, FEATURES).score(rows, FEATURES)

    assert found == pytest.approx([counted(fit, row) for row in rows])
    assert found[-2] == 0


def test_of_more_values_than_are_kept_the_ends_are_exact_and_the_rest_near() -> None:
    fit, others = drawn(5000, 3), drawn(40, 4)
    rows = np.vstack([others, [[0, fit[:, 1].max() + 1, fit[:, 2].min() - 1, 0]]])

    found = unusual.freeze(fit, FEATURES, FEATURES)

    assert len(found.tails["many"].values) == unusual.MOST
    meant = [counted(fit, row) for row in rows]
    assert found.score(rows, FEATURES) == pytest.approx(meant, rel=0.05, abs=0.02)


def test_it_stands_in_a_bundle_as_json_and_scores_the_same() -> None:
    fit, rows = drawn(3000, 5), drawn(50, 6)
    found = unusual.freeze(fit, FEATURES, FEATURES)

    read = Unusual.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False)))

    turned = Unusual(dict(sorted(read.tails.items(), reverse=True)))
    assert read == found
    assert (turned.score(rows, FEATURES) == found.score(rows, FEATURES)).all()
    assert (read.score(rows, FEATURES) == found.score(rows, FEATURES)).all()


def test_a_feature_without_a_value_says_nothing() -> None:
    fit = drawn(300, 7)
    fit[:, 3] = np.nan
    with_it = unusual.freeze(fit, FEATURES, FEATURES)
    without = unusual.freeze(fit, FEATURES, FEATURES[:3])

    rows = drawn(50, 8)
    rows[:, 3] = np.nan
    assert (with_it.score(rows, FEATURES) == without.score(rows, FEATURES)).all()


def test_only_chosen_features_that_the_model_knows_have_a_say() -> None:
    fit = drawn(300, 9)
    assert list(unusual.freeze(fit, FEATURES, ("many", "unknown")).tails) == ["many"]
    with pytest.raises(TrainingError, match="Fill any of unknown"):
        unusual.freeze(fit, FEATURES, ("unknown",))
