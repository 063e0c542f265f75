"""features → candidate: how a PD answers when what it stands on moves.

`pd` is any function from rows × features to PDs, so nothing of a model's own account is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

from loanbook.training.evaluation import Z95

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]
Judge = Callable[[Matrix], Vector]

TOLERANCE = 1e-12
ROWS = 12  # each stands as it is, and once more with other features missing
HIDDEN = 1 / 3
DENSE = 51  # evenly spaced values beside the model's own, should it have told of too few


class Held(TypedDict):
    """One declared sign: how many values were tried on how many rows, and the worst step against it."""

    sign: int
    values: int
    rows: int
    against: float
    holds: bool


@dataclass(frozen=True)
class Move:
    """One stated stress: what each feature is multiplied by, then what is added.

    `left` would move too, and can't be moved from what a row holds.
    """

    name: str
    about: str
    times: Mapping[str, float]
    plus: Mapping[str, float]
    left: tuple[str, ...] = ()


_OVER_INCOME = (
    "payment_to_income", "debt_to_income", "amount_to_income", "all_payments_to_income", "payment_to_salary",
)  # fmt: skip
_INCOME = ("declared_income", "salary_90d", "salary_payment_90d", "inflow_90d")
_DEBTS = ("declared_debt_payments", "debt_to_income", "bureau_total_balance", "bureau_utilisation")
_WORTH = ("vehicle_value", "vehicle_market_value")
_OVER_WORTH = ("ltv", "loan_to_market", "vehicle_price_to_value", "vehicle_price_to_market")
MOVES = (
    Move(
        "income −20 %",
        "declared and paid income fall by a fifth, so ratios over income rise by a quarter",
        dict.fromkeys(_INCOME, 0.8) | dict.fromkeys(_OVER_INCOME, 1.25),
        {},
        ("residual_income", "residual_salary", "net_flow_sd_6m", "spend_ratio_90d"),
    ),
    Move("bureau score −50", "the bureau's score falls by 50 points", {}, {"bureau_score": -50.0}),
    Move(
        "debts +25 %",
        "declared debt payments, bureau balances and what is used of limits rise by a quarter",
        dict.fromkeys(_DEBTS, 1.25),
        {},
        ("all_payments_to_income", "residual_income", "residual_salary"),
    ),
    Move(
        "vehicle value −20 %",
        "what the vehicle is worth falls by a fifth, so ratios over it rise by a quarter",
        dict.fromkeys(_WORTH, 0.8) | dict.fromkeys(_OVER_WORTH, 1.25),
        {},
    ),
)


def signs(
    pd: Judge,
    values: Matrix,
    features: Sequence[str],
    declared: Mapping[str, int],
    thresholds: Mapping[str, Vector],
    seed: int,
) -> dict[str, Held]:
    """Walk each declared feature over a dense grid, on rows with and without other features missing.

    The grid has every threshold at which the model can change and a point on either side of it, so that
    between two points of it nothing can happen unseen.
    """
    rows, found = _stands(values, seed), {}
    for name, sign in declared.items():
        place = features.index(name)
        found[name] = _held(pd, rows, place, sign, _grid(values[:, place], thresholds, name))
    return found


def _stands(values: Matrix, seed: int) -> Matrix:
    """Draw rows, and hide a third of each once more; the last one knows nothing else at all."""
    chance = np.random.default_rng(seed)
    drawn = values[chance.choice(len(values), min(ROWS, len(values)), replace=False)]
    hidden = np.where(chance.random(drawn.shape) < HIDDEN, np.nan, drawn)
    return np.vstack([drawn, hidden, np.full((1, values.shape[1]), np.nan)])


def _grid(column: Vector, thresholds: Mapping[str, Vector], name: str) -> Vector:
    known = column[~np.isnan(column)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    cuts = thresholds.get(name, np.empty(0))
    beside = np.nextafter(cuts, -np.inf), np.nextafter(cuts, np.inf)
    return np.unique(np.concatenate([np.linspace(low - 1, high + 1, DENSE), cuts, *beside]))


def _held(pd: Judge, rows: Matrix, place: int, sign: int, grid: Vector) -> Held:
    walked = np.repeat(rows, len(grid), axis=0)
    walked[:, place] = np.tile(grid, len(rows))
    steps = np.diff(pd(walked).reshape(len(rows), len(grid)), axis=1) * sign
    against = float(max(0.0, -steps.min())) if steps.size else 0.0
    return Held(sign=sign, values=len(grid), rows=len(rows), against=against, holds=against <= TOLERANCE)


def sensitivity(
    pd: Judge, values: Matrix, features: Sequence[str], deviation: Mapping[str, float]
) -> dict[str, dict[str, Any]]:
    """Give the change of the mean PD, with its interval, when one feature moves a standard deviation."""
    before = pd(values)

    def change(name: str, by: float) -> list[float]:
        return _mean(pd(moved(values, features, {}, {name: by})) - before)

    found = {}
    for name, width in deviation.items():
        up, down = change(name, width), change(name, -width)
        found[name] = {
            "deviation": width,
            "up": up[0],
            "up_interval": up[1:],
            "down": down[0],
            "down_interval": down[1:],
        }
    return found


def stressed(
    pd: Judge, values: Matrix, features: Sequence[str], approve_below: float
) -> list[dict[str, Any]]:
    """Give, for each stated move, the bad rate then expected of all, and of who was approved before."""
    before = pd(values)
    return [_stress(pd, values, features, before, approve_below, move) for move in MOVES]


def moved(
    values: Matrix, features: Sequence[str], times: Mapping[str, float], plus: Mapping[str, float]
) -> Matrix:
    """Give the rows with these features multiplied and added to; what is missing stays so."""
    new = values.copy()
    for index, name in enumerate(features):
        new[:, index] = new[:, index] * times.get(name, 1.0) + plus.get(name, 0.0)
    return new


def _stress(
    pd: Judge, values: Matrix, features: Sequence[str], before: Vector, approve_below: float, move: Move
) -> dict[str, Any]:
    wanted = move.times.keys() | move.plus.keys()
    told: dict[str, Any] = {
        "move": move.name,
        "about": move.about,
        "moved": sorted(wanted & set(features)),
        "left_as_it_is": sorted(set(move.left) & set(features)),
    }
    if not told["moved"]:
        return told | {"unmeasured": "the model has none of the features that it moves"}
    after = pd(moved(values, features, move.times, move.plus))
    change = _mean(after - before)
    approved = before < approve_below
    of_approved = _mean((after - before)[approved]) if approved.any() else None
    return told | {
        "expected": float(after.mean()),
        "change": change[0],
        "change_interval": change[1:],
        "approved_expected": float(after[approved].mean()) if approved.any() else None,
        "approved_change": of_approved and of_approved[0],
        "approved_change_interval": of_approved and of_approved[1:],
        "approval_before": float(approved.mean()),
        "approval_after": float((after < approve_below).mean()),
    }


def _mean(change: Vector) -> list[float]:
    """Give the mean of paired changes and its 95 % interval: which rows were drawn, and nothing else."""
    half = Z95 * float(change.std(ddof=1)) / len(change) ** 0.5 if len(change) > 1 else float("inf")
    return [float(change.mean()), float(change.mean()) - half, float(change.mean()) + half]
