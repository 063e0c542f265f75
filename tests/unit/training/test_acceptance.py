from __future__ import annotations

import numpy as np

from loanbook.training import acceptance, evaluation
from loanbook.training.fitting import Form


def test_who_was_lent_to_is_told_from_the_other_half_and_no_declared_sign_binds_it() -> None:
    chance = np.random.default_rng(1)
    rows = chance.normal(size=(3_000, 3))
    lent = chance.random(3_000) < 1 / (1 + np.exp(-2 * rows[:, 0]))
    # a sign that says the opposite of what the lender did
    form = Form(("score", "noise", "more"), (), {"score": -1}, seed=7, threads=1)
    taken, left = acceptance.log_odds(form, rows[lent], rows[~lent])

    said = np.append(taken, left)
    was = np.arange(len(said)) < len(taken)
    assert evaluation.auc(said, was)[0] > 0.8
    again = acceptance.log_odds(form, rows[lent], rows[~lent])
    assert again[0].tolist() == taken.tolist()


def test_nobody_is_told_by_a_model_that_saw_them() -> None:
    chance = np.random.default_rng(2)
    rows = chance.normal(size=(2_000, 2))  # who was lent to was drawn by lot
    taken, left = acceptance.log_odds(Form(("a", "b"), (), {}, 7, 1), rows[:1_000], rows[1_000:])

    area, low, high = evaluation.auc(np.append(taken, left), np.arange(2_000) < 1_000)
    assert low < 0.5 < high, area
