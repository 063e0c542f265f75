from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loanbook.errors import SettingsError
from loanbook.world import DRIFTS, Plant, WorldSpec, simulate


@pytest.mark.parametrize("applications", [0, 1_999, 10_000_001])
def test_a_world_too_small_or_too_large_is_refused_with_its_bounds(applications: int) -> None:
    with pytest.raises(SettingsError, match=r"out of range \(world\). Give 2,000 to 10,000,000"):
        WorldSpec(applications=applications)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"months": 0}, "months 0 is out of range"),
        ({"drift_month": 0}, "drift_month 0 is out of range"),
        ({"seed": -1}, "seed -1 is out of range"),
        ({"start": "2020-13"}, "start '2020-13' is not a month"),
        ({"plants": frozenset({"rings"})}, "there is no plant rings"),
    ],
)
def test_a_spec_that_means_nothing_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        WorldSpec(applications=2_000, **wrong)


@pytest.mark.parametrize(("first", "last"), [(0, 10), (11, 10), (1, 61)])
def test_months_outside_the_world_are_refused_and_nothing_is_written(
    tmp_path: Path, first: int, last: int
) -> None:
    with pytest.raises(SettingsError, match="Give months from 1 to 60"):
        simulate(WorldSpec(applications=2_000), tmp_path / "out", first_month=first, last_month=last)
    assert not (tmp_path / "out").exists()


def test_months_are_named_across_years() -> None:
    spec = WorldSpec(applications=2_000, start="2019-11")
    assert [spec.name_of(month) for month in (1, 2, 3, 15)] == ["2019-11", "2019-12", "2020-01", "2021-01"]


def test_of_the_drifts_only_covariate_and_concept_are_planted_unasked() -> None:
    assert WorldSpec(applications=2_000).plants & DRIFTS == {Plant.COVARIATE, Plant.CONCEPT}
    assert frozenset(Plant) - DRIFTS <= WorldSpec(applications=2_000).plants


def test_a_drift_starts_in_its_month() -> None:
    spec = WorldSpec(applications=2_000, drift_month=49)
    assert not spec.drifts(Plant.CONCEPT, 48)
    assert spec.drifts(Plant.CONCEPT, 49)
    assert not spec.drifts(Plant.MIX, 49)
