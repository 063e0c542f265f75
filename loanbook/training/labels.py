"""features → candidate: which outcomes are ripe, and which of them are bad."""

from __future__ import annotations

from datetime import datetime

from loanbook.schema import Line

# A ledger that ends this much before the window does leaves the outcome unknown.
SLACK_DAYS = 45


def outcomes_sql(line: Line, *, as_of: datetime) -> str:
    """Write the query for one row per application of the line.

    Gives application_id, customer_id, vehicle_id, loan_id, applied_at, decided_at, entered_at, window_end,
    ripe_at, bad_at and `outcome`: bad, good, unripe (its window isn't over and ripened at `as_of`),
    unfollowed (its ledger stops early) or unlent (no loan came of it). The window opens when the loan is
    first observed, which is at application unless its ledger is left-truncated, and closes with the loan's
    term if that comes first. A loan turns bad on the day it is that late, though its row may be of a later.
    """
    label = line.lateness
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
        WHERE a.product = '{line.product}' AND a.available_at <= TIMESTAMP '{as_of}'
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


def applications_sql(line: Line, *, since: datetime, until: datetime) -> str:
    """Write the query for one row per application of the line that is decided in [since, until)."""
    return f"""
    SELECT application_id, customer_id, coalesce(vehicle_id, '') AS vehicle_id, event_at AS applied_at,
        available_at + INTERVAL {line.decision_days} DAYS AS decided_at
    FROM applications
    WHERE product = '{line.product}'
        AND available_at + INTERVAL {line.decision_days} DAYS >= TIMESTAMP '{since}'
        AND available_at + INTERVAL {line.decision_days} DAYS < TIMESTAMP '{until}'
    ORDER BY decided_at, application_id
    """
