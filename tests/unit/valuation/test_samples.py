from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loanbook.errors import TrainingError
from loanbook.valuation import samples

DAY = np.timedelta64(1, "D")


def test_what_is_alike_stands_in_one_sample(ready: Any) -> None:
    alike = np.array(ready.table["alike"].to_pylist())
    twice = [name for name, count in zip(*np.unique(alike, return_counts=True), strict=True) if count > 1]
    assert len(twice) >= 150
    for name in twice:
        assert len(set(ready.split.sample[alike == name].tolist())) == 1
    assert ready.split.facts["repeated"] == len(alike) - len(set(alike.tolist()))


def test_a_draw_hangs_on_what_a_row_is_and_not_on_its_place() -> None:
    alike = np.array([f"kind {n}" for n in range(5000)], dtype=object)
    order = np.random.default_rng(2).permutation(5000)
    assert np.array_equal(samples.drawn(alike).sample[order], samples.drawn(alike[order]).sample)


def test_a_draw_keeps_near_the_shares_it_states() -> None:
    split = samples.drawn(np.array([f"kind {n}" for n in range(20_000)], dtype=object))
    shares = [split.rows(name).mean() for name in samples.SAMPLES]
    assert shares == pytest.approx([0.64, 0.10, 0.10, 0.16], abs=0.01)


def test_dated_amounts_are_reported_on_after_all_that_was_learned_from() -> None:
    days = np.datetime64("2020-01-01", "us") + np.arange(2000) * DAY
    alike = np.array([f"kind {n % 1990}" for n in range(2000)], dtype=object)
    split = samples.by_time(days, alike, report_from=None)
    ends = [days[split.rows(name)].max() for name in ("fit", "stop", "calibrate")]
    assert max(ends) < days[split.rows("report")].min()
    assert split.facts["grouped_out"] == 10


def test_too_few_amounts_for_four_samples_are_refused() -> None:
    with pytest.raises(TrainingError, match="sample is empty"):
        samples.drawn(np.array(["one", "two"], dtype=object))
