"""What may be known: who was erased doesn't come back when their rows are delivered once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loanbook.intake.engine import ident
from loanbook.privacy import keyring, retention, rewriting, tokens, vault
from loanbook.schema import TABLES
from loanbook.settings import Settings

if TYPE_CHECKING:
    import duckdb


def barred(
    connection: duckdb.DuckDBPyConnection, settings: Settings, dataset: str, table: str, query: str
) -> tuple[str, int]:
    """Take out of a query's rows what an erasure takes out of this table; give how many rows went.

    What law demands stays under the token. Where nobody was erased, nothing is done.
    """
    rule = retention.read(settings.repo).rules[table] if _anybody(settings, table) else None
    if rule is None or rule.erasure == "none":
        return query, 0
    sealer = tokens.open(settings)
    condition = sealer.erased(dataset, "customer_id")
    assert condition is not None
    sealer.arm(connection)
    if rule.erasure == "delete":
        gone = connection.execute(f"SELECT count(*) FROM ({query}) WHERE {condition}").fetchall()
        return f"SELECT * FROM ({query}) WHERE NOT {condition}", int(gone[0][0])
    names = [str(row[0]) for row in connection.execute(f"DESCRIBE {query}").fetchall()]
    values = rewriting.tokenised(table, rule.keeps, sealer.remnant(dataset, "customer_id"), names)
    shown = ", ".join(
        f"CASE WHEN {condition} THEN {values[name]} ELSE {ident(name)} END AS {ident(name)}"
        if name in values
        else ident(name)
        for name in names
    )
    return f"SELECT {shown} FROM ({query})", 0


def _anybody(settings: Settings, table: str) -> bool:
    """Say whether the table belongs to customers, and any of them was erased."""
    if "customer_id" not in TABLES[table].names or not keyring.begun(settings):
        return False
    return bool(vault.erased(settings))
