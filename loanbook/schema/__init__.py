"""The words: tables, keys, two clocks, privacy, purposes, lines."""

from loanbook.schema import consents
from loanbook.schema.columns import Column, Privacy, Purpose, Table
from loanbook.schema.lines import (
    APPLICATION,
    CONTACT,
    CUSTOMER,
    LIMIT,
    LOAN_MONTH,
    VEHICLE,
    Amount,
    CaseLabel,
    Grain,
    Label,
    Line,
    Recurring,
    Response,
    Uplift,
)
from loanbook.schema.references import REFERENCES
from loanbook.schema.tables import TABLES

__all__ = [
    "APPLICATION",
    "CONTACT",
    "CUSTOMER",
    "LIMIT",
    "LOAN_MONTH",
    "REFERENCES",
    "TABLES",
    "VEHICLE",
    "Amount",
    "CaseLabel",
    "Column",
    "Grain",
    "Label",
    "Line",
    "Privacy",
    "Purpose",
    "Recurring",
    "Response",
    "Table",
    "Uplift",
    "consents",
]
