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
    sources=[views.application, views.transactions, views.open_loans],
    schema=[
        Field(name="payment_to_salary", dtype=Float64),
        Field(name="declared_to_salary", dtype=Float64),
        Field(name="all_payments_to_income", dtype=Float64),
        Field(name="residual_income", dtype=Float64),
        Field(name="residual_salary", dtype=Float64),
    ],
    mode="python",
    owner="originations",
    tags={
        "purpose": "underwriting",
        "from.payment_to_salary": (
            "applications.amount,applications.term_months,transactions.amount,transactions.category"
        ),
        "from.declared_to_salary": ("applications.declared_income,transactions.amount,transactions.category"),
        "from.all_payments_to_income": (
            "applications.amount,applications.term_months,applications.declared_debt_payments,"
            "applications.declared_income,loans.instalment,repayments.balance"
        ),
        "from.residual_income": (
            "applications.amount,applications.term_months,applications.declared_debt_payments,"
            "applications.declared_income,loans.instalment,repayments.balance"
        ),
        "from.residual_salary": (
            "applications.amount,applications.term_months,applications.declared_debt_payments,"
            "transactions.amount,transactions.category,loans.instalment,repayments.balance"
        ),
    },
)
def means(inputs: dict[str, Any]) -> dict[str, Any]:
    import numpy as np

    amount, term, income, debts, salary, own = (
        np.asarray(inputs[name], dtype=float)
        for name in (
            "amount",
            "term_months",
            "declared_income",
            "declared_debt_payments",
            "salary_payment_90d",
            "open_instalments",
        )
    )
    payment = amount / np.where(term > 0, term, np.nan)
    paid = payment + np.where(np.isnan(debts), 0, debts) + np.where(np.isnan(own), 0, own)
    known_income, known_salary = np.where(income > 0, income, np.nan), np.where(salary > 0, salary, np.nan)
    return {
        "payment_to_salary": (payment / known_salary).tolist(),
        "declared_to_salary": (income / 12 / known_salary).tolist(),
        "all_payments_to_income": (paid * 12 / known_income).tolist(),
        "residual_income": (income / 12 - paid).tolist(),
        "residual_salary": (salary - paid).tolist(),
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


@on_demand_feature_view(
    sources=[views.application, views.vehicle_market],
    schema=[Field(name="loan_to_market", dtype=Float64)],
    mode="python",
    owner="collateral",
    tags={
        "purpose": "underwriting",
        "from.loan_to_market": (
            "applications.amount,vehicles.make,vehicles.model,vehicles.model_year,"
            "vehicles.appraised_value,vehicles.list_price"
        ),
    },
)
def market_value(inputs: dict[str, Any]) -> dict[str, Any]:
    import numpy as np

    amount, value = (np.asarray(inputs[name], dtype=float) for name in ("amount", "vehicle_market_value"))
    return {"loan_to_market": (amount / np.where(value > 0, value, np.nan)).tolist()}


@on_demand_feature_view(
    sources=[views.behaviour, views.vehicle, views.vehicle_market],
    schema=[
        Field(name="balance_to_value", dtype=Float64),
        Field(name="balance_to_value_now", dtype=Float64),
    ],
    mode="python",
    owner="collateral",
    tags={
        "purpose": "servicing",
        "from.balance_to_value": "repayments.balance,vehicles.appraised_value,vehicles.list_price",
        "from.balance_to_value_now": (
            "repayments.balance,loans.event_at,vehicles.make,vehicles.model,vehicles.model_year,"
            "vehicles.appraised_value,vehicles.list_price"
        ),
    },
)
def collateral_now(inputs: dict[str, Any]) -> dict[str, Any]:
    import numpy as np

    balance, value, loss, age = (
        np.asarray(inputs[name], dtype=float)
        for name in ("loan_balance", "vehicle_value", "vehicle_yearly_depreciation", "loan_age_months")
    )
    worth = np.where(value > 0, value, np.nan)
    kept = np.clip(1 - loss, 0.01, None) ** (age / 12)
    return {
        "balance_to_value": (balance / worth).tolist(),
        "balance_to_value_now": (balance / (worth * kept)).tolist(),
    }
