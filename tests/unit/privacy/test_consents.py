from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loanbook import lake
from loanbook.schema import TABLES, Purpose, consents
from loanbook.settings import Settings

ROWS = {
    "customers": [
        {"customer_id": "yes", "consent_marketing": True, "consent_bureau": True},
        {"customer_id": "no", "consent_marketing": False, "consent_bureau": False},
        {"customer_id": "silent"},
    ],
    "contacts": [{"contact_id": who, "customer_id": who} for who in ("yes", "no", "silent", "stranger")],
    "applications": [{"application_id": who, "customer_id": who} for who in ("yes", "no", "silent")],
    "bureau_reports": [{"report_id": who, "customer_id": who} for who in ("yes", "no", "silent", "stranger")],
    "loans": [{"loan_id": f"L{who}", "customer_id": who} for who in ("yes", "no")],
    "repayments": [{"repayment_id": who, "loan_id": f"L{who}"} for who in ("yes", "no")],
    "recoveries": [{"recovery_id": who, "loan_id": f"L{who}"} for who in ("yes", "no")],
    "vehicles": [{"vehicle_id": "V1"}],
    "market": [{"month": "2024-01"}],
}


def seen(tmp_path: Path, publish: Any, rows: Any, purpose: Purpose | None) -> dict[str, list[str]]:
    settings = Settings(home=tmp_path / "home", threads=1)
    with lake.connect(settings) as connection:
        lake.offer(connection, publish(tmp_path / "it's", rows), lambda column: True, purpose)
        return {
            name: [
                row[0]
                for row in connection.execute(f"SELECT {table.key} FROM {name} ORDER BY ALL").fetchall()
            ]
            for name, table in TABLES.items()
        }


def test_marketing_sees_only_who_agreed_and_what_is_theirs(tmp_path: Path, publish: Any) -> None:
    found = seen(tmp_path, publish, ROWS, Purpose.MARKETING)

    for name in ("customers", "contacts", "applications", "bureau_reports", "repayments", "recoveries"):
        assert found[name] == ["yes"], name
    assert found["loans"] == ["Lyes"]
    assert found["vehicles"] == ["V1"]
    assert found["market"] == ["2024-01"]


@pytest.mark.parametrize("purpose", [Purpose.UNDERWRITING, Purpose.FRAUD, Purpose.SERVICING])
def test_bureau_data_is_only_of_who_did_not_refuse_it(tmp_path: Path, publish: Any, purpose: Purpose) -> None:
    found = seen(tmp_path, publish, ROWS, purpose)

    assert found["bureau_reports"] == ["silent", "stranger", "yes"]
    assert found["customers"] == ["no", "silent", "yes"]
    assert found["contacts"] == ["no", "silent", "stranger", "yes"]
    assert found["repayments"] == ["no", "yes"]


def test_without_a_purpose_nobody_is_left_out(tmp_path: Path, publish: Any) -> None:
    found = seen(tmp_path, publish, ROWS, None)

    assert {name: len(keys) for name, keys in found.items() if keys} == {
        name: len(rows) for name, rows in ROWS.items()
    }


def test_where_nobody_says_who_agreed_marketing_sees_nobody(tmp_path: Path, publish: Any) -> None:
    rows = {name: given for name, given in ROWS.items() if name != "customers"}

    found = seen(tmp_path, publish, rows, Purpose.MARKETING)

    assert {name for name, keys in found.items() if keys} == {"vehicles", "market"}
    assert len(seen(tmp_path, publish, rows, Purpose.FRAUD)["bureau_reports"]) == 4


def test_every_table_that_says_something_of_a_person_is_filtered_for_marketing() -> None:
    free = {name for name in TABLES if consents.rows(name, Purpose.MARKETING, lambda table: table) is None}

    assert free == {"vehicles", "market"}
