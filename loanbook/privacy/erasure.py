"""What may be known: erase a customer: the key, the rows everywhere, and leave a proof.

Each step may be killed and done again. Until the proof stands in the ledger, what is to be done is kept
beside the vault; the ledger and every log know the customer by a token that leads back to nobody.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from loanbook.errors import PrivacyError
from loanbook.features import store
from loanbook.governance.chain import Entry
from loanbook.governance.ledger import of_home
from loanbook.intake import book
from loanbook.intake.book import Book
from loanbook.intake.engine import text
from loanbook.privacy import (
    derived,
    keyring,
    learned,
    parting,
    places,
    retention,
    rewriting,
    vault,
    works,
)
from loanbook.privacy.parting import Changes
from loanbook.privacy.retention import Retention
from loanbook.privacy.rewriting import Change
from loanbook.privacy.works import Work
from loanbook.settings import Settings

BEGUN, ERASED = "erasure begun", "erasure"


def ask(settings: Settings, dataset: str, customer: str, *, because: str) -> Work | Entry:
    """Ask for an erasure; give what is to be done, or the proof that it was done before.

    A customer of whom nothing is known raises PrivacyError.
    """
    token = keyring.opened(settings).token(dataset, customer)
    if work := works.find(settings, token):
        return work
    if proof := proven(settings, token):
        return proof
    if not because.strip():
        raise PrivacyError("nobody is erased without a reason", right="Say because of what")
    if not vault.knows(settings, dataset, customer) and not places.found(settings, dataset, customer):
        raise PrivacyError(
            f"nothing of this customer is known in {dataset}", right="Look at the id and the dataset"
        )
    return works.keep(settings, Work(token, dataset, customer, because, settings.actor))


def proven(settings: Settings, token: str) -> Entry | None:
    """Find the proof of an erasure in the ledger."""
    proofs = of_home(settings.home).entries(ERASED)
    return next((entry for entry in proofs if entry.body["customer"] == token), None)


def begin(settings: Settings, token: str, at: datetime) -> Work:
    """Enter in the ledger that an erasure began; then find, once, all that there is of the customer."""
    work = works.current(settings, token)
    body = {"dataset": work.dataset, "customer": token, "because": work.because}
    of_home(settings.home).append(BEGUN, work.actor, body, at, once=f"{BEGUN}:{token}")
    if work.found:
        return work
    rows = places.counted(places.found(settings, work.dataset, work.customer))
    models = learned.models(settings, work.dataset, work.customer)
    return works.keep(settings, replace(work, found=True, rows=rows, models=models))


def destroy(settings: Settings, token: str) -> None:
    """Destroy the customer's key and values, and bar their return."""
    work = works.current(settings, token)
    vault.forget(settings, work.dataset, work.customer)


def take_out(settings: Settings, token: str) -> Book:
    """Take the customer out of all that was ever read, and give the book as it stands then."""
    work = works.current(settings, token)
    rules = retention.read(settings.repo)
    with parting.alone(settings, work.dataset):
        stands, taken = parting.rewritten(settings, book.read(settings, work.dataset), _changes(work, rules))
        for one in taken:
            work = work.rewrote(one.old, one.new)
        works.keep(settings, work)
        if taken:
            book.write(settings, stands)
        _sweep(settings, work, stands)
    return stands


def clear(settings: Settings, token: str, keep: Collection[str]) -> None:
    """Clear what was made of the customer's rows: publications and feature sets but those in `keep`."""
    work = works.current(settings, token)
    derived.clear_holding(settings, work.dataset, work.customer, keep)
    learned.forget(settings, work)
    store.forget(settings, work.dataset, "customer_id", work.customer)


def prove(settings: Settings, token: str, at: datetime) -> Entry:
    """Look once more, and enter in the ledger what was erased, rewritten and named."""
    work = works.current(settings, token)
    left = places.found(settings, work.dataset, work.customer)
    if left or vault.knows(settings, work.dataset, work.customer):
        raise PrivacyError(
            f"something of {token} is left",
            where=", ".join(one.path.relative_to(settings.home).as_posix() for one in left) or "the vault",
            right="Erase again: what is done isn't done twice",
        )
    body: dict[str, Any] = {
        "dataset": work.dataset,
        "customer": token,
        "because": work.because,
        "rows": {place: dict(tables) for place, tables in work.rows.items()},
        "kept": _kept(retention.read(settings.repo), work),
        "files": dict(work.files),
        "models": [dict(model) for model in work.models],
        "mentions": list(places.mentions(settings, work.dataset, work.customer)),
    }
    standing = proven(settings, token)
    entry = standing or of_home(settings.home).append(ERASED, work.actor, body, at, once=f"{ERASED}:{token}")
    works.done(settings, token)
    return entry


def _changes(work: Work, rules: Retention) -> Changes:
    """Say what becomes of the customer's rows of each table."""
    his = f"customer_id = {text(work.customer)}"

    def change(table: str, names: tuple[str, ...]) -> Change | None:
        rule = rules.rules[table]
        if "customer_id" not in names or rule.erasure == "none":
            return None
        if rule.erasure == "delete":
            return Change(gone=his)
        return Change(hidden=his, values=rewriting.tokenised(table, rule.keeps, text(work.token), names))

    return change


def _kept(rules: Retention, work: Work) -> dict[str, Any]:
    """Say which tables' rows stay under a token, and which law or contract demands it."""
    return {
        name: rules.rules[name].because
        for name in work.rows.get(places.SNAPSHOTS, {})
        if rules.rules[name].erasure == "tokenise"
    }


def _sweep(settings: Settings, work: Work, stands: Book) -> None:
    """Delete the customer's parts that the book no longer names, and repairs that wait."""
    named = {f"{digest}.parquet" for _, digest in parting.named(stands)}
    for found in places.found(settings, work.dataset, work.customer):
        unnamed = found.place == places.SNAPSHOTS and found.path.name not in named
        if unnamed or found.place == places.CATALOG:
            found.path.unlink(missing_ok=True)
