"""Vehicles that were drawn and priced, the order to learn their value, and the valuer that came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from loanbook import lines
from loanbook.settings import Settings
from loanbook.training import frame
from loanbook.training.orders import Candidate
from loanbook.valuation import making, valuer
from loanbook.valuation.valuer import Valuer

from ..reviewing import Place, order_of, publish

ROWS, TWICE = 3000, 150
AS_OF = datetime(2020, 7, 1)
MODELS = np.array(["swift", "polo", "golf", "astra", "q3"])
FEATURES = (
    "vehicle_make", "vehicle_new", "vehicle_mileage_km", "vehicle_age_years", "vehicle_model",
    "vehicle_engine_litres", "vehicle_fuel",
)  # fmt: skip


def _vehicles() -> dict[str, Any]:
    """Draw used vehicles; the last ones are the first ones over again, offered once more."""
    chance = np.random.default_rng(6)
    model, age = chance.integers(0, len(MODELS), ROWS), chance.integers(0, 12, ROWS)
    driven = np.round(chance.gamma(4.0, 3500, ROWS) * (age + 0.4))
    price = 9000 * 1.25**model * 0.87**age * np.exp(-driven / 4e5 + chance.normal(0, 0.07, ROWS))
    engine = np.where(chance.random(ROWS) < 0.1, np.nan, np.round(1 + 0.2 * model, 1))
    columns = {
        "make": np.where(model < 2, "suzuki", "volkswagen"),
        "model": MODELS[model],
        "model_year": 2020 - age,
        "condition": np.full(ROWS, "used"),
        "list_price": np.round(price, -1),
        "mileage_km": driven,
        "fuel": np.where(chance.random(ROWS) < 0.4, "diesel", "petrol"),
        "engine_litres": engine,
    }
    columns = {name: np.concatenate([values, values[:TWICE]]) for name, values in columns.items()}
    moments = np.full(ROWS + TWICE, AS_OF, dtype="datetime64[us]")
    named = np.array([f"V{n:05}" for n in range(ROWS + TWICE)])
    return columns | {"vehicle_id": named, "event_at": moments, "available_at": moments}


def _history(published: dict[str, Path], asked: pa.Table) -> pa.Table:
    """Give the features as the store would, in the order that was asked."""
    rows = parquet.read_table(published["vehicles"]).to_pandas().set_index("vehicle_id")
    rows = rows.loc[asked["vehicle_id"].to_pylist()]
    return pa.table(
        {
            "vehicle_id": asked["vehicle_id"],
            "vehicle_make": pa.array(rows["make"], pa.string()),
            "vehicle_new": pa.array([0.0] * len(rows)),
            "vehicle_mileage_km": pa.array(rows["mileage_km"], pa.float64()),
            "vehicle_age_years": pa.array(2020.5 - rows["model_year"], pa.float64()),
            "vehicle_model": pa.array(rows["make"] + " " + rows["model"], pa.string()),
            "vehicle_engine_litres": pa.array(rows["engine_litres"], pa.float64(), from_pandas=True),
            "vehicle_fuel": pa.array(rows["fuel"], pa.string()),
        }
    )


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("shop")
    settings = Settings(home=folder / "home", threads=1)
    line = lines.adapted(lines.find("vehicle_value"), {"column": "list_price", "drawn": True})
    published = {"vehicles": publish(settings, folder, "vehicles", _vehicles())}
    seen = frame.outcomes(settings, published, line, AS_OF)
    known = frame.freeze(settings, "shop", line.grain, seen, _history(published, seen))
    return Place(settings, line, published, order_of(line, known, FEATURES), AS_OF)


@pytest.fixture(scope="session")
def make(shop: Place, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Candidate]:
    return lambda: making.make(shop.settings, shop.order, tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="session")
def made(make: Callable[[], Candidate]) -> Candidate:
    return make()


@pytest.fixture(scope="session")
def opened(made: Candidate) -> Valuer:
    return valuer.read(made.folder, expected=made.bundle)


@pytest.fixture(scope="session")
def ready(shop: Place) -> making.Prepared:
    return making.prepare(shop.order)
