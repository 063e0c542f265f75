"""What may be known: show a person's plain values to somebody, for a purpose, on the record."""

from __future__ import annotations

from datetime import datetime

from loanbook.errors import PrivacyError
from loanbook.governance.ledger import of_home
from loanbook.privacy import keyring, vault
from loanbook.schema import TABLES, Purpose
from loanbook.settings import Settings

ACCESS = "access"


def reveal(
    settings: Settings,
    dataset: str,
    customer_id: str,
    *,
    purpose: Purpose,
    because: str,
    actor: str,
    at: datetime,
) -> dict[str, str]:
    """Give the values that serve the purpose; who saw what of whom, and why, stands in the ledger first."""
    if not because.strip():
        raise PrivacyError("nobody is shown to anybody without a reason", right="Say because of what")
    allowed = {
        column.name
        for column in TABLES["customers"].columns
        if column.reversible and purpose in column.purposes
    }
    if not allowed:
        raise PrivacyError(
            f"nothing that names a person serves {purpose}",
            where="loanbook/schema/tables.py, customers",
            right="Ask for a purpose that those columns have",
        )
    values = vault.plain(settings, dataset, customer_id)
    shown = {name: value for name, value in values.items() if name in allowed}
    body = {
        "dataset": dataset,
        "customer": keyring.opened(settings).token(dataset, customer_id),
        "columns": sorted(shown),
        "purpose": purpose.value,
        "because": because,
    }
    of_home(settings.home).append(ACCESS, actor, body, at)
    return shown
