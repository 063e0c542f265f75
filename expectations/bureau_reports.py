"""What must hold of bureau_reports: one row per pull."""

from __future__ import annotations

import great_expectations.expectations as gxe

from .every_table import CLOCKS, held, noted, of, spread

DERIVED = CLOCKS

RULES = (
    *of("bureau_reports"),
    gxe.ExpectColumnValuesToBeBetween(
        column="score",
        min_value=0,
        max_value=1000,
        **held("score_plausible", "a score lies within 0 and 1,000"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="open_accounts", min_value=0, **held("open_accounts_not_negative", "it can't be below zero")
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="total_balance", min_value=0, **held("total_balance_not_negative", "it can't be below zero")
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="overdue_balance",
        min_value=0,
        **held("overdue_balance_not_negative", "it can't be below zero"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="delinquencies_24m",
        min_value=0,
        **held("delinquencies_not_negative", "it can't be below zero"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="inquiries_6m", min_value=0, **held("inquiries_not_negative", "it can't be below zero")
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="oldest_account_months",
        min_value=0,
        max_value=1200,
        **held("oldest_account_plausible", "an account is at most 1,200 months old"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="utilisation", min_value=0, **held("utilisation_not_negative", "it can't be below zero")
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="utilisation",
        max_value=5,
        **noted("utilisation_as_fraction", "over 5 it is hardly a fraction"),
    ),
    gxe.ExpectColumnValuesToBeBetween(
        column="public_records", min_value=0, **held("public_records_not_negative", "it can't be below zero")
    ),
    gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A="total_balance",
        column_B="overdue_balance",
        or_equal=True,
        ignore_row_if="either_value_is_missing",
        **noted("overdue_within_total", "more is overdue than is owed"),
    ),
    *spread("score", "total_balance", "inquiries_6m"),
)
