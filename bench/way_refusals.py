"""What is never promoted and never scores: unsigned, self-signed, altered, under another policy."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from bench.measuring import Row, exactly
from loanbook.cli.demo import enrolled
from loanbook.cli.launch import Runner
from loanbook.cli.models import now
from loanbook.errors import LoanbookError
from loanbook.governance import promoting, signoff
from loanbook.governance.approvals import Conditions, Decision
from loanbook.governance.ledger import of_home
from loanbook.governance.registry import Registry
from loanbook.governance.signoff import Word
from loanbook.settings import ROOT, Settings
from loanbook.world import WorldSpec, simulate

LINE = "underwriting/consumer"


def rows(place: Settings, runner: Runner, scratch: Path) -> Iterator[Row]:
    """Try each on a world of its own, at the promoter and at the scorer."""
    simulate(WorldSpec(applications=20_000), scratch / "refusals", last_month=48)
    made = runner.run("lifecycle", {"dataset": "world", "data": scratch / "refusals" / "raw", "line": LINE})
    review = made["lines"][0]["review"]
    model, version = review["model"], review["version"]
    trainer, reviewer = (enrolled(place, name, ("reviewer",)) for name in (place.actor, "rui"))
    word = Word(model, version, Decision.APPROVE, "read", Conditions())

    def promote(settings: Settings = place) -> None:
        promoting.promote(settings, model, version, now())

    def score(settings: Settings = place) -> None:
        promoting.champion(settings, model, now())

    yield _refused("a version that nobody signed, at promote", promote, "UnsignedError")
    yield _refused("  the same, at score", score, "UnsignedError")
    yield _refused(
        "its trainer's approval", lambda: signoff.sign(place, word, trainer, now()), "SelfApprovalError"
    )
    _forced(place, word, trainer)
    yield _refused("  the same, forced into the ledger, at promote", promote, "SelfApprovalError")
    signoff.sign(place, word, reviewer, now())
    altered = _altered(place, model, version)
    yield _refused("one byte of the model changed, at promote", lambda: altered(promote), "AlteredError")
    elsewhere = _other_policy(place, scratch / "repo")
    yield _refused(
        "the policy changed after signing, at promote", lambda: promote(elsewhere), "PolicyChangedError"
    )
    promote()
    yield _refused("one byte of the champion changed, at score", lambda: altered(score), "AlteredError")
    yield _refused(
        "the policy changed after promotion, at score", lambda: score(elsewhere), "PolicyChangedError"
    )


def _refused(what: str, attempt: Callable[[], object], error: str) -> Row:
    try:
        attempt()
    except LoanbookError as refusal:
        return exactly("way", f"refused: {what}", type(refusal).__name__, error)
    return exactly("way", f"refused: {what}", "let through", error)


def _forced(place: Settings, word: Word, key: Path) -> None:
    """Sign past the door and write the envelope into the ledger by hand."""
    from datetime import timedelta

    from loanbook.governance import champions, people, shelf, signing
    from loanbook.governance.approvals import Approval

    book = of_home(place.home)
    digest = champions.reviewed(book.entries(), word.model, word.version)
    evidence = shelf.evidence(place, word.model, word.version, digest)
    person = people.read(people.path_of(place.home)).by_keyid(signing.read_public_key(key, None).keyid)
    approval = Approval(
        evidence=digest,
        line=evidence.line,
        model=word.model,
        version=word.version,
        environment=place.environment,
        decision=word.decision,
        reason=word.reason,
        conditions=word.conditions,
        signer=person.name,
        role=person.roles[0],
        signed_at=now(),
        expires_at=now() + timedelta(days=1),
    )
    body = {"model": word.model, "version": word.version, "evidence": digest}
    envelope = signing.sign(approval, key, None)
    book.append(signoff.APPROVAL, person.name, {**body, "envelope": envelope}, now())


def _altered(place: Settings, model: str, version: int) -> Callable[[Callable[[], None]], None]:
    """Change one byte of the registered model file while something is tried, then put it back."""
    source = Registry(place).version(model, version).source
    file = Path(source.removeprefix("file://")) / "model.txt"

    def attempt(action: Callable[[], None]) -> None:
        whole = file.read_bytes()
        file.write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
        try:
            action()
        finally:
            file.write_bytes(whole)

    return attempt


def _other_policy(place: Settings, repo: Path) -> Settings:
    """Give a copy of the declarations with a loosened policy."""
    for name in ("expectations", "feature_repo"):
        shutil.copytree(ROOT / name, repo / name)
    path = repo / "expectations" / "policies" / "underwriting_consumer.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("max_bad_rate = 0.10", "max_bad_rate = 0.30"),
        encoding="utf-8",
    )
    return replace(place, repo=repo)
