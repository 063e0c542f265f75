"""What is predicted: how much is drawn of a limit at a rate, and how likely it is not repaid."""

from __future__ import annotations

from types import MappingProxyType

from loanbook.schema import LIMIT, Line, Purpose, Response

LIMIT_RESPONSE = Line(
    name="limit_response",
    title="What a limit at its rate makes of the balance and of the chance of a default within a year",
    product=None,
    purpose=Purpose.SERVICING,
    label=Response(
        table="limits",
        dose="limit_amount",
        price="rate",
        by_lot="randomised",
        told="statements",
        balance="balance",
        late="days_past_due",
        days_past_due=60,
        window_months=12,
        ripening_months=1,
    ),
    decision_days=0,
    feature_service="limit_response",
    monotone=MappingProxyType(
        {"balance_by_dose": 1, "balance_by_price": -1, "pd_by_dose": 1, "pd_by_price": 1}
    ),
    grain=LIMIT,
)
