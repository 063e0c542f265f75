"""What is predicted: who takes an offer because it was made, and wouldn't have come without it."""

from __future__ import annotations

from types import MappingProxyType

from loanbook.schema import CONTACT, Line, Purpose, Uplift

UPTAKE = Line(
    name="uptake",
    title="What an offer at its terms adds to the chance that a customer takes it up",
    product=None,
    purpose=Purpose.MARKETING,
    label=Uplift(
        table="contacts",
        answer="response",
        by_lot="randomised",
        treatment="offer",
        control="none",
        terms=("offer", "limit_amount", "rate"),
    ),
    decision_days=0,
    feature_service="uptake",
    monotone=MappingProxyType({"limit_amount": 1, "rate": -1}),
    grain=CONTACT,
)
