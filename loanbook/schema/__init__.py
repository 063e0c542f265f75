"""The words: tables, keys, two clocks, privacy, purposes, lines."""

from loanbook.schema import consents
from loanbook.schema.columns import Column, Privacy, Purpose, Table
from loanbook.schema.lines import CaseLabel, Label, Line
from loanbook.schema.tables import REFERENCES, TABLES

__all__ = [
    "REFERENCES",
    "TABLES",
    "CaseLabel",
    "Column",
    "Label",
    "Line",
    "Privacy",
    "Purpose",
    "Table",
    "consents",
]
