"""Vehicles that were drawn and priced, the order to learn their value, and the valuer that came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from loanbook import lake, lines
from loanbook.governance.stored import Stored
from loanbook.schema import TABLES, Line
from loanbook.settings import Settings
from loanbook.training import frame
from loanbook.training.orders import Candidate, Order
from loanbook.valuation import making, valuer
from loanbook.valuation.valuer import Valuer

ROWS, TWICE = 3000, 150
AS_OF = datetime(2020, 7, 1)
MODELS = np.array(["swift", "polo", "golf", "astra", "q3"])
FEATURES = (
    "vehicle_make", "vehicle_new", "vehicle_mileage_km", "vehicle_age_years", "vehicle_model",
    "vehicle_engine_litres", "vehicle_fuel",
)  # fmt: skip


def _vehicles() -> pa.Table:
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
    table = pa.table({name: pa.array(values, from_pandas=True) for name, values in columns.items()})
    size = table.num_rows
    table = table.append_column("vehicle_id", pa.array([f"V{n:05}" for n in range(size)]))
    return table.append_column("event_at", pa.array([AS_OF] * size, pa.timestamp("us")))


def _published(settings: Settings, folder: Path) -> dict[str, Path]:
    """Write the vehicles as they are published: every column of the schema, in its type."""
    rows = _vehicles()
    names = ", ".join(
        f"{column.name if column.name in rows.column_names else 'NULL'}::{column.type} AS {column.name}"
        if column.name != "available_at"
        else "event_at AS available_at"
        for column in TABLES["vehicles"].columns
    )
    with lake.connect(settings) as connection:
        connection.register("rows", rows)
        lake.copy_out(
            connection, f"SELECT {names} FROM rows ORDER BY vehicle_id", folder / "vehicles.parquet"
        )
    return {"vehicles": folder / "vehicles.parquet"}


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


@dataclass(frozen=True)
class Shop:
    """A place where vehicles were offered: what is published of it, and what a valuer is ordered from."""

    settings: Settings
    line: Line
    published: dict[str, Path]
    order: Order

    def stored(self, made: Candidate, **otherwise: Any) -> Stored:
        """Give what a review is handed; what is named is other than it was made."""
        plain = Stored(
            bundle=made.folder,
            bundle_digest=made.bundle,
            predictions=made.predictions,
            predictions_digest=made.predictions_digest,
            frame=self.order.frame,
            published=self.published,
            absent_columns={},
            line=self.line,
            as_of=AS_OF,
        )
        return replace(plain, **otherwise)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    settings = Settings(home=folder / "home", threads=1)
    line = lines.adapted(lines.find("vehicle_value"), {"column": "list_price", "drawn": True})
    published = _published(settings, folder)
    seen = frame.outcomes(settings, published, line, AS_OF)
    known = frame.freeze(settings, "shop", line.grain, seen, _history(published, seen))
    order = Order(
        line=line,
        frame=known.path,
        frame_digest=known.digest,
        service="5e" * 32,
        features=FEATURES,
        report_from=None,
        seed=7,
        threads=1,
    )
    return Shop(settings, line, published, order)


@pytest.fixture(scope="session")
def make(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Candidate]:
    return lambda: making.make(shop.settings, shop.order, tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="session")
def made(make: Callable[[], Candidate]) -> Candidate:
    return make()


@pytest.fixture(scope="session")
def opened(made: Candidate) -> Valuer:
    return valuer.read(made.folder, expected=made.bundle)


@pytest.fixture(scope="session")
def ready(shop: Shop) -> making.Prepared:
    return making.prepare(shop.order)
