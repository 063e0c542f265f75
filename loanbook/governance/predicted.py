"""candidate → champion: of what kind a line's prediction is, as the facts of a version tell it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

from loanbook.governance import reading
from loanbook.governance.demands import AMOUNT, PROBABILITY, RESPONSE, UPLIFT
from loanbook.governance.reading import Facts, UnreadableFact

# What only a label of this kind says.
TELLS: Mapping[str, str] = MappingProxyType({"quantiles": AMOUNT, "treatment": UPLIFT, "dose": RESPONSE})

T = TypeVar("T")


def kind(facts: Facts) -> str:
    """Give the kind; it decides which tables a page has, and no gate."""
    try:
        label = reading.mapping(facts, "split", "label")
    except UnreadableFact:
        return PROBABILITY
    return next((found for name, found in TELLS.items() if name in label), PROBABILITY)


def by_kind(facts: Facts, *, probability: T, amount: T, uplift: T, response: T) -> T:
    """Choose by the kind."""
    return {PROBABILITY: probability, AMOUNT: amount, UPLIFT: uplift, RESPONSE: response}[kind(facts)]
