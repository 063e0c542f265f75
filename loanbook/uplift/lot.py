"""validated → candidate: who was drawn by lot, what was offered to them, and whether they took it up."""

from __future__ import annotations

from datetime import datetime

from loanbook.errors import TrainingError
from loanbook.schema import TABLES, Line, Uplift, consents

OUTCOMES = ("taken", "left", "unripe", "unanswered", "judged", "unconsented")
# What trains and judges nothing: an offer that was sent by judgement is confounded with why it was sent.
ASIDE = ("unanswered", "judged", "unconsented")
NEEDED = ("contacts", "customers")


def uplift_of(line: Line) -> Uplift:
    """Give the uplift that a line predicts; TrainingError where it predicts none."""
    if isinstance(line.label, Uplift):
        return line.label
    raise TrainingError(f"{line.name} predicts no uplift", right="Ask a line of offers")


def lot_sql(line: Line, *, as_of: datetime) -> str:
    """Write the query for one row per contact: its keys, terms, arm and answer.

    Gives the line's key, customer_id, decided_at, entered_at, ripe_at, the label's terms, `treated`,
    `answered` and `outcome`: taken or left; unripe (its answer isn't known at `as_of`), unanswered (nobody
    wrote an answer, or what was offered, down), judged (not drawn by lot) or unconsented (the customer didn't
    agree to the line's purpose). An offer is decided on when it is sent.
    """
    label = uplift_of(line)
    table, key = TABLES[label.table], line.grain.key
    agreed = consents.rows(table.name, line.purpose, lambda name: name) or "true"
    missing = " OR ".join(f"{name} IS NULL" for name in (label.answer, *label.terms))
    bare = f"{label.answer} IS NULL OR {label.treatment} IS NULL"
    terms = ", ".join(_told(table.column(name).type, name) for name in label.terms)
    return f"""
    SELECT
        {key}, customer_id,
        event_at + INTERVAL {line.decision_days} DAYS AS decided_at,
        decided_at AS entered_at,
        available_at AS ripe_at,
        {terms},
        coalesce({label.treatment} <> '{label.control}', false) AS treated,
        coalesce({label.answer}, false) AS answered,
        CASE
            WHEN NOT coalesce({agreed}, false) THEN 'unconsented'
            WHEN NOT coalesce({label.by_lot}, false) THEN 'judged'
            WHEN available_at > TIMESTAMP '{as_of}' THEN 'unripe'
            WHEN {bare} OR ({label.treatment} <> '{label.control}' AND ({missing})) THEN 'unanswered'
            WHEN {label.answer} THEN 'taken'
            ELSE 'left'
        END AS outcome
    FROM {table.name}
    ORDER BY decided_at, {key}
    """


def _told(kind: str, name: str) -> str:
    return f"lower({name}) AS {name}" if kind == "VARCHAR" else f"{name}::DOUBLE AS {name}"


def customers_sql(line: Line, *, since: datetime, until: datetime) -> str:
    """Write the query for who was met in [since, until) and agreed to the purpose, as of its end."""
    agreed = consents.rows("customers", line.purpose, lambda name: name) or "true"
    return f"""
    SELECT customer_id, TIMESTAMP '{until}' AS decided_at
    FROM customers
    WHERE {agreed} AND available_at >= TIMESTAMP '{since}' AND available_at < TIMESTAMP '{until}'
    ORDER BY customer_id
    """
