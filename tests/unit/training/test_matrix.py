from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from loanbook.errors import TrainingError
from loanbook.training import matrix
from loanbook.training.matrix import RARE, Plan

FIT = pa.table(
    {
        "income": pa.array([None, *range(99)], pa.float64()),
        "housing": ["own"] * 40 + ["rent"] * RARE + ["boat"] * (RARE - 1) + [None],
        "flat": [1.0] * 100,
        "empty": pa.array([None] * 100, pa.float64()),
        "one_word": ["same"] * 100,
        "sometimes": [1.0] * 99 + [None],
    }
)
FEATURES = tuple(FIT.column_names)


@pytest.fixture
def plan() -> Plan:
    return matrix.plan(FIT, FEATURES, {"income": -1, "flat": 1})


def test_what_says_nothing_in_the_fit_sample_is_left_out(plan: Plan) -> None:
    assert plan.features == ("income", "housing", "sometimes")
    assert plan.monotone == {"income": -1}


def test_a_category_seen_less_often_than_the_bound_has_no_code(plan: Plan) -> None:
    assert plan.categories == {"housing": ("own", "rent")}


def test_an_unseen_a_rare_and_a_missing_category_are_missing(plan: Plan) -> None:
    rows = FIT.slice(0, 4).set_column(1, "housing", [["rent", "castle", "boat", None]])

    codes = matrix.encode(rows, plan)[:, 1]

    assert codes[0] == 1.0
    assert np.isnan(codes[1:]).all()


def test_null_and_nan_are_the_same(plan: Plan) -> None:
    rows = FIT.slice(0, 3).set_column(0, "income", [pa.array([None, float("nan"), 5.0])])

    values = matrix.encode(rows, plan)[:, 0]

    assert np.isnan(values[:2]).all()
    assert values[2] == 5.0


@pytest.mark.parametrize("kind", [pa.null(), pa.string(), pa.large_string()])
def test_a_book_in_which_nobody_has_a_value_can_be_encoded(plan: Plan, kind: pa.DataType) -> None:
    rows = FIT.slice(0, 2).set_column(1, "housing", [pa.array([None, None], kind)])
    rows = rows.set_column(0, "income", [pa.array([None, None], pa.null())])

    assert np.isnan(matrix.encode(rows, plan)[:, :2]).all()


def test_columns_are_taken_by_name_whatever_their_order_and_chunks(plan: Plan) -> None:
    turned = pa.concat_tables([FIT.slice(0, 50), FIT.slice(50)]).select(FEATURES[::-1])

    assert np.array_equal(matrix.encode(turned, plan), matrix.encode(FIT, plan), equal_nan=True)


def test_an_absent_column_is_refused_by_name(plan: Plan) -> None:
    with pytest.raises(TrainingError, match=r"absent: income.*featurize"):
        matrix.encode(FIT.drop_columns(["income"]), plan)


def test_a_sample_in_which_no_feature_says_anything_is_refused() -> None:
    with pytest.raises(TrainingError, match="no feature has a value"):
        matrix.plan(FIT, ["flat", "empty", "one_word"], {})


def test_what_the_fit_sample_has_never_seen_does_not_change_the_plan(plan: Plan) -> None:
    more = pa.concat_tables([FIT, FIT.slice(0, 50).set_column(1, "housing", [["castle"] * 50])])

    assert matrix.plan(more.slice(0, 100), FEATURES, plan.monotone) == plan


def test_a_plan_survives_its_json(plan: Plan) -> None:
    assert Plan.from_json(plan.to_json()) == plan
