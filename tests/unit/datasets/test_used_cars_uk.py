from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

Row = dict[str, object]
LISTING: Row = {
    "model": " Golf",
    "year": 2017,
    "price": 12000,
    "transmission": "Semi-Auto",
    "mileage": 10000,
    "fuelType": "Petrol",
    "tax": 150,
    "mpg": 55.4,
    "engineSize": 1.4,
}


def test_a_listing_is_a_used_vehicle_at_the_price_asked(written: Callable[..., Any]) -> None:
    mapped = written("used_cars_uk", {"vw.csv": [LISTING], "merc.csv": [{**LISTING, "tax": 145}]})
    found = mapped.rows(
        "SELECT vehicle_id, event_at, make, model, model_year, condition, list_price, appraised_value, "
        "mileage_km, fuel, transmission, engine_litres, litres_100km, yearly_tax FROM vehicles ORDER BY 1"
    )
    assert [row[2] for row in found] == ["MERCEDES-BENZ", "VOLKSWAGEN"]
    assert found[1] == (
        "vw-1", datetime(2020, 7, 1), "VOLKSWAGEN", "GOLF", 2017, "used", Decimal("12000.00"), None,
        pytest.approx(16093.4), "petrol", "semi-auto", 1.4, pytest.approx(5.1), Decimal("150.00"),
    )  # fmt: skip


def test_an_engine_of_nothing_is_one_that_was_not_stated_unless_the_car_is_electric(
    written: Callable[..., Any],
) -> None:
    rows = [{**LISTING, "engineSize": 0}, {**LISTING, "engineSize": 0, "fuelType": "Electric"}]
    mapped = written("used_cars_uk", {"bmw.csv": rows})
    assert mapped.column("SELECT engine_litres FROM vehicles ORDER BY vehicle_id") == [None, 0.0]


def test_every_real_listing_is_a_row_of_one_of_nine_makes(real: Callable[[str], Any]) -> None:
    mapped = real("used_cars_uk")
    assert mapped.row("SELECT count(*), count(DISTINCT vehicle_id), count(DISTINCT make) FROM vehicles") == (
        99_187, 99_187, 9,
    )  # fmt: skip
    assert mapped.value("SELECT count(*) FROM vehicles WHERE list_price IS NULL OR mileage_km IS NULL") == 0
    # a year to come, and a car that would use a thousand litres for a hundred kilometres
    assert mapped.value("SELECT max(model_year) FROM vehicles") == 2060
    assert mapped.value("SELECT max(litres_100km) FROM vehicles") > 500
