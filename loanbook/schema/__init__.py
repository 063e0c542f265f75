"""The words: tables, keys, two clocks, privacy, purposes, lines."""

from loanbook.schema import consents
from loanbook.schema.columns import Column, Privacy, Purpose, Table
from loanbook.schema.lines import APPLICATION, VEHICLE, Amount, Grain, Label, Line
from loanbook.schema.tables import REFERENCES, TABLES

__all__ = [
    "APPLICATION",
    "REFERENCES",
    "TABLES",
    "VEHICLE",
    "Amount",
    "Column",
    "Grain",
    "Label",
    "Line",
    "Privacy",
    "Purpose",
    "Table",
    "consents",
]
