"""The simulated lender's vehicles fall by 0.86 a year and stand at an index: a valuer must find that out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from loanbook import lake, lines
from loanbook.schema import TABLES
from loanbook.settings import ROOT, Settings
from loanbook.training import frame
from loanbook.valuation import making, valuer
from loanbook.world import words

from ..reviewing import order_of

FEATURES = ("vehicle_make", "vehicle_new", "vehicle_mileage_km", "vehicle_age_years", "vehicle_model")
YEAR = 0.86
NEAR = 0.06  # as the bench demands of a larger lender


def _published(settings: Settings, raw: Path, folder: Path) -> dict[str, Path]:
    """Write vehicles and months as they are published, without the rows that were made to be broken."""
    made = {}
    with lake.connect(settings) as connection:
        for name, sound in (("vehicles", "list_price > 0 AND appraised_value > 0"), ("market", "true")):
            files = lake.quoted(raw / name / "*.parquet")
            given = {one[0] for one in connection.sql(f"DESCRIBE FROM read_parquet('{files}')").fetchall()}
            names = ", ".join(_typed(one, given) for one in TABLES[name].columns)
            key, path = TABLES[name].key, folder / f"{name}.parquet"
            query = f"SELECT {names} FROM read_parquet('{files}') WHERE {sound} AND {key} IS NOT NULL"
            query += f" QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY available_at) = 1"
            lake.copy_out(connection, f"{query} ORDER BY {key}", path)
            made[name] = path
    return made


def _typed(column: Any, given: set[str]) -> str:
    value = f"TRY_CAST({column.name} AS {column.type})" if column.name in given else f"NULL::{column.type}"
    return f"{value} AS {column.name}"


def _history(settings: Settings, published: dict[str, Path], asked: pa.Table) -> pa.Table:
    """Compute the features by the recipes themselves, of each vehicle's one sighting."""
    with lake.connect(settings) as connection:
        lake.offer(connection, published)
        for name in ("vehicle", "vehicle_kind"):
            recipe = (ROOT / "loanbook" / "features" / f"{name}.sql").read_text(encoding="utf-8")
            connection.execute(f"CREATE TEMP TABLE made_{name} AS {recipe}")
        connection.register("asked", asked.select(["vehicle_id", "decided_at"]))
        return connection.sql(
            "SELECT v.* EXCLUDE (available_at), k.* EXCLUDE (vehicle_id, available_at) FROM asked "
            "JOIN made_vehicle AS v USING (vehicle_id) JOIN made_vehicle_kind AS k USING (vehicle_id) "
            "ORDER BY decided_at, vehicle_id"
        ).to_arrow_table()


@pytest.fixture(scope="module")
def valued(small_world: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give the valuer, the report's rows with what is true of them, and what each is told to be worth."""
    folder = tmp_path_factory.mktemp("valued")
    settings, line = Settings(home=folder / "home", threads=1), lines.find("vehicle_value")
    published = _published(settings, small_world.raw, folder)
    with lake.connect(settings) as connection:
        lake.offer(connection, published)
        last = connection.sql("SELECT max(available_at) FROM vehicles").fetchall()[0][0]
    seen = frame.outcomes(settings, published, line, last)
    history = _history(settings, published, seen)
    known = frame.freeze(settings, "world", line.grain, seen, history)
    order = order_of(line, known, FEATURES)
    made = making.make(settings, order, folder / "made")
    ready = making.prepare(order)
    return valuer.read(made.folder, expected=made.bundle), ready, _true(settings, published, ready.table)


def _true(settings: Settings, published: dict[str, Path], rows: pa.Table) -> Any:
    price = {f"{one.make} {one.model}".lower(): float(one.price) for one in words.MODELS}
    with lake.connect(settings) as connection:
        lake.offer(connection, published)
        connection.register("rows", rows.select(["vehicle_id", "decided_at"]))
        found = connection.sql(
            "SELECT lower(v.make || ' ' || v.model) AS kind, v.condition = 'used' AS used, "
            "year(v.event_at) - v.model_year AS age, m.used_vehicle_index / 100 AS index "
            "FROM rows AS r JOIN vehicles AS v USING (vehicle_id) "
            "LEFT JOIN market AS m ON m.month = strftime(v.event_at, '%Y-%m') "
            "ORDER BY r.decided_at, r.vehicle_id"
        ).fetchnumpy()
    base = np.array([price[str(kind)] for kind in found["kind"]])
    return base, np.asarray(found["used"], dtype=bool), np.asarray(found["age"], float), found["index"]


@pytest.mark.parametrize("months", [0, 12, 24, 36])
def test_values_come_near_the_simulated_truth_now_and_in_months(valued: Any, months: int) -> None:
    opened, ready, (price, used, age, index) = valued
    report = ready.split.rows("report")
    level, market = ready.level[report], ready.table["market"].to_numpy()[report]
    after = np.full(int(report.sum()), float(months))
    told = opened.ahead(ready.values[report], level, market, after, threads=1)[:, opened.middle]
    worn = YEAR ** (age + months / 12) * index
    true = (price * np.where(used | (months > 0), worn, 1.0))[report]
    away = float(np.median(np.abs(told / true - 1)))
    assert away <= NEAR
    assert float(np.median(told / true - 1)) == pytest.approx(0, abs=NEAR)


def test_of_values_to_come_the_interval_holds_what_it_says(valued: Any) -> None:
    opened, ready, _ = valued
    report = ready.split.rows("report")
    told = opened.now(ready.values[report], ready.level[report], threads=1)
    amount = ready.amount[report]
    assert np.mean((amount >= told[:, 0]) & (amount <= told[:, -1])) == pytest.approx(0.8, abs=0.06)
