"""signed → champion: verify all of it again, write the ledger, then move the alias; and back."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from loanbook import digests, lake
from loanbook.errors import GovernanceError, UnsignedError
from loanbook.governance import champions, people, promotion, seals, shelf, signoff
from loanbook.governance.chain import Entry
from loanbook.governance.ledger import of_home
from loanbook.governance.promotion import Grant
from loanbook.governance.registry import Registry
from loanbook.settings import Settings

ALIAS = "champion"


@dataclass(frozen=True)
class Champion:
    """A champion that was just verified: what it may do, and its bytes in a folder of our own."""

    grant: Grant
    dataset: str
    record: Entry
    bundle: Path


def promote(settings: Settings, model: str, version: int, now: datetime) -> Grant:
    """Make a version champion, or raise the error of what stands in its way.

    The ledger's record comes before the alias. Killed in between, it is run again and finishes.
    """
    ledger, registry = of_home(settings.home), Registry(settings)
    entries = ledger.entries()
    if version in champions.withdrawn(entries, model):
        raise GovernanceError(f"{model} version {version} was withdrawn", right="Promote another version")
    digest = champions.reviewed(entries, model, version)
    evidence = shelf.evidence(settings, model, version, digest)
    with tempfile.TemporaryDirectory(dir=_scratch(settings)) as scratch:
        bundle = registry.fetch_bundle(model, version, Path(scratch) / "bundle")
        predictions = registry.fetch_predictions(model, version, Path(scratch) / "predictions")
        grant = promotion.check(
            evidence=evidence,
            policy=shelf.policy(settings, evidence.line),
            approvals=signoff.envelopes(settings, model, version, digest),
            people=people.trusted(people.path_of(settings.home), ledger),
            bundle_digest_now=seals.of_folder(bundle).digest,
            predictions_digest_now=digests.of_file(predictions),
            environment=settings.environment,
            now=now,
        )
    ledger.append(champions.PROMOTION, settings.actor, grant.as_json(), now, once=grant.once(entries))
    registry.set_alias(model, ALIAS, version)
    return grant


def has_champion(settings: Settings, model: str) -> bool:
    """Say whether the ledger has a champion of this model here, verified or not."""
    return champions.current(of_home(settings.home).entries(), model, settings.environment) is not None


def champion(settings: Settings, model: str, now: datetime) -> Champion:
    """Fetch and verify the champion, or raise: nobody is champion, or it doesn't stand.

    The ledger says who is champion. An alias that says otherwise was moved behind its back.
    """
    ledger, registry = of_home(settings.home), Registry(settings)
    entries = ledger.entries()
    record = champions.current(entries, model, settings.environment)
    if record is None:
        raise UnsignedError(
            f"{model} has no champion in {settings.environment}",
            where="ledger",
            right="Approve and promote a reviewed version",
        )
    version = int(record.body["version"])
    _refuse_moved_alias(registry, model, version)
    evidence = shelf.evidence(settings, model, version, str(record.body["evidence"]))
    with tempfile.TemporaryDirectory(dir=_scratch(settings)) as scratch:
        fetched = registry.fetch_bundle(model, version, Path(scratch) / "bundle")
        grant = promotion.standing(
            record=record,
            evidence=evidence,
            policy=shelf.policy(settings, evidence.line),
            people=people.trusted(people.path_of(settings.home), ledger),
            bundle_digest_now=seals.of_folder(fetched).digest,
            environment=settings.environment,
            withdrawn=champions.withdrawn(entries, model),
            now=now,
        )
        bundle = _kept(fetched, _scratch(settings) / "champions" / model / grant.bundle)
    return Champion(grant, str(evidence.facts["dataset"]), record, bundle)


def _kept(fetched: Path, folder: Path) -> Path:
    """Keep verified bytes under their digest, where others may be reading the same at this moment."""
    if folder.exists() and seals.of_folder(folder).digest == folder.name:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        fetched.replace(folder)
    except OSError as error:
        # Not empty: somebody was faster with the same bytes. Whoever opens a bundle verifies it again.
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise lake.storage_error(error, folder) from error
    return folder


def rollback(settings: Settings, model: str, reason: str, now: datetime) -> Entry:
    """Go back to the former champion, which is signed already; give the record that stands again.

    Killed between ledger and alias, it is run again and only sets the alias: it doesn't go back twice.
    """
    ledger, registry = of_home(settings.home), Registry(settings)
    entries = ledger.entries()
    present = champions.current(entries, model, settings.environment)
    if present is None:
        raise GovernanceError(f"{model} has no champion in {settings.environment}", right="Promote one first")
    last = _last_move(entries, model, settings.environment)
    unfinished = last.kind == champions.ROLLBACK and registry.get_alias(model, ALIAS) == last.body["from"]
    record = present if unfinished else champions.former(entries, model, settings.environment)
    if not unfinished:
        body = {
            "model": model,
            "environment": settings.environment,
            "from": present.body["version"],
            "to": record.seq,
            "version": record.body["version"],
            "reason": reason,
        }
        ledger.append(champions.ROLLBACK, settings.actor, body, now)
    registry.set_alias(model, ALIAS, int(record.body["version"]))
    return record


def _last_move(entries: Sequence[Entry], model: str, environment: str) -> Entry:
    """Find the last promotion or rollback of a model here."""
    moves = (champions.PROMOTION, champions.ROLLBACK)
    return next(
        entry
        for entry in reversed(entries)
        if entry.kind in moves
        and (entry.body.get("model"), entry.body.get("environment")) == (model, environment)
    )


def withdraw(settings: Settings, model: str, version: int, reason: str, now: datetime) -> Entry:
    """Bar a version from serving, for good."""
    Registry(settings).version(model, version)
    body = {"model": model, "version": version, "reason": reason, "environment": settings.environment}
    return of_home(settings.home).append(champions.WITHDRAWAL, settings.actor, body, now)


def _refuse_moved_alias(registry: Registry, model: str, version: int) -> None:
    pointed = registry.get_alias(model, ALIAS)
    if pointed is not None and pointed != version:
        raise GovernanceError(
            f"the alias {ALIAS} of {model} points at version {pointed}, and the ledger promoted {version}",
            where=registry.uri,
            right="Run `loanbook promote` for the version that was signed: it sets the alias right",
        )


def _scratch(settings: Settings) -> Path:
    folder = settings.home / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
