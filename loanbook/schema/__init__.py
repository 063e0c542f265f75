"""The words: tables, keys, two clocks, privacy, purposes, lines."""

from loanbook.schema import consents
from loanbook.schema.columns import Column, Privacy, Purpose, Table
from loanbook.schema.lines import (
    APPLICATION,
    CONTACT,
    CUSTOMER,
    LOAN_MONTH,
    VEHICLE,
    Amount,
    CaseLabel,
    Grain,
    Label,
    Line,
    Recurring,
    Uplift,
)
from loanbook.schema.tables import REFERENCES, TABLES

__all__ = [
    "APPLICATION",
    "CONTACT",
    "CUSTOMER",
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
    "Table",
    "Uplift",
    "consents",
]
