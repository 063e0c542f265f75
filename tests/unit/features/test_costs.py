"""What a missing column costs is told by the features' own declarations, and by what could be computed."""

from __future__ import annotations

from loanbook.features import costs
from loanbook.features.store import Feature


def feature(name, *columns, ttl=365):
    return Feature(name, "view", "Float64", "owner", "underwriting", ttl, columns)


VALUE = feature("vehicle_value", "vehicles.appraised_value", "vehicles.list_price")
LTV = feature("ltv", "applications.amount", "vehicles.appraised_value", "vehicles.list_price", ttl=None)
INCOME = feature("amount_to_income", "applications.amount", "applications.declared_income", ttl=None)


def test_a_feature_that_was_computed_without_a_value_is_lost_with_the_columns_it_misses():
    assert costs.lost([VALUE], {"vehicles.list_price"}, {"vehicle_value"}) == {
        "vehicle_value": ("vehicles.appraised_value",)
    }


def test_a_feature_that_has_values_all_the_same_is_not_lost():
    assert costs.lost([VALUE], {"vehicles.list_price"}, set()) == {}


def test_a_feature_of_the_moment_falls_with_any_of_its_columns():
    assert costs.lost([INCOME], {"applications.amount"}, set()) == {
        "amount_to_income": ("applications.declared_income",)
    }


def test_of_columns_that_stand_for_each_other_one_suffices():
    filled = {"applications.amount", "vehicles.list_price"}
    assert costs.lost([VALUE, LTV], filled, set()) == {}
    assert set(costs.lost([VALUE, LTV], {"applications.amount"}, {"vehicle_value"})) == {
        "vehicle_value",
        "ltv",
    }
