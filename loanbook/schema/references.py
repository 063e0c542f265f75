"""The words: which column of a table names a row of another."""

from __future__ import annotations

from types import MappingProxyType

# Orphans are judged by this.
REFERENCES = MappingProxyType(
    {
        "applications": (("customer_id", "customers"), ("vehicle_id", "vehicles")),
        "bureau_reports": (("customer_id", "customers"),),
        "transactions": (("customer_id", "customers"),),
        "links": (("customer_id", "customers"),),
        "loans": (("application_id", "applications"), ("customer_id", "customers")),
        "repayments": (("loan_id", "loans"),),
        "recoveries": (("loan_id", "loans"),),
        "contacts": (("customer_id", "customers"),),
        "cases": (("application_id", "applications"), ("customer_id", "customers")),
        "limits": (("customer_id", "customers"),),
        "statements": (("limit_id", "limits"), ("customer_id", "customers")),
    }
)
