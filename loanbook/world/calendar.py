"""The simulated lender's calendar: months, volumes and the economy around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loanbook.world.arrays import DAY, Columns, Floats, Ints
from loanbook.world.chance import Topic, stream
from loanbook.world.spec import LEAD, WorldSpec

PUBLISHED = 12 * DAY  # a month's figures come out in the middle of the next


@dataclass(frozen=True)
class Calendar:
    """The economy by month, and how many apply; position 0 is the month before the first."""

    first: np.datetime64
    used_vehicle_index: Floats
    policy_rate: Floats
    unemployment: Floats
    volumes: Ints

    def start_of(self, month: int) -> int:
        """Give a month's first microsecond."""
        return int((self.first + np.timedelta64(month - 1, "M")).astype("M8[us]").astype(np.int64))

    def month_of(self, times: Ints) -> Ints:
        """Number the months of microseconds, from 1."""
        months = times.astype("M8[us]").astype("M8[M]") - self.first
        return months.astype(np.int64) + 1


def draw(spec: WorldSpec) -> Calendar:
    """Draw the whole calendar from the seed."""
    rng = stream(spec.seed, 0, Topic.MACRO)
    size = spec.months + LEAD + 1
    wave = np.sin(np.arange(size) * 2 * np.pi / 42)
    return Calendar(
        first=np.datetime64(spec.start, "M"),
        used_vehicle_index=np.round(100 + 9 * wave + np.cumsum(rng.normal(-0.12, 0.8, size)), 2),
        policy_rate=np.round(np.clip(0.038 + 0.003 * wave + rng.normal(0, 2e-4, size), 0.01, None), 4),
        unemployment=np.round(0.052 - 0.003 * wave + rng.normal(0, 4e-4, size), 4),
        volumes=_volumes(spec),
    )


def market(calendar: Calendar, month: int) -> Columns:
    """Publish the figures of one month, once it has ended."""
    event = np.array([calendar.start_of(month + 1) - DAY], dtype=np.int64)
    return {
        "month": np.array([month], dtype=np.int64),
        "event": event,
        "available": event + PUBLISHED,
        "used_vehicle_index": calendar.used_vehicle_index[[month]],
        "policy_rate": calendar.policy_rate[[month]],
        "unemployment": calendar.unemployment[[month]],
    }


def add_months(dates: NDArray[np.datetime64], months: Ints | int) -> NDArray[np.datetime64]:
    """Move dates by months; a day that the month lacks becomes its last."""
    month = dates.astype("M8[M]")
    target = month + np.asarray(months).astype("m8[M]")
    day = dates - month.astype("M8[D]")
    last = (target + 1).astype("M8[D]") - np.timedelta64(1, "D")
    moved: NDArray[np.datetime64] = np.minimum(target.astype("M8[D]") + day, last)
    return moved


def _volumes(spec: WorldSpec) -> Ints:
    """Share the applications out: a slow growth, a quiet month at new year, and never a month empty."""
    months = np.arange(1, spec.months + LEAD + 1)
    weight = 1 + 0.5 * months / spec.months + 0.12 * np.sin(months * 2 * np.pi / 12)
    upto = np.rint(np.cumsum(weight) / weight[: spec.months].sum() * spec.applications).astype(np.int64)
    return np.concatenate([[0], np.diff(upto, prepend=0)])
