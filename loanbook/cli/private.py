"""The operator's face: master keys, erasure, retention."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from loanbook.cli import app
from loanbook.cli.face import Common, Told, tell
from loanbook.cli.models import now
from loanbook.cli.work import NO_COMMON, Dataset, run
from loanbook.schema import Purpose
from loanbook.settings import Settings

keys_app = App(name="keys", help="The master keys that wrap the vault: see, add, rotate, drop.")
app.command(keys_app)

File = Annotated[Path, Parameter(help="The key file; LOANBOOK_MASTER_KEY_FILE names it.")]
Because = Annotated[str, Parameter(help="Why; it stands in the ledger.")]
Day = Annotated[str | None, Parameter(help="The day to count from; by default today.")]


@keys_app.command(name="list")
def list_(*, common: Common = NO_COMMON) -> None:
    """List the master keys of this place by their ids, newest first, and how much each wraps."""
    from loanbook.privacy import keyring, keys, rotation

    settings = Settings.read(os.environ)
    begun = keyring.begun(settings)
    wraps = rotation.in_use(settings) if begun else {}
    ring = keys.load(settings, begun=True)
    told = {key.id: f"wraps {wraps.get(key.id, 0):,} keys" for key in ring.keys}
    steps = ("loanbook keys rotate",) if set(wraps) - {ring.newest.id} else ()
    tell(
        Told(f"{len(told)} master keys", told, {"vault": keyring.path_of(settings)}, steps),
        as_json=common.json,
    )


@keys_app.command
def add(file: File, /, *, common: Common = NO_COMMON) -> None:
    """Draw a master key and write it before those of FILE, which is made if it isn't there."""
    from loanbook.privacy import keys

    ring = keys.add(file.expanduser().resolve())
    told = {"newest": ring.newest.id, "keys": len(ring.keys)}
    steps = ("Give it to every process, then: loanbook keys rotate",)
    tell(Told(f"Key {ring.newest.id} was added", told, {"file": file}, steps), as_json=common.json)


@keys_app.command
def rotate(*, common: Common = NO_COMMON) -> None:
    """Wrap the vault by the newest key while it is in use; killed and run again, it goes on."""
    from loanbook.privacy import rotation

    done = rotation.rotate(Settings.read(os.environ))
    told = {"customers' keys wrapped anew": done.customers}
    tell(Told(f"Everything is wrapped by key {done.key_id}", told), as_json=common.json)


@keys_app.command
def drop(file: File, /, *, common: Common = NO_COMMON) -> None:
    """Take from FILE the keys that wrap nothing any more; the newest stays."""
    from loanbook.privacy import keys, rotation

    wraps = rotation.in_use(Settings.read(os.environ))
    ring = keys.drop(file.expanduser().resolve(), lambda key: key not in wraps)
    told = {"left": [key.id for key in ring.keys]}
    tell(Told("Keys without use are dropped", told, {"file": file}), as_json=common.json)


@app.command
def reveal(
    customer: str,
    /,
    *,
    dataset: Dataset,
    purpose: Annotated[Purpose, Parameter(help="What the values are to serve.")],
    because: Because,
    common: Common = NO_COMMON,
) -> None:
    """Show the plain values of a customer that serve a purpose; the ledger says first who asked, and why."""
    from loanbook.intake import mapping
    from loanbook.privacy import access

    settings = Settings.read(os.environ)
    shown = access.reveal(
        settings,
        mapping.load(dataset).name,
        customer,
        purpose=purpose,
        because=because,
        actor=settings.actor,
        at=now(),
    )
    tell(Told(f"Shown to {settings.actor}, as the ledger says", shown), as_json=common.json)


@app.command
def erase(customer: str, /, *, dataset: Dataset, because: Because, common: Common = NO_COMMON) -> None:
    """Destroy a customer's key and rows everywhere, name the models that learned from them, prove it."""
    from loanbook.governance.chain import Entry
    from loanbook.intake import mapping
    from loanbook.privacy import erasure

    settings = Settings.read(os.environ)
    asked = erasure.ask(settings, mapping.load(dataset).name, customer, because=because)
    if isinstance(asked, Entry):
        title = f"The customer was erased on {asked.at:%Y-%m-%d}"
        tell(Told(title, {"ledger entry": asked.seq, "token": asked.body["customer"]}), as_json=common.json)
        return
    tell(erased(run("erase", common, dataset=dataset, customer=asked.token)), as_json=common.json)


def erased(made: dict[str, Any]) -> Told:
    """Tell of an erasure."""
    versions = [version for model in made["models"] for version in model["versions"]]
    told = {
        "token": made["customer"],
        "ledger entry": made["entry"],
        **{f"rows in {place}": tables for place, tables in made["rows"].items()},
        "files rewritten": len(made["files"]),
        "kept under the token": made["kept"] or "nothing",
        "models that learned from them": versions or "none",
        "still named in": made["mentions"] or "nothing",
    }
    steps = tuple(f"Train again: {version} learned from who was erased" for version in versions)
    return Told("The customer is erased", told, {}, steps)


@app.command(name=("retention", "retain"))
def retention(
    *,
    dataset: Dataset,
    apply: Annotated[
        bool, Parameter(help="Take the rows out; without it, they are counted.", negative="")
    ] = False,
    as_of: Day = None,
    common: Common = NO_COMMON,
) -> None:
    """Say which rows' time is over by expectations/policies/retention.toml, and take them out."""
    made = run("retain", common, dataset=dataset, apply=apply, as_of=as_of)
    rows = {table: f"{count:,} rows: {made['because'][table]}" for table, count in made["rows"].items()}
    count = sum(made["rows"].values())
    title = f"{count:,} rows of {dataset} {'went' if apply else 'are due'}, as of {made['as_of']}"
    steps = (f"loanbook retention --dataset {dataset} --apply",) if count and not apply else ()
    told = rows | ({"ledger entry": made["entry"]} if made["entry"] else {})
    tell(Told(title, told, {}, steps), as_json=common.json)
