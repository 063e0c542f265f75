"""features → candidate: the samples of a lot of offers, in each of which somebody was offered nothing."""

from __future__ import annotations

from datetime import datetime

from loanbook.errors import TrainingError
from loanbook.training import lots
from loanbook.training.lots import Flags, Names, Split, Times


def by_time(
    decided_at: Times, ripe_at: Times, customers: Names, treated: Flags, *, report_from: datetime | None
) -> Split:
    """Split the lot; TrainingError for a sample in which nobody was offered something, or nobody nothing."""
    split = lots.by_time(decided_at, ripe_at, customers, report_from=report_from)
    for name in lots.SAMPLES:
        arm = treated[split.rows(name)]
        if arm.all() or not arm.any():
            raise TrainingError(
                f"the {name} sample has {int(arm.sum())} offers and {int((~arm).sum())} controls",
                right="Draw more customers by lot, some of them to be offered nothing",
            )
    return split
