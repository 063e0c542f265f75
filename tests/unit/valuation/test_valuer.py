from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from loanbook.errors import AlteredError
from loanbook.governance import seals
from loanbook.valuation import making, valuer

AGE, DRIVEN = "vehicle_age_years", "vehicle_mileage_km"


def _walk(ready: Any, opened: Any, name: str, grid: np.ndarray, *, hide: float) -> np.ndarray:
    """Value some vehicles along a grid of one feature, a share of the other features hidden."""
    chance = np.random.default_rng(1)
    rows = ready.values[chance.choice(len(ready.values), 40, replace=False)]
    rows = np.where(chance.random(rows.shape) < hide, np.nan, rows)
    walked = np.repeat(rows, len(grid), axis=0)
    walked[:, ready.plan.features.index(name)] = np.tile(grid, len(rows))
    logs = opened.logs(walked, threads=1)
    return logs.reshape(len(rows), len(grid), -1)


@pytest.mark.parametrize("hide", [0.0, 0.4, 1.0])
@pytest.mark.parametrize(("name", "far"), [(AGE, 20.0), (DRIVEN, 400_000.0)])
def test_no_quantile_rises_with_age_or_distance_whatever_else_is_missing(
    ready: Any, opened: Any, name: str, far: float, hide: float
) -> None:
    logs = _walk(ready, opened, name, np.linspace(-1.0, far, 700), hide=hide)
    assert np.diff(logs, axis=1).max() <= 1e-12
    assert logs[:, 0].min() > logs[:, -1].min()


@pytest.mark.parametrize("hide", [0.0, 0.4, 1.0])
def test_quantiles_never_cross(ready: Any, opened: Any, hide: float) -> None:
    logs = _walk(ready, opened, AGE, np.linspace(-1, 20, 300), hide=hide)
    assert np.diff(logs, axis=2).min() >= 0


def test_quantiles_that_calibration_pushes_together_do_not_cross(ready: Any, opened: Any) -> None:
    from dataclasses import replace

    low, middle, high = opened.quantiles
    pushed = replace(opened, quantiles=(replace(low, shift=3.0), middle, replace(high, shift=-3.0)))
    logs = pushed.logs(ready.values, threads=1)
    assert np.diff(logs, axis=1).min() >= 0
    assert np.array_equal(logs[:, 1], opened.logs(ready.values, threads=1)[:, 1])


def test_a_vehicle_is_worth_less_each_year_that_the_market_stands_still(ready: Any, opened: Any) -> None:
    level = np.ones(len(ready.values))
    years = [
        opened.ahead(ready.values, level, level, level * months, threads=1) for months in (0, 12, 24, 36)
    ]
    assert np.array_equal(years[0], opened.now(ready.values, level, threads=1))
    for one, later in pairwise(years):
        assert (later <= one).all()
    assert np.median(years[1] / years[0]) == pytest.approx(0.87 * np.exp(-0.035), abs=0.04)


def test_a_dearer_market_makes_dearer_vehicles_by_as_much(ready: Any, opened: Any) -> None:
    level = np.ones(len(ready.values))
    assert opened.now(ready.values, level * 1.2, threads=1) == pytest.approx(
        opened.now(ready.values, level, threads=1) * 1.2
    )


def test_a_valuer_comes_back_from_its_folder_as_it_was_written(
    tmp_path: Any, opened: Any, made: Any, ready: Any
) -> None:
    digest = valuer.write(opened, tmp_path / "again")
    assert digest == made.bundle == seals.of_folder(tmp_path / "again").digest
    again = valuer.read(tmp_path / "again", expected=digest)
    assert np.array_equal(again.logs(ready.values, threads=1), opened.logs(ready.values, threads=1))


@pytest.mark.parametrize("name", ["value_10.txt", "quantiles.json", "card.json"])
def test_a_valuer_with_a_file_altered_or_gone_is_not_opened(tmp_path: Any, opened: Any, name: str) -> None:
    digest = valuer.write(opened, tmp_path / "made")
    path = tmp_path / "made" / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(AlteredError, match="signed"):
        valuer.read(tmp_path / "made", expected=digest)
    path.unlink()
    with pytest.raises(AlteredError, match=f"lacks {name}"):
        valuer.read(tmp_path / "made")


def test_the_same_order_gives_the_same_bytes(make: Any, made: Any) -> None:
    again = make()
    assert (again.bundle, again.predictions_digest) == (made.bundle, made.predictions_digest)


def test_calibration_leaves_each_quantiles_share_of_new_amounts_below_it() -> None:
    chance = np.random.default_rng(3)
    seen, new = chance.normal(0, 1, 4000), chance.normal(0, 1, 40_000)
    for level in (0.1, 0.5, 0.9):
        moved = making.shift(np.full(4000, 0.7), seen, level)
        assert np.mean(new <= 0.7 + moved) == pytest.approx(level, abs=0.02)
