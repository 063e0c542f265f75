"""validated → candidate: which amounts were seen, of which rows, at which index of the market."""

from __future__ import annotations

from datetime import datetime

from loanbook.errors import TrainingError
from loanbook.schema import TABLES, Amount, Line

OUTCOMES = ("priced", "unpriced")
# What tells nothing of what a vehicle is: its name, when it was seen, and what was paid or said of it.
PRICES = frozenset({"list_price", "appraised_value"})
ASIDE = PRICES | {"vehicle_id", "event_at", "available_at"}


def amount_of(line: Line) -> Amount:
    """Give the amount that a line predicts; TrainingError where it predicts none."""
    if isinstance(line.label, Amount):
        return line.label
    raise TrainingError(f"{line.name} predicts no amount", right="Ask a line of amounts")


def seen_sql(line: Line, *, as_of: datetime) -> str:
    """Write the query for one row per row of the amount's table, as it was first seen.

    Gives the line's key, decided_at, entered_at, ripe_at (an amount is whole when it is seen), `amount`,
    `market`, `level`, `alike` and `outcome`: priced or unpriced. `market` is the index over 100 as it was
    known then, 1 where none was. `level` is that by which an amount is told: the market's, but 1 for what is
    new, whose price is no used market's. `alike` is the same for rows that are the same in all but name, day
    and price.
    """
    label = amount_of(line)
    table, key = TABLES[label.table], line.grain.key
    if label.column not in table.names or label.column not in PRICES:
        raise TrainingError(
            f"{label.table} has no amount {label.column}", right=f"One of {', '.join(sorted(PRICES))}"
        )
    told = ", ".join(f"coalesce({name}::VARCHAR, '')" for name in table.names if name not in ASIDE)
    return f"""
    WITH months AS (
        SELECT available_at, arg_max({label.indexed}, (event_at, month)) / 100 AS level
        FROM market WHERE available_at <= TIMESTAMP '{as_of}' AND {label.indexed} > 0
        GROUP BY available_at
    ),
    seen AS (
        SELECT
            {key}, condition, available_at, {label.column}::DOUBLE AS amount,
            md5(concat_ws('|', {told})) AS alike
        FROM {table.name} WHERE available_at <= TIMESTAMP '{as_of}'
        QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY available_at, event_at, {label.column}) = 1
    )
    SELECT
        s.{key},
        s.available_at + INTERVAL {line.decision_days} DAYS AS decided_at,
        decided_at AS entered_at,
        decided_at AS ripe_at,
        s.amount,
        coalesce(m.level, 1) AS market,
        CASE WHEN s.condition = 'used' THEN market ELSE 1 END AS level,
        s.alike,
        CASE WHEN s.amount > 0 THEN 'priced' ELSE 'unpriced' END AS outcome
    FROM seen AS s ASOF LEFT JOIN months AS m ON s.available_at >= m.available_at
    ORDER BY decided_at, s.{key}
    """


def period_sql(line: Line, *, since: datetime, until: datetime) -> str:
    """Write the query for the rows that are valued in [since, until), priced or not."""
    rows = seen_sql(line, as_of=until)
    return f"""
    SELECT * FROM ({rows})
    WHERE decided_at >= TIMESTAMP '{since}' AND decided_at < TIMESTAMP '{until}'
    ORDER BY decided_at, {line.grain.key}
    """
