"""features → refused: a feature of a price, where a price is what is to be learned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from loanbook.errors import LeakError
from loanbook.features.store import Service
from loanbook.training.frame import Frame
from loanbook.valuation.seen import PRICES


def refuse(
    known: Frame, service: Service, names: Iterable[str], reasons: Mapping[str, str]
) -> tuple[str, ...]:
    """Raise LeakError for a feature that is made of a vehicle's own price; give what is explained.

    What a vehicle is listed or appraised at is seen with the amount itself, so no screen by time could tell.
    A feature for which the dataset gives a reason, by its name, passes.
    """
    wanted = frozenset(names)
    priced = [
        one
        for one in service.features
        if one.name in wanted and any(column.partition(".")[2] in PRICES for column in one.columns)
    ]
    for one in priced:
        if one.name not in reasons:
            raise LeakError(
                f"{one.name} is made of {', '.join(one.columns)}: it holds the amount that is to be learned",
                where=known.path.parent.parent.name,
                right="Leave it out of the feature service, or explain it in the dataset",
            )
    return tuple(one.name for one in priced)
