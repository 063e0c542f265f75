"""The operator's face: keys and people, yes and no, rollback and withdrawal."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from loanbook.cli import app
from loanbook.cli.face import Common, Told, tell
from loanbook.cli.work import NO_COMMON, Model, Version, split
from loanbook.settings import Settings

people_app = App(name="people", help="Who may sign: keys and roles.")
app.command(people_app)

Key = Annotated[Path, Parameter(help="Your private key's file; LOANBOOK_PASSPHRASE opens it.")]
Because = Annotated[str, Parameter(help="Why; it is signed too.")]


def now() -> datetime:
    """Read the clock as naive UTC: a command is a face."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


@people_app.command
def enrol(
    name: str,
    /,
    *,
    role: Annotated[list[str], Parameter(help="engineer, reviewer, risk_officer, auditor, admin, steward.")],
    key: Annotated[Path, Parameter(help="Where the private key is made; it is never overwritten.")],
    common: Common = NO_COMMON,
) -> None:
    """Make a key for a person and enter the public half, with roles, in people and ledger."""
    from loanbook.governance import people, signing
    from loanbook.governance.ledger import of_home
    from loanbook.governance.people import Person

    settings = Settings.read(os.environ)
    passphrase = settings.passphrase.reveal() if settings.passphrase else None
    made = signing.create_key(key, passphrase)
    person = Person(name=name, roles=tuple(role), keyid=made.keyid, public_key=made.pem, added_at=now())
    people.enrol(people.path_of(settings.home), of_home(settings.home), person, settings.actor, now())
    told = {
        "roles": role,
        "key id": made.keyid,
        "sealed": "by a passphrase" if passphrase else "no: set LOANBOOK_PASSPHRASE",
    }
    tell(Told(f"{name} may sign", told, {"private key": key}), as_json=common.json)


@people_app.command(name="list")
def list_(*, common: Common = NO_COMMON) -> None:
    """List who may sign, held to the ledger."""
    from loanbook.governance import people
    from loanbook.governance.ledger import of_home

    settings = Settings.read(os.environ)
    known = people.trusted(people.path_of(settings.home), of_home(settings.home)).people
    told = {one.name: f"{', '.join(one.roles)}; key {one.keyid[:16]}" for one in known}
    tell(Told(f"{len(known)} people may sign", told), as_json=common.json)


@app.command
def approve(
    version: Version,
    /,
    *,
    key: Key,
    because: Because,
    max_applications: Annotated[int | None, Parameter(help="A condition: no larger book.")] = None,
    review_by: Annotated[str | None, Parameter(help="A condition: review again by this day.")] = None,
    common: Common = NO_COMMON,
) -> None:
    """Sign the evidence of a reviewed version: yes. Who trained or requested it can't."""
    _sign(version, "approve", key, because, max_applications, review_by, common)


@app.command
def reject(version: Version, /, *, key: Key, because: Because, common: Common = NO_COMMON) -> None:
    """Sign the evidence of a reviewed version: no. It stands until you sign otherwise."""
    _sign(version, "reject", key, because, None, None, common)


def _sign(
    version: str,
    decision: str,
    key: Path,
    because: str,
    max_applications: int | None,
    review_by: str | None,
    common: Common,
) -> None:
    from loanbook.governance.approvals import Conditions, Decision
    from loanbook.governance.signoff import Word, sign

    model, number = split(version)
    day = datetime.fromisoformat(review_by) if review_by else None
    conditions = Conditions(review_by=day, max_applications=max_applications)
    word = Word(model, number, Decision(decision), because, conditions)
    signed = sign(Settings.read(os.environ), word, key, now())
    told = {
        "signer": f"{signed.signer}, {signed.role}",
        "evidence": signed.evidence,
        "reason": signed.reason,
        "expires": f"{signed.expires_at:%Y-%m-%d}",
    }
    steps = (f"loanbook promote {version}",) if decision == "approve" else ()
    tell(Told(f"{signed.signer} signed: {decision} {version}", told, {}, steps), as_json=common.json)


@app.command
def rollback(model: Model, /, *, because: Because, common: Common = NO_COMMON) -> None:
    """Go back to the former champion, which is signed already."""
    from loanbook.governance import promoting

    record = promoting.rollback(Settings.read(os.environ), model, because, now())
    told = {"version": record.body["version"], "ledger entry": record.seq}
    tell(Told(f"{model} is back at version {record.body['version']}", told), as_json=common.json)


@app.command
def withdraw(version: Version, /, *, because: Because, common: Common = NO_COMMON) -> None:
    """Bar a version from serving, for good."""
    from loanbook.governance import promoting

    model, number = split(version)
    entry = promoting.withdraw(Settings.read(os.environ), model, number, because, now())
    tell(Told(f"{version} may never serve again", {"ledger entry": entry.seq}), as_json=common.json)
