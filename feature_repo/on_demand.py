"""What a model may know: features made at the moment of asking, one code for training and serving.

Feast compares an on-demand field with its inferred twin, tags included: so the source columns stand in the
view's tags. It stores a function by its source alone: so each brings what it needs.
"""

from typing import Any

import views
from feast import Field
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64


@on_demand_feature_view(
    sources=[views.application],
    schema=[
        Field(name="payment_to_income", dtype=Float64),
        Field(name="debt_to_income", dtype=Float64),
        Field(name="amount_to_income", dtype=Float64),
    ],
    mode="python",
    owner="originations",
    tags={
        "purpose": "underwriting",
        "from.payment_to_income": "applications.amount,applications.term_months,applications.declared_income",
        "from.debt_to_income": "applications.declared_debt_payments,applications.declared_income",
        "from.amount_to_income": "applications.amount,applications.declared_income",
    },
)
def affordability(inputs: dict[str, Any]) -> dict[str, Any]:
    import numpy as np

    amount, term, income, debts = (
        np.asarray(inputs[name], dtype=float)
        for name in ("amount", "term_months", "declared_income", "declared_debt_payments")
    )
    known_income, known_term = np.where(income > 0, income, np.nan), np.where(term > 0, term, np.nan)
    return {
        "payment_to_income": (amount / known_term * 12 / known_income).tolist(),
        "debt_to_income": (debts * 12 / known_income).tolist(),
        "amount_to_income": (amount / known_income).tolist(),
    }


@on_demand_feature_view(
    sources=[views.application, views.closed_loans],
    schema=[Field(name="amount_against_largest", dtype=Float64)],
    mode="python",
    owner="servicing",
    tags={"purpose": "underwriting", "from.amount_against_largest": "applications.amount,loans.principal"},
)
def experience(inputs: dict[str, Any]) -> dict[str, Any]:
    import numpy as np

    amount, largest = (
        np.asarray(inputs[name], dtype=float) for name in ("amount", "closed_largest_principal")
    )
    return {"amount_against_largest": (amount / np.where(largest > 0, largest, np.nan)).tolist()}


@on_demand_feature_view(
    sources=[views.application, views.vehicle],
    schema=[Field(name="ltv", dtype=Float64)],
    mode="python",
    owner="collateral",
    tags={
        "purpose": "underwriting",
        "from.ltv": "applications.amount,vehicles.appraised_value,vehicles.list_price",
    },
)
def collateral(inputs: dict[str, Any]) -> dict[str, Any]:
    import numpy as np

    amount, value = (np.asarray(inputs[name], dtype=float) for name in ("amount", "vehicle_value"))
    return {"ltv": (amount / np.where(value > 0, value, np.nan)).tolist()}
