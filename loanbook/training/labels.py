"""features → candidate: which outcomes are ripe, and which of them are bad."""

from __future__ import annotations

from datetime import datetime

from loanbook.errors import TrainingError
from loanbook.response import doses
from loanbook.schema import Amount, CaseLabel, Label, Line, Response, Uplift
from loanbook.uplift import lot

# A ledger that ends this much before the window does leaves the outcome unknown.
SLACK_DAYS = 45


def outcomes_sql(line: Line, *, as_of: datetime) -> str:
    """Write the query for one row per application of the line.

    Gives application_id, customer_id, vehicle_id, loan_id, applied_at, decided_at, entered_at, window_end,
    ripe_at, bad_at and `outcome`: bad, good, unripe (its window isn't over and ripened at `as_of`),
    unfollowed (its ledger stops early) or unlent (no loan came of it, and the label is of loans).
    """
    match line.label:
        case Label():
            return _defaults_sql(line, line.label, as_of)
        case CaseLabel():
            return _confirmed_sql(line, line.label, as_of)
        case Amount() | Uplift() | Response():
            raise TrainingError(f"{line.name} predicts no outcome of loans")


def needs(line: Line) -> tuple[str, ...]:
    """Name the tables without which every outcome of the line would be good, or nobody could have agreed."""
    match line.label:
        case Uplift():
            return lot.NEEDED
        case Response():
            return doses.needed(line)
        case CaseLabel():
            return ("cases",)
        case _:
            return ()


def _of_line(line: Line) -> str:
    """Write the condition on an application to be of the line."""
    return "true" if line.product is None else f"a.product = '{line.product}'"


def _defaults_sql(line: Line, label: Label, as_of: datetime) -> str:
    """Write the outcomes of loans.

    The window opens when the loan is first observed, which is at application unless its ledger is
    left-truncated, and closes with the loan's term if that comes first. A loan turns bad on the day it is
    that late, though its row may be of a later.
    """
    late = f"INTERVAL {label.days_past_due} DAYS"
    window = f"INTERVAL {label.window_months} MONTHS"
    lateness = f"to_days(r.days_past_due - {label.days_past_due})"  # since it became that late
    is_bad = f"r.days_past_due >= {label.days_past_due} AND r.event_at - {lateness} <= w.window_end"
    return f"""
    WITH known_loans AS (
        SELECT * FROM loans WHERE available_at <= TIMESTAMP '{as_of}'
    ),
    population AS (
        SELECT
            a.application_id, a.customer_id, coalesce(a.vehicle_id, '') AS vehicle_id, l.loan_id,
            a.event_at AS applied_at,
            a.available_at + INTERVAL {line.decision_days} DAYS AS decided_at,
            greatest(a.event_at, coalesce(l.observed_from, a.event_at)) AS exposed_from,
            greatest(decided_at, coalesce(l.observed_from, decided_at)) AS entered_at,
            l.event_at + to_days(ceil(l.term_months * 30.4375)::INTEGER) AS matures_at
        FROM applications AS a LEFT JOIN known_loans AS l USING (application_id)
        WHERE {_of_line(line)} AND a.available_at <= TIMESTAMP '{as_of}'
    ),
    windowed AS (
        SELECT
            *,
            least(exposed_from + {window}, matures_at + {late}) AS window_end,
            window_end + INTERVAL {label.ripening_months} MONTHS AS ripe_at
        FROM population
    ),
    followed AS (
        SELECT
            w.application_id,
            min(r.event_at) FILTER ({is_bad}) AS bad_at,
            max(r.event_at) AS followed_to,
            coalesce(bool_or(r.balance <= 0), false) AS closed
        FROM windowed AS w JOIN repayments AS r USING (loan_id)
        WHERE r.available_at <= TIMESTAMP '{as_of}'
        GROUP BY w.application_id
    )
    SELECT
        w.application_id, w.customer_id, w.vehicle_id, w.loan_id, w.applied_at, w.decided_at,
        w.entered_at, w.window_end, w.ripe_at, f.bad_at,
        CASE
            WHEN w.loan_id IS NULL THEN 'unlent'
            WHEN w.ripe_at > TIMESTAMP '{as_of}' THEN 'unripe'
            WHEN f.bad_at IS NOT NULL THEN 'bad'
            WHEN f.closed OR f.followed_to >= w.window_end - INTERVAL {SLACK_DAYS} DAYS THEN 'good'
            ELSE 'unfollowed'
        END AS outcome
    FROM windowed AS w LEFT JOIN followed AS f USING (application_id)
    ORDER BY w.decided_at, w.application_id
    """


def _confirmed_sql(line: Line, label: CaseLabel, as_of: datetime) -> str:
    """Write the outcomes of investigations: who was never investigated, or cleared, is good.

    The window opens with the decision: what was confirmed before it is bad as well. A case counts on the day
    it closed, as far as it was known by `as_of`.
    """
    return f"""
    WITH population AS (
        SELECT
            application_id, customer_id, coalesce(vehicle_id, '') AS vehicle_id, event_at AS applied_at,
            available_at + INTERVAL {line.decision_days} DAYS AS decided_at,
            decided_at + INTERVAL {label.window_months} MONTHS AS window_end,
            window_end + INTERVAL {label.ripening_months} MONTHS AS ripe_at
        FROM applications AS a
        WHERE {_of_line(line)} AND available_at <= TIMESTAMP '{as_of}'
    ),
    confirmed AS (
        SELECT p.application_id, min(c.event_at) AS bad_at
        FROM population AS p JOIN cases AS c USING (application_id)
        WHERE c.outcome = 'confirmed' AND c.event_at <= p.window_end AND c.available_at <= TIMESTAMP '{as_of}'
        GROUP BY p.application_id
    ),
    lent AS (
        SELECT application_id, min(loan_id) AS loan_id
        FROM loans
        WHERE available_at <= TIMESTAMP '{as_of}'
        GROUP BY application_id
    )
    SELECT
        p.application_id, p.customer_id, p.vehicle_id, l.loan_id, p.applied_at, p.decided_at,
        p.decided_at AS entered_at, p.window_end, p.ripe_at, c.bad_at,
        CASE
            WHEN p.ripe_at > TIMESTAMP '{as_of}' THEN 'unripe'
            WHEN c.bad_at IS NOT NULL THEN 'bad'
            ELSE 'good'
        END AS outcome
    FROM population AS p
    LEFT JOIN lent AS l USING (application_id)
    LEFT JOIN confirmed AS c USING (application_id)
    ORDER BY p.decided_at, p.application_id
    """


def applications_sql(line: Line, *, since: datetime, until: datetime) -> str:
    """Write the query for one row per application of the line that is decided in [since, until)."""
    return f"""
    SELECT application_id, customer_id, coalesce(vehicle_id, '') AS vehicle_id, event_at AS applied_at,
        available_at + INTERVAL {line.decision_days} DAYS AS decided_at
    FROM applications AS a
    WHERE {_of_line(line)}
        AND available_at + INTERVAL {line.decision_days} DAYS >= TIMESTAMP '{since}'
        AND available_at + INTERVAL {line.decision_days} DAYS < TIMESTAMP '{until}'
    ORDER BY decided_at, application_id
    """
