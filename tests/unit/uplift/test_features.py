"""What an offer may know follows from the contacts, applications and loans, as they became known."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from loanbook import lake
from loanbook.settings import ROOT, Settings

from ..reviewing import publish

DAY = datetime(2024, 1, 1)


def _made(settings: Settings, paths: dict[str, Path]) -> list[dict[str, Any]]:
    recipe = (ROOT / "loanbook" / "features" / "outreach.sql").read_text(encoding="utf-8")
    with lake.connect(settings) as connection:
        lake.offer(connection, paths)
        found: list[dict[str, Any]] = (
            connection.sql(f"SELECT * FROM ({recipe}) ORDER BY available_at").to_arrow_table().to_pylist()
        )
        return found


def test_dealings_are_told_as_they_became_known(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", threads=1)
    contacts = {
        "contact_id": ["O1", "O2", "O3"],
        "customer_id": ["C"] * 3,
        "event_at": [DAY] * 3,
        "available_at": [DAY + timedelta(days=n) for n in (10, 20, 40)],
        "offer": ["Top_Up", "rate_cut", "none"],
        "limit_amount": [9000.0, 4000.0, None],
        "rate": [0.08, 0.12, None],
        "randomised": [False, True, True],
        "response": [True, False, None],
    }
    applications = {
        "application_id": ["A1", "A2"],
        "customer_id": ["C", "C"],
        "event_at": [DAY] * 2,
        "available_at": [DAY, DAY + timedelta(days=30)],
        "product": ["auto", "consumer"],
    }
    loans = {
        "loan_id": ["L1"],
        "application_id": ["A1"],
        "customer_id": ["C"],
        "event_at": [DAY],
        "available_at": [DAY + timedelta(days=10)],
    }
    paths = {
        name: publish(settings, tmp_path, name, columns)
        for name, columns in (("contacts", contacts), ("applications", applications), ("loans", loans))
    }
    names = (
        "outreach_contacts", "outreach_answer_share", "outreach_last_offer", "outreach_last_limit",
        "outreach_last_rate", "outreach_applications", "outreach_auto_share", "outreach_loans",
        "outreach_lent_share",
    )  # fmt: skip
    rows = _made(settings, paths)
    assert [(row["available_at"] - DAY).days for row in rows] == [0, 10, 20, 30, 40]
    assert [tuple(row[name] for name in names) for row in rows] == [
        (0, None, None, None, None, 1, 1, 0, 0),
        (1, 1, "top_up", 9000, 0.08, 1, 1, 1, 1),
        (2, 0.5, "top_up", 9000, 0.08, 1, 1, 1, 1),
        (2, 0.5, "top_up", 9000, 0.08, 2, 0.5, 1, 0.5),
        (3, 0.5, "top_up", 9000, 0.08, 2, 0.5, 1, 0.5),
    ]
