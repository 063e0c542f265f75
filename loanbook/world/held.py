"""event → available: hold each row back until the month in which the lender can know it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from loanbook.world.arrays import Columns, join, take
from loanbook.world.calendar import Calendar


@dataclass
class Held:
    """Rows on their way, by month and table; what arrives after the last month is never known."""

    calendar: Calendar
    last_month: int
    waiting: dict[tuple[int, str], list[Columns]] = field(default_factory=lambda: defaultdict(list))

    def add(self, table: str, rows: Columns) -> None:
        """Take rows in. What was known before the first month opens the first file."""
        months = np.maximum(self.calendar.month_of(rows["available"]), 1)
        for month in np.unique(months):
            if month <= self.last_month:
                self.waiting[int(month), table].append(take(rows, months == month))

    def release(self, month: int, table: str) -> Columns | None:
        """Hand out what became available in a month, in order of arrival, or None."""
        parts = self.waiting.pop((month, table), None)
        if not parts:
            return None
        rows = join(parts)
        return take(rows, np.argsort(rows["available"], kind="stable"))
