"""validated → candidate: which dose a lot gave to whom, what was drawn of it, and whether it was repaid."""

from __future__ import annotations

from datetime import datetime

from loanbook.errors import TrainingError
from loanbook.schema import TABLES, Line, Response

OUTCOMES = ("defaulted", "kept", "unripe", "unfollowed", "chosen")
# What trains and judges nothing: what was set by judgement is confounded with why it was set.
ASIDE = ("unfollowed", "chosen")
RIPE = ("defaulted", "kept")
MONTH = 30.4375  # days


def response_of(line: Line) -> Response:
    """Give the response that a line predicts; TrainingError where it predicts none."""
    if isinstance(line.label, Response):
        return line.label
    raise TrainingError(f"{line.name} predicts no response", right="Ask a line of limits")


def needed(line: Line) -> tuple[str, str]:
    """Name the tables without which there is no outcome."""
    label = response_of(line)
    return label.table, label.told


def doses_sql(line: Line, *, as_of: datetime) -> str:
    """Write the query for one row per dose: its keys, terms, and both outcomes.

    Gives the line's key, customer_id, decided_at, entered_at, ripe_at, `dose`, `price`, `balance`, `bad` and
    `outcome`: defaulted or kept; unripe (its window isn't over and ripened at `as_of`), unfollowed (a month
    is missing, or the terms weren't written down) or chosen (not drawn by lot). It is decided on when it is
    set. Months are missing at the end alone where a balance of nothing says that it was closed, or a default
    that it was written off: then the last balance stands for them.
    """
    label = response_of(line)
    key, months = TABLES[label.table].key, label.window_months
    return f"""
    WITH windowed AS (
        SELECT
            {key}, customer_id, event_at,
            event_at + INTERVAL {line.decision_days} DAYS AS decided_at,
            event_at + INTERVAL {months} MONTHS AS window_end,
            window_end + INTERVAL {label.ripening_months} MONTHS AS ripe_at,
            {label.dose}::DOUBLE AS dose, {label.price}::DOUBLE AS price,
            coalesce({label.by_lot}, false) AS drawn
        FROM {label.table} WHERE available_at <= TIMESTAMP '{as_of}'
    ),
    months AS (
        SELECT
            w.{key}, s.{label.balance} AS balance, s.{label.late} AS late,
            round(date_diff('hour', w.event_at, s.event_at) / 24 / {MONTH})::INTEGER AS month
        FROM windowed AS w JOIN {label.told} AS s USING ({key})
        WHERE s.available_at <= TIMESTAMP '{as_of}' AND s.event_at > w.event_at AND s.event_at <= w.window_end
    ),
    told AS (
        SELECT
            {key},
            count(*) AS told,
            least(count(balance), count(late), count(DISTINCT month)) = count(*) AS whole,
            max(month) AS last_month,
            sum(balance) AS owed,
            arg_max(balance, month) AS left_at_last,
            bool_or(late >= {label.days_past_due}) AS bad
        FROM months GROUP BY {key}
    )
    SELECT
        w.{key}, w.customer_id, w.decided_at, w.decided_at AS entered_at, w.ripe_at, w.dose, w.price,
        (t.owed + ({months} - t.told) * t.left_at_last)::DOUBLE / {months} AS balance,
        coalesce(t.bad, false) AS bad,
        CASE
            WHEN NOT w.drawn THEN 'chosen'
            WHEN w.ripe_at > TIMESTAMP '{as_of}' THEN 'unripe'
            WHEN w.dose IS NULL OR w.dose <= 0 OR w.price IS NULL THEN 'unfollowed'
            WHEN NOT coalesce(t.whole AND t.told = t.last_month, false) THEN 'unfollowed'
            WHEN t.told < {months} AND NOT t.bad AND t.left_at_last > 0 THEN 'unfollowed'
            WHEN t.bad THEN 'defaulted'
            ELSE 'kept'
        END AS outcome
    FROM windowed AS w LEFT JOIN told AS t USING ({key})
    ORDER BY w.decided_at, w.{key}
    """
