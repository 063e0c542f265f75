"""The operator's face: what stands, and whether the ledger holds."""

from __future__ import annotations

import os
import sys
from typing import Any

from cyclopts import App

from loanbook.cli import app
from loanbook.cli.face import Common, Told, tell
from loanbook.cli.work import NO_COMMON
from loanbook.settings import Settings

ledger_app = App(name="ledger", help="The append-only book of every review, signature and promotion.")
app.command(ledger_app)


@ledger_app.command
def verify(*, common: Common = NO_COMMON) -> None:
    """Walk the whole chain: any changed, removed, reordered or inserted entry is named. Exit code 1 if so."""
    from loanbook.governance.ledger import of_home

    book = of_home(Settings.read(os.environ).home)
    report = book.verify()
    told: dict[str, Any] = {"entries": report.entries, "holds": "yes" if report.holds else "no"}
    if not report.holds:
        told |= {"first broken entry": report.broken, "why": report.why}
    tell(Told("The ledger", told, {"ledger": book.path}), as_json=common.json)
    if not report.holds:
        sys.exit(1)


@app.command
def status(*, common: Common = NO_COMMON) -> None:
    """Say what is published, which versions stand, who is champion and what waits for whom."""
    from loanbook import standing
    from loanbook.cli.pages import pages
    from loanbook.governance import champions
    from loanbook.governance.ledger import of_home
    from loanbook.intake import book

    settings = Settings.read(os.environ)
    entries = of_home(settings.home).entries()
    models = sorted({str(entry.body["model"]) for entry in entries if "model" in entry.body})
    told: dict[str, Any] = {"home": settings.home, "environment": settings.environment}
    for path in sorted(settings.home.glob("lake/*/catalog/book.json")):
        stands = book.read(settings, path.parents[1].name)
        told[f"published: {stands.dataset}"] = f"{stands.publication[:16]}, {len(stands.batches)} batches"
    for model in models:
        record = champions.current(entries, model, settings.environment)
        told[f"{model}: champion"] = f"version {record.body['version']}" if record else "nobody"
        told[f"{model}: waiting"] = ", ".join(_waiting(entries, model)) or "nothing"
    told["ledger"] = f"{len(entries)} entries"
    tell(Told("Status", told, {}, pages(settings, standing.find(settings))), as_json=common.json)


def _waiting(entries: Any, model: str) -> list[str]:
    """Name the reviewed versions that nobody signed or promoted yet."""
    decided = {
        entry.body["version"]
        for entry in entries
        if entry.kind in ("promotion", "withdrawal") and entry.body.get("model") == model
    }
    reviewed = {
        entry.body["version"] for entry in entries if entry.kind == "review" and entry.body["model"] == model
    }
    return [f"version {version}" for version in sorted(reviewed - decided)]
