from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from loanbook.errors import TrainingError
from loanbook.training import explaining
from loanbook.training.explaining import Explained
from loanbook.training.reasons import Reason, ReasonMap

FEATURES = ("score", "debt", "noise")
WEIGHTS = np.array([-1.0, 0.6, 0.0])
REASONS = tuple(Reason(name.upper(), name, "原因", (name,)) for name in FEATURES)


def _pd(rows: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(rows @ WEIGHTS - 1.0)))


ROWS = np.random.default_rng(3).normal(size=(4_000, 3))
NEAR = ROWS[explaining.reasons.nearest(_pd(ROWS), 0.3)]
HONEST = Explained(
    ReasonMap(REASONS, dict(zip(FEATURES, (NEAR * WEIGHTS).mean(axis=0).tolist(), strict=True))),
    FEATURES,
    lambda rows: rows * WEIGHTS,
    _pd,
)
DEVIATION = dict.fromkeys(FEATURES, 1.0)


def test_true_reasons_survive_noise_and_mending_the_first_lowers_every_pd() -> None:
    found = explaining.held(HONEST, ROWS, 0.3, DEVIATION, seed=7)

    assert found["rows"] == explaining.ROWS
    assert found["without_a_reason"] == 0
    assert found["noise"]["first_kept"] > 0.95
    assert found["mended"]["lowered"] == 1.0
    assert found["mended"]["raised"] == 0
    assert found["mended"]["median_fall"] > 0.05
    assert set(found["codes"]) == {"SCORE", "DEBT"}
    assert sum(one["first"] for one in found["codes"].values()) == found["rows"]


def test_reasons_that_explain_another_model_are_seen_not_to_move_the_pd() -> None:
    upside_down = replace(HONEST, parts=lambda rows: -rows * WEIGHTS)

    found = explaining.held(upside_down, ROWS, 0.3, DEVIATION, seed=7)

    assert found["mended"]["lowered"] < 0.5
    assert found["mended"]["raised"] > 100


def test_reasons_drawn_by_lot_do_not_survive_noise() -> None:
    def by_lot(rows: np.ndarray) -> np.ndarray:
        return np.modf(np.abs(rows) * 1e6)[0]

    found = explaining.held(replace(HONEST, parts=by_lot), ROWS, 0.3, DEVIATION, seed=7)

    assert found["noise"]["first_kept"] < 0.7


def test_a_feature_that_weighs_nothing_is_never_cited() -> None:
    assert "NOISE" not in explaining.held(HONEST, ROWS, 0.3, DEVIATION, seed=7)["codes"]


def test_the_same_seed_tries_the_same_rows() -> None:
    one, other = (explaining.held(HONEST, ROWS, 0.3, DEVIATION, seed=5) for _ in range(2))

    assert one == other


@pytest.mark.parametrize("cut_off", [0.0, 1.0])
def test_where_all_or_none_are_approved_nothing_is_measured(cut_off: float) -> None:
    with pytest.raises(TrainingError, match="nothing to hold to"):
        explaining.held(HONEST, ROWS, cut_off, DEVIATION, seed=7)
