"""A home with a vault in it, and customers to keep."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from loanbook.schema import TABLES
from loanbook.settings import ROOT, Secret, Settings

COLUMNS = ("customer_id", "name", "phone", "address")
PEOPLE = (
    ("C1", "张伟", "138 0000 0001", "12 Somewhere Road"),
    ("C2", 'Ann "the \\ cat"\n', "138 0000 0002", None),
    ("C3", None, None, None),
)


def drawn() -> str:
    """Draw a master key as it is given."""
    return base64.b64encode(os.urandom(32)).decode()


def with_keys(settings_home: Path, *keys: str) -> Settings:
    return Settings(home=settings_home, threads=2, master_key=Secret(",".join(keys)))


def batches(people: Sequence[Sequence[str | None]], size: int = 1000) -> list[pa.RecordBatch]:
    columns = zip(*people, strict=True)
    table = pa.table(
        {name: pa.array(column, pa.string()) for name, column in zip(COLUMNS, columns, strict=True)}
    )
    return list(table.to_batches(max_chunksize=size))


def everything(home: Path) -> bytes:
    """All bytes of all files of a home folder."""
    return b"\0".join(path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file())


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home, threads=2)


TOML = """
name = "tiny"
title = "A tiny lender"
currency = "EUR"
country = "DE"
licence = "made up"
"""
SOURCES = {
    "customers": "customer_id,name,phone,birth_date,region,consent_marketing",
    "applications": "application_id,customer_id,product,amount,purpose,device_id,free_text,vehicle_id",
    "loans": "loan_id,application_id,customer_id,product,principal,rate",
    "repayments": "repayment_id,loan_id,due_amount,paid_amount",
    "transactions": "transaction_id,customer_id,amount,direction",
    "links": "link_id,customer_id,kind,shared_key",
}
CLOCKS = "event_at,available_at"
BLOCKS = {"some_rows", "few_held", "readable", "customer_id_known", "amount_positive", "amount_given"}


def day(year: int) -> str:
    return f"{year}-05-04 08:00:00"


def raw_rows(customers: Sequence[int], year: int) -> dict[str, list[str]]:
    """Write some customers with all that they did in a year, two of each."""
    clock = f"{day(year)},{day(year)}"
    rows: dict[str, list[str]] = {name: [] for name in SOURCES}
    for n in customers:
        rows["customers"].append(f"C{n},Name{n} Canary,0170-{n:07},1980-01-02,R{n % 3},true,{clock}")
        for k in (1, 2):
            own, tag = f"C{n}", f"{year}-{n}-{k}"
            amount = -5 if (n, k) == (3, 2) else 100 + n
            rows["applications"].append(
                f"A{tag},{own},consumer,{amount},car,device-{n}-Canary,text of {own},,{clock}"
            )
            rows["loans"].append(f"L{tag},A{tag},{own},consumer,{100 + n},0.1,{clock}")
            rows["repayments"].append(f"R{tag},L{tag},10,10,{clock}")
            rows["transactions"].append(f"T{tag},{own},5,in,{clock}")
            rows["links"].append(f"K{tag},{own},phone,0170-{n:07},{clock}")
    return rows


@dataclass
class Lender:
    """A dataset folder, raw files, a home; what intake does, as one call."""

    root: Path
    suites: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.folder.exists():
            return
        self.folder.mkdir(parents=True)
        sections = [
            f'[raw.{name}]\nfiles = ["{name}*.csv"]\nformat = "csv"\nnull = [""]\n'
            f"columns = {{ {', '.join(_typed(name, column) for column in self.columns(name))} }}\n"
            for name in SOURCES
        ]
        (self.folder / "dataset.toml").write_text(TOML + "\n" + "\n".join(sections))
        for name in SOURCES:
            names = ", ".join(self.columns(name))
            (self.folder / f"{name}.sql").write_text(f"SELECT {names}, _file, _row, _broken FROM raw.{name}")

    @staticmethod
    def columns(name: str) -> list[str]:
        return f"{SOURCES[name]},{CLOCKS}".split(",")

    @property
    def folder(self) -> Path:
        return self.root / "dataset"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def settings(self) -> Settings:
        return Settings(home=self.root / "home", threads=2, actor="erin")

    @property
    def dataset(self) -> Any:
        from loanbook.intake import mapping

        return mapping.load(self.folder)

    def deliver(self, rows: Mapping[str, Sequence[str]], number: int = 1) -> None:
        self.data.mkdir(exist_ok=True)
        for name, lines in rows.items():
            if lines:
                head = f"{SOURCES[name]},{CLOCKS}"
                (self.data / f"{name}_{number}.csv").write_text("\n".join([head, *lines]) + "\n")

    def publish(self) -> Any:
        from loanbook.intake import raw, snapshots

        deliveries = raw.survey(self.dataset, self.data)
        return self.published(snapshots.freeze(self.settings, self.dataset, deliveries, as_of=None))

    def published(self, reading: Any) -> Any:
        from loanbook.intake import publishing
        from loanbook.intake.judging import quality

        verdicts = [
            quality.judge(self.settings, self.dataset, reading, self.suites[each.table])
            for each in reading.snapshots
        ]
        return publishing.publish(self.settings, self.dataset, reading, self.suites, verdicts)

    def again(self, stands: Any) -> Any:
        """Publish a book as it stands."""
        from loanbook.intake import readings

        return self.published(readings.reading_of(self.settings, stands, before=stands.digest))

    def rows(self, query: str) -> list[Any]:
        with duckdb.connect() as connection:
            return connection.execute(query).fetchall()


def _typed(table: str, column: str) -> str:
    return f"{column} = {json.dumps(TABLES[table].column(column).type)}"


@pytest.fixture(scope="session")
def lean_suites() -> Mapping[str, Any]:
    """The shipped suites with a few of their rules: Great Expectations takes some 20 ms a rule."""
    from loanbook.intake.judging import quality

    return {
        table: replace(
            suite,
            rules=tuple(rule for rule in suite.rules if rule.id in BLOCKS),
            digest=f"lean {suite.digest}",
        )
        for table, suite in quality.load_suites(ROOT / "expectations").items()
    }


@pytest.fixture(scope="session")
def delivered(tmp_path_factory: pytest.TempPathFactory, lean_suites: Mapping[str, Any]) -> Path:
    """A lender who was delivered twice: customers 1 to 30 in 2020, 5 and 31 to 40 in 2021."""
    made = Lender(tmp_path_factory.mktemp("lender"), lean_suites)
    made.deliver(raw_rows(range(1, 31), 2020))
    made.publish()
    made.deliver(raw_rows([5, *range(31, 41)], 2021), 2)
    made.publish()
    return made.root


@pytest.fixture
def lender(tmp_path: Path, delivered: Path, lean_suites: Mapping[str, Any]) -> Lender:
    """A copy of that lender, to do with as a test likes."""
    shutil.copytree(delivered, tmp_path / "lender")
    return Lender(tmp_path / "lender", lean_suites)
