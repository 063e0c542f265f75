from __future__ import annotations

import numpy as np

from loanbook.world import WorldSpec
from loanbook.world.calendar import add_months, draw
from loanbook.world.ledger import GIVEN_UP
from loanbook.world.outcomes import LAST_WITHIN
from loanbook.world.spec import LEAD


def test_a_day_that_the_month_lacks_becomes_its_last() -> None:
    dates = np.array(["2023-01-31", "2024-01-31", "2023-01-28", "2023-12-31"], dtype="M8[D]")
    moved = add_months(dates, np.array([1, 1, 1, 2]))
    assert (
        moved.tolist() == np.array(["2023-02-28", "2024-02-29", "2023-02-28", "2024-02-29"], "M8[D]").tolist()
    )


def test_the_tenth_payment_missed_falls_within_a_year_and_the_eleventh_outside_on_every_day() -> None:
    applied = np.arange(np.datetime64("2019-01-01"), np.datetime64("2028-01-01"))
    closes = add_months(applied, 12)
    given_up = np.timedelta64(GIVEN_UP, "D")
    for wait in range(4, 10):
        started = applied + np.timedelta64(wait, "D")
        assert (add_months(started, LAST_WITHIN) + given_up < closes).all()
        assert (add_months(started, LAST_WITHIN + 1) + given_up > closes).all()


def test_one_payment_missed_is_thirty_days_and_three_in_a_row_are_ninety() -> None:
    due = np.arange(np.datetime64("2019-01-01"), np.datetime64("2024-01-01"))
    first = add_months(due, 1)
    assert GIVEN_UP >= 30
    for row, days in ((2, 90), (3, 120)):
        late = add_months(due, 1 + row) + np.timedelta64(GIVEN_UP, "D") - first
        assert (late >= np.timedelta64(days, "D")).all()
    two = add_months(due, 2) + np.timedelta64(GIVEN_UP, "D") - first
    assert (two < np.timedelta64(90, "D")).all()


def test_volumes_add_up_and_no_month_is_empty() -> None:
    for applications in (2_000, 2_001, 777_777):
        volumes = draw(WorldSpec(applications=applications)).volumes
        assert volumes[1:61].sum() == applications
        assert (volumes[1:] > 0).all()
        assert len(volumes) == 61 + LEAD
