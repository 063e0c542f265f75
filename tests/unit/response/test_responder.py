"""What was planted is found: who draws more of a larger limit, and who defaults on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

from loanbook.errors import AlteredError, TrainingError
from loanbook.response import making, responder, trees
from loanbook.response.responder import OUTCOMES, Responder
from loanbook.response.trees import Rows
from loanbook.training import frame, lots

from .conftest import AS_OF, CUSTOMERS, DOSES, RATES


def rows_of(size: int, *, chance: bool, slope: float) -> tuple[Rows, Any]:
    luck = np.random.default_rng(3)
    steps = luck.choice([-1.0, 0.0, 1.0], size)
    score = -1.0 + slope * steps
    seen = (luck.random(size) < 1 / (1 + np.exp(-score))) if chance else score + luck.normal(0, 0.1, size)
    blank, ones = np.zeros(size), np.ones(size)
    return Rows(np.empty((size, 0)), seen.astype(float), blank, ones, ones, chance), steps


@pytest.mark.parametrize("chance", [False, True])
def test_a_line_finds_level_and_slope(chance: bool) -> None:
    rows, steps = rows_of(20_000, chance=chance, slope=0.7)
    level, slope = trees.line(rows, steps)
    assert level == pytest.approx(-1.0, abs=0.06)
    assert slope == pytest.approx(0.7, abs=0.06)
    rest = replace(rows, about=level * np.ones(len(steps)), times=steps)
    assert trees.constant(rest) == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("chance", [False, True])
def test_gradient_and_curvature_are_those_of_the_loss(chance: bool) -> None:
    rows, steps = rows_of(50, chance=chance, slope=0.7)
    rows = replace(rows, times=steps, about=steps / 3)
    told, little = np.linspace(-1, 1, 50), 1e-4
    gradient, curve = rows.slope(told)
    up, down, here = (rows.losses(told + by) for by in (little, -little, 0.0))
    assert gradient == pytest.approx((up - down) / (2 * little), abs=1e-6)
    assert curve == pytest.approx((up + down - 2 * here) / little**2, abs=1e-5)


def test_who_counts_twice_counts_as_two() -> None:
    rows, steps = rows_of(400, chance=True, slope=0.7)
    twice = np.repeat(np.arange(400), 2)
    doubled = replace(
        rows,
        **{name: getattr(rows, name)[twice] for name in ("matrix", "outcome", "about", "times", "weight")},
    )
    weighed = replace(rows, weight=2 * rows.weight)
    assert trees.line(weighed, steps) == pytest.approx(trees.line(doubled, steps[twice]))


def test_the_same_order_gives_the_same_bytes(make: Callable[[], Any], made: Any) -> None:
    again = make()
    assert (again.bundle, again.predictions_digest) == (made.bundle, made.predictions_digest)


def test_the_planted_responses_are_found(lender: Any, ready: Any, opened: Responder) -> None:
    report = ready.split.rows("report")
    who = np.array([int(name[1:]) for name in ready.table["customer_id"].to_pylist()])[report]
    drawn = lender.drawn
    balance, pd = (opened.over(name, ready.values[report], DOSES, threads=1) for name in OUTCOMES)
    slope = (balance[:, -1] - balance[:, 0]) / np.log(8)
    short = drawn.short[who] == 1
    assert slope.mean() == pytest.approx(1000, rel=0.06)
    # a tenth have no salary to be known by, and few rows shrink what differs
    assert 450 < slope[short].mean() - slope[~short].mean() < 1000
    true = 1 / (1 + np.exp(2.8 - drawn.risky[who][:, None] - 0.5 * np.log(DOSES / DOSES[0])))
    assert pd.mean(axis=0) == pytest.approx(true.mean(axis=0), rel=0.2)
    assert pd[drawn.risky[who] == 1].mean() > 1.7 * pd[drawn.risky[who] == 0].mean()


def test_a_response_rises_with_its_dose_less_and_less_and_never_beyond_it(
    ready: Any, opened: Responder
) -> None:
    doses = np.geomspace(4_000, 32_000, 30)
    hidden = np.where(np.random.default_rng(1).random(ready.values.shape) < 0.3, np.nan, ready.values)
    for values in (ready.values, hidden):
        balance, pd = (opened.over(name, values, doses, threads=1) for name in OUTCOMES)
        assert (np.diff(balance) >= 0).all()
        assert (np.diff(pd) >= 0).all()
        assert ((balance >= 0) & (balance <= doses)).all()
        assert (np.diff(np.diff(balance) / np.diff(doses)) <= 1e-9).all()


def test_what_is_told_of_a_row_is_what_is_told_of_it_among_all_doses(ready: Any, opened: Responder) -> None:
    places = np.searchsorted(DOSES, ready.dose)
    for name in OUTCOMES:
        over = opened.over(name, ready.values, DOSES, threads=1)
        own = opened.at(name, ready.values, ready.dose, threads=1)
        assert np.array_equal(over[np.arange(len(own)), places], own)


def test_a_bundle_comes_back_as_it_was_written_and_only_as_it_was_signed(
    opened: Responder, made: Any, tmp_path: Any
) -> None:
    again = responder.write(opened, tmp_path / "bundle")
    assert again == made.bundle
    assert opened.doses == tuple(DOSES)
    assert opened.prices == (RATES[0], RATES[-1])
    assert opened.plan.features[-1] == making.PRICE
    assert "never_filled" not in opened.plan.features
    with pytest.raises(AlteredError):
        responder.read(tmp_path / "bundle", expected="ab" * 32)


def test_samples_follow_in_time_and_share_no_customer(lender: Any, made: Any) -> None:
    rows = parquet.read_table(made.predictions).to_pandas()
    assert set(rows["sample"]) == set(lots.SAMPLES)
    last, first = (rows[rows["sample"] == name]["decided_at"] for name in ("fit", "report"))
    assert last.max() + np.timedelta64(395, "D") < first.min()  # a year's outcome, and a month to ripen
    assert rows.groupby("customer_id")["sample"].nunique().max() == 1
    assert len(rows) < CUSTOMERS


def test_a_lot_of_one_dose_teaches_nothing(lender: Any, tmp_path: Any) -> None:
    table = parquet.read_table(lender.order.frame)
    one = table.filter([value == DOSES[0] for value in table["dose"].to_pylist()])
    parquet.write_table(one, tmp_path / "one.parquet")
    with pytest.raises(TrainingError, match="has 1 doses"):
        making.prepare(replace(lender.order, frame=tmp_path / "one.parquet"))


def test_a_level_moves_only_where_the_calibration_contradicts_it() -> None:
    rows, _ = rows_of(2_000, chance=True, slope=0.0)
    share = rows.outcome.mean()
    level = np.full(2_000, np.log(share / (1 - share)))
    assert making.shift(replace(rows, about=level + 0.05)) == 0.0
    assert making.shift(replace(rows, about=level - 1.0)) == pytest.approx(1.0)


def test_what_judgement_set_would_have_told_another_slope(lender: Any, tmp_path: Any) -> None:
    found = frame.outcomes(lender.settings, lender.published, lender.line, AS_OF).to_pandas()
    settled = found[found["balance"].notna()]
    lot = settled[settled["outcome"].isin(["kept", "defaulted"])]
    chosen = settled[settled["outcome"] == "chosen"]
    by_lot, by_judgement = (np.polyfit(np.log(each["dose"]), each["balance"], 1)[0] for each in (lot, chosen))
    assert by_lot == pytest.approx(1000, rel=0.1)
    assert by_judgement < 0.7 * by_lot
