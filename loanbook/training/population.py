"""features → candidate: who is judged and when: an application as it is decided, or a loan month by month."""

from __future__ import annotations

from datetime import datetime, timedelta

from loanbook.response import doses
from loanbook.schema import Amount, Line, Recurring, Response, Uplift
from loanbook.training import labels, loan_months
from loanbook.uplift import lot
from loanbook.valuation import seen

YEAR = timedelta(days=365)
TICK = timedelta(microseconds=1)


def outcomes_sql(line: Line, *, as_of: datetime) -> str:
    """Write the query for what a training set is drawn from: each row's keys, moments and outcome."""
    match line.label:
        case Recurring():
            return loan_months.outcomes_sql(line, line.label, as_of=as_of)
        case Amount():
            return seen.seen_sql(line, as_of=as_of)
        case Uplift():
            return lot.lot_sql(line, as_of=as_of)
        case Response():
            return doses.doses_sql(line, as_of=as_of)
        case _:
            return labels.outcomes_sql(line, as_of=as_of)


def asked_sql(line: Line, *, since: datetime, until: datetime) -> str:
    """Write the query for every row of the line that is decided in [since, until)."""
    if isinstance(line.label, Recurring):
        return loan_months.book_sql(line, line.label, since=since, until=until, every_months=1)
    return labels.applications_sql(line, since=since, until=until)


def drawn_sql(line: Line, *, since: datetime, until: datetime) -> str:
    """Write the query for the rows of [since, until) as a training set draws them."""
    if isinstance(line.label, Recurring):
        every = line.label.every_months
        return loan_months.book_sql(line, line.label, since=since, until=until, every_months=every)
    return asked_sql(line, since=since, until=until)


def since(line: Line, until: datetime) -> datetime:
    """Say from when on is scored by default: a year of applications, or the book as it last stood."""
    if line.recurs:
        return (until - TICK).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return until - YEAR
