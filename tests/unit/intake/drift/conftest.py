"""A lender of one source, whose rows a test draws, changes and delivers again."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from loanbook.intake import mapping, raw
from loanbook.intake.drift import profiles
from loanbook.intake.drift.drifted import Drift, find
from loanbook.intake.drift.profiles import Profile
from loanbook.intake.mapping import Dataset
from loanbook.settings import Settings

TOML = """
name = "shop"
title = "A lender of one source"
currency = "EUR"
country = "DE"
licence = "made up"

[raw.asked]
files = ["*.{format}"]
format = "{format}"
union_by_name = {union}
[raw.asked.columns]
id = "VARCHAR"
day = "TIMESTAMP"
amount = "DECIMAL(18,2)"
"""
SQL = """
SELECT id AS application_id, day AS event_at, day AS available_at, who AS customer_id, 'consumer' AS product,
       amount, income AS declared_income, channel, phone AS device_id,
       try_strptime(born, '%Y-%m-%d') AS known, term AS term_months, _file, _row, _broken
FROM raw.asked
"""
Row = dict[str, Any]


@dataclass(frozen=True)
class Shop:
    """The lender's folders; a batch is delivered alone."""

    root: Path
    format: str = "csv"
    union: bool = False

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        toml = TOML.format(format=self.format, union=str(self.union).lower())
        (self.folder / "dataset.toml").write_text(toml, encoding="utf-8")
        (self.folder / "applications.sql").write_text(SQL, encoding="utf-8")

    @property
    def folder(self) -> Path:
        return self.root / "dataset"

    @property
    def dataset(self) -> Dataset:
        return mapping.load(self.folder)

    @property
    def settings(self) -> Settings:
        return Settings(home=self.root / "home", threads=2)

    def deliver(self, rows: list[Row], types: Mapping[str, str] | None = None) -> Path:
        """Write a batch of its own; Parquet with the types named."""
        data = self.root / f"data{len(list(self.root.iterdir()))}"
        data.mkdir()
        file = data / "asked.csv"
        with file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        if self.format == "parquet":
            casts = ", ".join(f'"{name}"::{kind} AS "{name}"' for name, kind in (types or {}).items())
            replaced = f" REPLACE ({casts})" if casts else ""
            with duckdb.connect() as connection:
                connection.execute(
                    f"COPY (SELECT *{replaced} FROM read_csv('{file}', all_varchar = true)) "
                    f"TO '{data / 'asked.parquet'}' (FORMAT parquet)"
                )
            file.unlink()
        return data

    def profile(self, rows: list[Row], types: Mapping[str, str] | None = None) -> Mapping[str, Profile]:
        deliveries = raw.survey(self.dataset, self.deliver(rows, types))
        return profiles.take(self.settings, self.dataset, deliveries)

    def drifts(self, before: list[Row], now: list[Row]) -> tuple[Drift, ...]:
        return find(self.dataset, self.profile(before), self.profile(now))

    def stops(self, before: list[Row], now: list[Row]) -> list[Drift]:
        return self.stops_of(self.profile(before), now)

    def stops_of(self, before: Mapping[str, Profile], now: list[Row]) -> list[Drift]:
        drifts = find(self.dataset, before, self.profile(now))
        return [drift for drift in drifts if drift.severity == "stop"]

    @staticmethod
    def drawn(seed: int, count: int) -> list[Row]:
        """Draw honest rows."""
        chance = random.Random(seed)
        return [
            {
                "id": f"A{seed:03d}{number:06d}",
                "who": f"C{chance.randrange(10**7):08d}",
                "day": f"2024-0{1 + number % 9}-1{number % 10} 10:00:00",
                "amount": f"{chance.lognormvariate(9, 0.7):.2f}",
                "income": f"{chance.lognormvariate(11, 0.5):.2f}",
                "km": f"{chance.lognormvariate(10.5, 0.4):.0f}",
                "late": str(max(0, int(chance.gauss(-1, 1.5)))),
                "channel": chance.choices(["web", "branch", "phone"], [5, 3, 2])[0],
                "term": chance.choice(["12", "24", "36"]),
                "born": str(date(1950, 1, 1) + timedelta(chance.randrange(18_000))),
                "phone": f"0{chance.randrange(10**9, 10**10)}",
                "name": chance.choice(["Ada", "Bo", "Cy"]) + " " + chance.choice(["Stone", "Reed", "Hill"]),
            }
            for number in range(count)
        ]

    @staticmethod
    def changed(rows: list[Row], column: str, change: Callable[[str], object]) -> list[Row]:
        """Change a column of every row."""
        return [row | {column: change(row[column])} for row in rows]

    def scaled(self, rows: list[Row], column: str, factor: float, share: float = 1.0) -> list[Row]:
        """Multiply a column in a share of the rows."""
        chance = random.Random(5)
        return self.changed(
            rows, column, lambda value: f"{float(value) * (factor if chance.random() < share else 1):.6f}"
        )


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A lender of one CSV."""
    return Shop(tmp_path)


@pytest.fixture
def two_shops(tmp_path: Path) -> tuple[Shop, Shop]:
    """Two lenders, each with a vault of its own."""
    return Shop(tmp_path / "one"), Shop(tmp_path / "two")


@pytest.fixture
def open_shop(tmp_path: Path) -> Callable[..., Shop]:
    """Open a lender of another kind."""
    return lambda **kinds: Shop(tmp_path / "other", **kinds)
