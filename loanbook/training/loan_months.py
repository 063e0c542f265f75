"""features → candidate: each loan on the book at each month's first, and what became of it."""

from __future__ import annotations

from datetime import datetime

from loanbook.schema import Line, Recurring
from loanbook.training.labels import SLACK_DAYS

# A ledger that told nothing for so long has stopped: nobody knows whether the loan is still on the book.
SILENT_MONTHS = 3


def outcomes_sql(line: Line, label: Recurring, *, as_of: datetime) -> str:
    """Write the query for one row per loan on the book and month, as far as its turn comes.

    Gives loan_month, loan_id, application_id, customer_id, vehicle_id, decided_at, entered_at, window_end,
    ripe_at, bad_at and `outcome`: bad, good, unripe or unfollowed. A row opens at a month's first and sees
    what was known by then: the loan had told of an instalment, was neither repaid nor written off nor so late
    as the line calls bad, and wasn't silent. It is bad when news that came later tell of such a lateness,
    begun by the end of the window: of one that was on its way to the lender, too. A loan that is repaid
    before is good. Where a ledger stops with the loan neither repaid nor written off, its last months are
    unfollowed, bad or not: the bads alone would stay.
    """
    return f"""
    WITH {_seen(line, label, as_of)},
    windowed AS (
        SELECT
            *,
            seen_at + INTERVAL {label.window_months} MONTHS AS window_end,
            window_end + INTERVAL {label.ripening_months} MONTHS AS ripe_at
        FROM seen WHERE {_turn("loan_id", label.every_months)}
    )
    SELECT
        {_KEYS}, seen_at AS decided_at, seen_at AS entered_at, window_end, ripe_at, turns_bad_at AS bad_at,
        CASE
            WHEN ripe_at > TIMESTAMP '{as_of}' THEN 'unripe'
            WHEN NOT ended AND followed_to < least(window_end, matures_at) - INTERVAL {SLACK_DAYS} DAYS
                THEN 'unfollowed'
            WHEN turns_bad_at <= window_end THEN 'bad'
            ELSE 'good'
        END AS outcome
    FROM windowed
    ORDER BY decided_at, loan_month
    """


def book_sql(line: Line, label: Recurring, *, since: datetime, until: datetime, every_months: int) -> str:
    """Write the query for the loans on the book at each month's first in [since, until)."""
    return f"""
    WITH {_seen(line, label, until)}
    SELECT {_KEYS}, seen_at AS decided_at
    FROM seen
    WHERE seen_at >= TIMESTAMP '{since}' AND seen_at < TIMESTAMP '{until}'
        AND {_turn("loan_id", every_months)}
    ORDER BY decided_at, loan_month
    """


_KEYS = "loan_month, loan_id, application_id, customer_id, vehicle_id"


def _turn(loan: str, every_months: int) -> str:
    """Say in SQL whether it is a loan's turn to be looked at."""
    month = "year(seen_at) * 12 + month(seen_at)"
    return f"({month} + (md5_number_lower({loan}) % {every_months})::INTEGER) % {every_months} = 0"


def _seen(line: Line, label: Recurring, as_of: datetime) -> str:
    """Write the relation `seen`: each loan at each month's first at which it was on the book.

    The ledger is walked in the order in which it became known. Each state holds from the first month's first
    after it was known to the next one's; what came later is looked at for the outcome alone.
    """
    late = label.days_past_due
    return f"""
    known AS (
        SELECT
            r.loan_id, greatest(r.available_at, l.available_at) AS known_at,
            date_trunc('month', known_at - INTERVAL 1 MICROSECOND) + INTERVAL 1 MONTH AS month,
            r.event_at,
            coalesce(r.days_past_due, 0) AS days_past_due,
            coalesce(r.balance <= 0, false) AS repaid,
            CASE
                WHEN r.days_past_due >= {late} THEN r.event_at - to_days(r.days_past_due - {late})
            END AS turned,
            row_number() OVER (
                PARTITION BY r.loan_id ORDER BY known_at, r.event_at, r.instalment_no, r.repayment_id
            ) AS place
        FROM repayments AS r JOIN loans AS l USING (loan_id)
        WHERE l.product = '{line.product}' AND greatest(r.available_at, l.available_at) <= TIMESTAMP '{as_of}'
    ),
    states AS (
        SELECT
            *,
            lead(month) OVER arrivals AS next_month,
            min(turned) OVER later AS turns_bad_at,
            max(event_at) OVER whole AS followed_to,
            bool_or(repaid) OVER whole AS closed
        FROM known
        WINDOW
            arrivals AS (PARTITION BY loan_id ORDER BY place),
            later AS (PARTITION BY loan_id ORDER BY place ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING),
            whole AS (PARTITION BY loan_id)
    ),
    written_off AS (
        SELECT loan_id, min(available_at) AS off_at FROM recoveries WHERE kind <> 'payment' GROUP BY loan_id
    ),
    shown AS (
        SELECT
            *,
            unnest(range(
                month,
                least(
                    coalesce(next_month, TIMESTAMP '9999-01-01'),
                    month + INTERVAL {SILENT_MONTHS} MONTHS,
                    TIMESTAMP '{as_of}' + INTERVAL 1 MICROSECOND
                ),
                INTERVAL 1 MONTH
            )) AS seen_at
        FROM states
        WHERE NOT repaid AND days_past_due < {late}
    ),
    seen AS (
        SELECT
            s.loan_id || '@' || strftime(s.seen_at, '%Y-%m') AS loan_month,
            s.loan_id, l.application_id, l.customer_id, coalesce(a.vehicle_id, '') AS vehicle_id,
            s.seen_at, s.turns_bad_at, s.followed_to,
            s.closed OR coalesce(w.off_at <= TIMESTAMP '{as_of}', false) AS ended,
            l.event_at + to_days(ceil(l.term_months * 30.4375)::INTEGER) AS matures_at
        FROM shown AS s
        JOIN loans AS l USING (loan_id)
        LEFT JOIN applications AS a USING (application_id)
        LEFT JOIN written_off AS w USING (loan_id)
        WHERE w.off_at IS NULL OR w.off_at > s.seen_at
    )"""
