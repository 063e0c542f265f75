"""The simulated lender's collateral: what is bought, for how much, and what it is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loanbook.world import words
from loanbook.world.arrays import DAY, HOUR, SECOND, Columns, Flags, Floats, Ints, cents
from loanbook.world.calendar import Calendar
from loanbook.world.chance import Topic, stream
from loanbook.world.people import MEDIAN_INCOME, Arrivals, People
from loanbook.world.spec import WorldSpec

PRICES: Floats = np.array([model.price for model in words.MODELS])
ELECTRIC: Flags = np.array([model.electric for model in words.MODELS])


@dataclass(frozen=True)
class Vehicles:
    """One vehicle per arrival, pledged or not: only auto loans use theirs."""

    model: Ints
    used: Flags
    age: Ints
    mileage_km: Floats
    fuel: Ints
    list_price: Floats
    value: Floats
    appraised_before: Ints


def choose(spec: WorldSpec, calendar: Calendar, arrivals: Arrivals, people: People) -> Vehicles:
    """Let everybody choose a vehicle near their income."""
    rng = stream(spec.seed, arrivals.month, Topic.VEHICLE)
    size = len(arrivals.customer)
    wealth = people.log_income[arrivals.customer] - np.log(MEDIAN_INCOME)
    rank = 5.5 + 4.5 * wealth + rng.normal(0, 2.4, size)
    model = np.clip(np.rint(rank), 0, len(PRICES) - 1).astype(np.int64)
    used = rng.random(size) < 0.45
    age = np.where(used, 1 + rng.poisson(3.2, size), 0)
    index = calendar.used_vehicle_index[arrivals.month] / 100
    worn = np.where(used, 0.86**age * index, 1.0)
    value = PRICES[model] * worn * np.exp(rng.normal(0, 0.06, size))
    asked = value * np.where(used, 1.08, 1.05) * np.exp(rng.normal(0, 0.03, size))
    fuel = np.where(ELECTRIC[model], 3, np.minimum(rng.poisson(0.25, size), 2))
    driven = np.where(used, rng.gamma(4.0, 3_600, size) * age, rng.integers(5, 80, size))
    return Vehicles(
        model=model,
        used=used,
        age=age.astype(np.int64),
        mileage_km=np.round(driven.astype(np.float64)),
        fuel=fuel.astype(np.int64),
        list_price=np.round(asked, -1),
        value=np.round(value, -1),
        appraised_before=rng.integers(8 * HOUR // SECOND, 3 * DAY // SECOND, size) * SECOND,
    )


def rows(numbers: Ints, event: Ints, vehicles: Vehicles, pledged: Flags) -> Columns:
    """Write down the pledged vehicles: appraised in the days before filing, known six hours later."""
    appraised = event - vehicles.appraised_before
    year = appraised.astype("M8[us]").astype("M8[Y]").astype(np.int64) + 1970
    columns = {
        "vehicle": numbers,
        "event": appraised,
        "available": appraised + 6 * HOUR,
        "model": vehicles.model,
        "year": year - vehicles.age,
        "condition": vehicles.used.astype(np.int64),
        "list_price": cents(vehicles.list_price),
        "value": cents(vehicles.value),
        "mileage_km": vehicles.mileage_km,
        "fuel": vehicles.fuel,
    }
    return {name: values[pledged] for name, values in columns.items()}
