"""The operator's face: the whole way on the simulated lender, told as it goes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from loanbook import lake
from loanbook.cli import app, work
from loanbook.cli.face import Common, Progress, Told, shown, tell
from loanbook.cli.launch import Runner
from loanbook.cli.models import now
from loanbook.cli.pages import pages
from loanbook.cli.work import NO_COMMON
from loanbook.errors import GovernanceError, SelfApprovalError
from loanbook.settings import Settings

DATASET, LINE, HISTORY, NEW = "world", "underwriting/consumer", 48, 12
ENGINEER, REVIEWER = "erin", "rui"


@dataclass
class Clock:
    """Where the time goes, by chapter of the demo."""

    took: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def chapter(self, progress: Progress, title: str) -> Iterator[None]:
        """Time a chapter and print its title."""
        progress.say(f"\n{title}")
        began = time.monotonic()
        yield
        self.took[title] = time.monotonic() - began


@app.command
def demo(
    *,
    applications: Annotated[int, Parameter(help="Applications that the lender sees in 60 months.")] = 50_000,
    common: Common = NO_COMMON,
) -> None:
    """Go the whole way on a simulated lender.

    Rows quarantined, a candidate trained, a refused self-approval, a signature, promotion, decisions, a year
    of drift, the alarm, and a challenger that waits for its reviewer.
    """
    settings = Settings.read(os.environ)
    settings = replace(settings, home=settings.home / "demo", actor=ENGINEER)
    os.environ.update(LOANBOOK_HOME=str(settings.home), LOANBOOK_ACTOR=ENGINEER)
    progress, clock = Progress(silent=common.json), Clock()
    began = time.monotonic()
    with Runner(settings, progress) as runner:
        story = _story(settings, runner, progress, clock, applications)
        server = runner.server
    total = time.monotonic() - began
    stages = {f"time: {name}": f"{seconds:.0f} s" for name, seconds in clock.took.items()}
    told = replace(story, made={**story.made, **stages, "time in all": f"{total:.0f} s"}, next=story.next)
    record = {"chapters": clock.took, "steps": progress.took, "flows": runner.flows, "total": total}
    lake.write_json(settings.home / "demo.json", record)
    tell(replace(told, next=(*told.next, *pages(settings, server))), as_json=common.json)


def _story(settings: Settings, runner: Runner, progress: Progress, clock: Clock, applications: int) -> Told:
    folder = settings.home / "world"
    with clock.chapter(progress, "1  A lender of four years"):
        _simulate(progress, folder, applications, 1, HISTORY)
    with clock.chapter(progress, "2  Raw to candidate, reviewed"):
        way = runner.run("lifecycle", {"dataset": DATASET, "data": folder / "raw", "line": LINE})
        review = way["lines"][0]["review"]
        version = f"{review['model']}/{review['version']}"
        _show_quarantine(progress, way["ingest"])
        _show_review(progress, review)
    with clock.chapter(progress, "3  Two people"):
        _two_people(settings, progress, version)
    with clock.chapter(progress, "4  Champion, and its decisions"):
        runner.run("promote", {"model": review["model"], "version": review["version"]})
        book = runner.run("score", {"dataset": DATASET, "line": LINE})
        progress.say(f"     {book['rows']:,} applications: {shown(book['decisions'])}")
        progress.say(f"     why not approved: {shown(dict(list(book['reasons'].items())[:4]))}")
    with clock.chapter(progress, "5  Twelve months later, and the world has moved"):
        _simulate(progress, folder, applications, HISTORY + 1, HISTORY + NEW)
        runner.run("ingest", {"dataset": DATASET, "data": folder / "raw"})
        runner.run("featurize", {"dataset": DATASET})
        watched = runner.run("monitor", {"dataset": DATASET, "line": LINE})
        for one in watched["findings"][:5]:
            progress.say(f"     {one['level']}: {one['said']} (bound {one['bound']:g})")
        if watched["level"] != "alarm":
            raise GovernanceError("the planted drift raised no alarm", where=str(watched["record"]))
    with clock.chapter(progress, "6  A challenger, waiting for its reviewer"):
        challenger = runner.run("retrain", {"dataset": DATASET, "line": LINE})
        _show_review(progress, challenger)
    return _closing(settings, review, book, watched, challenger, way["ingest"])


def _simulate(progress: Progress, folder: Path, applications: int, first: int, last: int) -> None:
    from loanbook.world import WorldSpec, simulate

    with progress.step(f"simulate months {first} to {last}"):
        simulate(WorldSpec(applications=applications), folder, first_month=first, last_month=last)


def _show_quarantine(progress: Progress, ingest: dict[str, Any]) -> None:
    read = sum(one["read"] for one in ingest["tables"].values())
    held = sum(one["held"] for one in ingest["tables"].values())
    progress.say(f"     {read:,} rows read, {held:,} held back, none lost. The commonest reasons:")
    reasons = {
        f"{table}.{rule}": count
        for table, rules in ingest["reasons"].items()
        for rule, count in rules.items()
    }
    for name, count in sorted(reasons.items(), key=lambda one: -one[1])[:5]:
        progress.say(f"       {count:>6,}  {name}")


def _show_review(progress: Progress, review: dict[str, Any]) -> None:
    low, high = review["metrics"]["auc_interval"]
    progress.say(
        f"     {review['model']}/{review['version']}: AUC {review['metrics']['auc']:.3f} "
        f"({low:.3f} to {high:.3f}), calibration slope {review['metrics']['calibration_slope']:.2f}, "
        f"gates shut: {', '.join(review['shut']) or 'none'}"
    )


def _two_people(settings: Settings, progress: Progress, version: str) -> None:
    """The engineer who trained tries to approve and is refused; the reviewer's key signs."""
    from loanbook.governance.approvals import Conditions, Decision
    from loanbook.governance.signoff import Word, sign

    model, number = work.split(version)
    keys = {
        name: enrolled(settings, name, roles)
        for name, roles in ((ENGINEER, ("engineer", "reviewer")), (REVIEWER, ("reviewer",)))
    }
    word = Word(model, number, Decision.APPROVE, "The demo's reviewer read the dossier", Conditions())
    try:
        sign(settings, word, keys[ENGINEER], now())
    except SelfApprovalError as refusal:
        progress.say(f"  ✓ {ENGINEER} tries to approve: refused. {refusal}")
    else:
        raise GovernanceError(f"{ENGINEER} approved a version of their own")
    signed = sign(settings, word, keys[REVIEWER], now())
    progress.say(f"  ✓ {signed.signer} signs the evidence {signed.evidence[:16]}…")


def enrolled(settings: Settings, name: str, roles: tuple[str, ...]) -> Path:
    """Make a person's key and enter it in people and ledger, unless an earlier run did."""
    from loanbook.governance import people, signing
    from loanbook.governance.ledger import of_home
    from loanbook.governance.people import Person

    key, book = settings.home / "keys" / f"{name}.key", of_home(settings.home)
    passphrase = settings.passphrase.reveal() if settings.passphrase else None
    known = people.trusted(people.path_of(settings.home), book)
    if any(one.name == name for one in known.people):
        return key
    made = signing.read_public_key(key, passphrase) if key.exists() else signing.create_key(key, passphrase)
    person = Person(name=name, roles=roles, keyid=made.keyid, public_key=made.pem, added_at=now())
    people.enrol(people.path_of(settings.home), book, person, settings.actor, now())
    return key


def _closing(
    settings: Settings,
    review: dict[str, Any],
    book: dict[str, Any],
    watched: dict[str, Any],
    challenger: dict[str, Any],
    ingest: dict[str, Any],
) -> Told:
    from loanbook.governance.ledger import of_home

    waiting = f"{challenger['model']}/{challenger['version']}"
    key = settings.home / "keys" / f"{REVIEWER}.key"
    here = f"LOANBOOK_HOME={settings.home} {Path(sys.executable).parent / 'loanbook'}"
    return Told(
        "The way is gone: raw → validated → features → candidate → reviewed → champion → decisions → watched",
        {
            "champion": f"{review['model']}/{review['version']}, signed by {REVIEWER}",
            "decisions": book["decisions"],
            "watched": watched["level"],
            "challenger": f"{waiting}, waiting for its reviewer",
        },
        {
            "champion's dossier": Path(review["dossier"]),
            "champion's artefacts": Path(review["artefacts"]),
            "challenger's dossier": Path(challenger["dossier"]),
            "decisions": Path(book["lies"]),
            "drift report": Path(watched["page"]),
            "held rows": Path(ingest["quarantine"]),
            "Data Docs": settings.home / "reports" / DATASET / "data_docs",
            "ledger": of_home(settings.home).path,
        },
        (
            f"{here} status",
            f"{here} approve {waiting} --key {key} --because 'I read the dossier'",
            f"{here} promote {waiting}",
            f"{here} ledger verify",
            f"{here} down",
        ),
    )
