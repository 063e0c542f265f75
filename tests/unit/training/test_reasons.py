from __future__ import annotations

import numpy as np
import pytest

from loanbook.errors import PolicyError
from loanbook.training import reasons
from loanbook.training.reasons import MOST, Reason, ReasonMap

FEATURES = ("a", "b", "c", "d", "e", "f")
SCORE = Reason("SCORE", "Score", "评分", ("a", "b"))
SINGLES = tuple(Reason(name.upper(), name, "原因", (name,)) for name in "cdef")
WORDED = (SCORE, *SINGLES, Reason("UNUSED", "Unused", "未用", ("elsewhere",)))
AT_ZERO = ReasonMap((SCORE, *SINGLES), dict.fromkeys(FEATURES, 0.0))


def told(*parts: float) -> list[str]:
    return reasons.principal(AT_ZERO, FEATURES, np.array([parts]))[0]


def test_features_that_say_the_same_speak_as_one() -> None:
    assert told(0.3, 0.3, 0.5, 0, 0, 0) == ["SCORE", "C"]


def test_the_weightiest_reason_comes_first_and_what_speaks_for_the_applicant_is_no_reason() -> None:
    assert told(0.1, 0, 0.3, -0.9, 0.2, 0) == ["C", "E", "SCORE"]


def test_there_are_four_reasons_at_most() -> None:
    assert told(1, 1, 0.5, 0.4, 0.3, 0.2) == ["SCORE", "C", "D", "E"]
    assert MOST == 4


def test_within_a_group_what_helps_weighs_against_what_hurts() -> None:
    assert told(0.9, -1.0, 0.1, 0, 0, 0) == ["C"]


def test_a_reason_is_counted_from_the_approved_nearest_the_cut_off() -> None:
    parts = np.array([[0.0] * 6, [0.0] * 6, [0.0] * 6, [9.0] * 6, [1.0] * 6])
    pd = np.array([0.01, 0.02, 0.03, 0.09, 0.5])

    found = reasons.reason_map(WORDED, FEATURES, parts, pd, cut_off=0.10)

    assert set(found.reference.values()) == {9.0}
    assert reasons.principal(found, FEATURES, parts[4:]) == [[]]


def test_against_the_mean_another_reason_would_come_first() -> None:
    """Everybody near the cut-off has a poor `c`: it is no reason, however far it lies from the mean."""
    parts = np.zeros((100, 6))
    parts[60:, 2] = 1.0
    pd = np.linspace(0.01, 0.10, 100)
    found = reasons.reason_map(WORDED, FEATURES, parts, pd, cut_off=1.0)
    applicant = np.array([[0, 0, 1.0, 0.4, 0, 0]])

    assert reasons.principal(found, FEATURES, applicant) == [["D"]]
    assert (applicant - parts.mean(axis=0)).argmax() == 2


def test_where_nobody_is_approved_the_safest_quarter_of_the_declined_is_the_reference() -> None:
    parts, pd = np.arange(24.0).reshape(4, 6), np.array([0.9, 0.8, 0.7, 0.6])

    assert reasons.reason_map(WORDED, FEATURES, parts, pd, cut_off=0.1).reference["a"] == 18.0


def test_a_reason_names_only_what_the_model_uses() -> None:
    found = reasons.reason_map(WORDED, ("b", "c"), np.zeros((2, 2)), np.array([0.1, 0.2]), 1.0)

    assert [(one.code, one.features) for one in found.reasons] == [("SCORE", ("b",)), ("C", ("c",))]


def test_a_feature_without_a_reason_is_refused() -> None:
    with pytest.raises(PolicyError, match=r"no reason is worded for shoe_size.*reasons\.toml"):
        reasons.reason_map(WORDED, ("a", "shoe_size"), np.zeros((1, 2)), np.array([0.1]), 1.0)


def test_a_map_survives_its_json() -> None:
    assert ReasonMap.from_json(AT_ZERO.to_json()) == AT_ZERO


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[reason.A]\nen = "x"\nzh = "x"\nfeatures = ["a"]\n[other]', "unknown key other"),
        ('[reason.A]\nen = "x"\nfeatures = ["a"]', "It needs en, zh and features"),
        ('[reason.A]\nen = "x"\nzh = "x"\nfeatures = ["a"]\nde = "x"', "It needs en, zh and features"),
        (
            '[reason.A]\nen = "x"\nzh = "x"\nfeatures = ["a"]\n'
            '[reason.B]\nen = "x"\nzh = "x"\nfeatures = ["a"]',
            "a stands under two reasons",
        ),
        ("[reason.A", "no TOML"),
        ("version = 1", "no reason"),
    ],
)
def test_a_wording_that_is_wrong_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said) as refused:
        reasons.parse(text, "words.toml")

    assert refused.value.where == "words.toml"
