from __future__ import annotations

import numpy as np
import pytest

from loanbook.lending import swaps
from loanbook.lending.swaps import Decided

CHANCE = np.random.default_rng(3)
ROWS = 600


def drawn() -> Decided:
    return Decided(
        champion=CHANCE.random(ROWS) < 0.6,
        challenger=CHANCE.random(ROWS) < 0.7,
        bad=CHANCE.random(ROWS) < 0.2,
        lent=CHANCE.integers(100, 900, ROWS).astype(float),
        profit=CHANCE.normal(10, 50, ROWS),
    )


def test_a_model_swaps_nobody_with_itself() -> None:
    decided = drawn()
    found = swaps.cells(
        Decided(decided.champion, decided.champion, decided.bad, decided.lent, decided.profit)
    )

    for name in ("swapped_in", "swapped_out"):
        assert found[name] == {"people": 0, "bads": 0, "bad_rate": None, "lent": 0.0, "profit": 0.0}
    assert found["both_approve"]["people"] == decided.champion.sum()


def test_the_four_cells_are_everybody_and_all_their_money() -> None:
    decided = drawn()
    found = swaps.cells(decided)

    assert sum(cell["people"] for cell in found.values()) == ROWS
    assert sum(cell["bads"] for cell in found.values()) == decided.bad.sum()
    assert sum(cell["lent"] for cell in found.values()) == pytest.approx(decided.lent.sum())
    assert sum(cell["profit"] for cell in found.values()) == pytest.approx(decided.profit.sum())


def test_a_swap_is_seen_from_the_challenger() -> None:
    yes, no = np.array([True]), np.array([False])
    money = np.array([700.0])

    assert swaps.cells(Decided(no, yes, yes, money, None))["swapped_in"] == {
        "people": 1, "bads": 1, "bad_rate": 1.0, "lent": 700.0, "profit": None,
    }  # fmt: skip
    assert swaps.cells(Decided(yes, no, no, money, money))["swapped_out"]["profit"] == 700


def test_each_part_has_its_cells_and_a_small_one_is_named_and_not_shown() -> None:
    decided = drawn()
    parts = np.array(["north"] * 350 + [None] * 151 + ["south"] * 99, dtype=object)
    found = swaps.by_part(decided, parts)

    assert found["too_small"] == ["south"]
    assert set(found["parts"]) == {"north", "unknown"}
    assert found["parts"]["north"] == swaps.cells(decided.only(parts == "north"))
