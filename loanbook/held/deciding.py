"""held → ruled: one person proposes what becomes of held rows, a second confirms; both sign."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from loanbook import lake
from loanbook.errors import QuarantineError, SignatureError
from loanbook.governance import people as enrolled
from loanbook.governance import signing
from loanbook.governance.chain import Entry
from loanbook.governance.ledger import Ledger, of_home
from loanbook.governance.people import STEWARD, People, Person
from loanbook.governance.rulings import Action, Answer, Decision, Proposal, Subject
from loanbook.held import desk, enforcing, repairs, rows
from loanbook.held.desk import Held
from loanbook.held.enforcing import PROPOSAL, REFUSAL, RULING, Open
from loanbook.held.repairs import Given
from loanbook.intake import book, publishing, snapshots
from loanbook.intake.judging.rules import Suite
from loanbook.intake.mapping import Dataset
from loanbook.intake.readings import Reading
from loanbook.lake import Lake
from loanbook.schema import TABLES
from loanbook.settings import Settings

Suites = Callable[[], Mapping[str, Suite]]
NOBODY: Given = {}


@dataclass(frozen=True)
class Pen:
    """Who signs, where, and when: a steward's key, opened by the passphrase of the place."""

    settings: Settings
    key: Path
    now: datetime

    @property
    def ledger(self) -> Ledger:
        """The ledger that is written to."""
        return of_home(self.settings.home)

    @property
    def people(self) -> People:
        """Everybody enrolled, held to the ledger."""
        return enrolled.trusted(enrolled.path_of(self.settings.home), self.ledger)

    @property
    def steward(self) -> Person:
        """Whose key it is, or SignatureError when that is nobody enrolled, or no steward."""
        person = self.people.by_keyid(signing.read_public_key(self.key, self._passphrase).keyid)
        if STEWARD not in person.roles:
            raise SignatureError(
                f"{person.name} is {', '.join(person.roles)}", where="people", right=f"It takes a {STEWARD}"
            )
        return person

    def seal(self, said: Proposal | Answer) -> str:
        """Sign a statement."""
        return signing.seal(said.statement, self.key, self._passphrase)

    @property
    def _passphrase(self) -> str | None:
        return self.settings.passphrase.reveal() if self.settings.passphrase else None


def propose(
    pen: Pen,
    source: Dataset,
    action: Action,
    names: Sequence[str],
    because: str,
    *,
    given: Given = NOBODY,
    suites: Suites = dict,
) -> Open:
    """Sign and enter what is to become of held rows; a rejection is in force at once.

    Raises QuarantineError for a row that isn't held, can't be released, or waits already; a repair is
    judged first, by the table's suite.
    """
    settings, person = pen.settings, pen.steward
    _refuse_silence(because)
    reading = _reading(settings, source)
    held = desk.find(settings, source.name, names)
    table = _table(source, held, action)
    _refuse_waiting(settings, source, held)
    if (action is Action.REPAIR) != bool(given):
        raise QuarantineError("a repair sets values, and nothing else does", right="--set column=value")
    wanted = [row.row for row in held]
    values = None
    if action is Action.REPAIR:
        values = repairs.draft(settings, source, reading, suites()[table], wanted, given)
    proposal = Proposal(
        dataset=source.name,
        table=table,
        action=action,
        rows=_subjects(settings, reading, table, wanted),
        values=values,
        columns=tuple(given),
        reason=because,
        environment=settings.environment,
        signer=person.name,
        role=STEWARD,
        signed_at=pen.now,
    )
    body = {"dataset": source.name, "proposal": None, "envelope": pen.seal(proposal)}
    kind = RULING if action is Action.REJECT else PROPOSAL
    with publishing.alone(Lake(settings.home).published(source.name)):
        _refuse_waiting(settings, source, held)
        _refuse_ruled(settings, proposal)
        entry = pen.ledger.append(kind, person.name, body, pen.now)
    return Open(entry.digest, entry.seq, proposal)


def answer(
    pen: Pen, source: Dataset, number: int, decision: Decision, because: str, given: Given = NOBODY
) -> Open:
    """Sign and enter a second person's answer; asked again by the same person, it is as if asked once.

    A confirmed repair of identifying columns takes their values again, which go to the vault.
    """
    settings, person = pen.settings, pen.steward
    _refuse_silence(because)
    asked = _asked(pen, source, number)
    proposal = enforcing.proposed(settings, source.name, asked, pen.people)
    if decision is Decision.CONFIRM:
        enforcing.refuse_own(proposal, person.name)
    kind = RULING if decision is Decision.CONFIRM else REFUSAL
    said = Answer(asked.digest, decision, because, settings.environment, person.name, STEWARD, pen.now)
    with publishing.alone(Lake(settings.home).published(source.name)):
        if not _answered(pen, asked, kind, person):
            if decision is Decision.CONFIRM:
                _refuse_ruled(settings, proposal)
                _refuse_gone(settings, proposal)
                _kept(settings, proposal, given)
            body = {"dataset": source.name, "proposal": asked.digest, "envelope": pen.seal(said)}
            pen.ledger.append(kind, person.name, body, pen.now, once=f"quarantine/{asked.digest}")
    if decision is Decision.REFUSE and proposal.values:
        repairs.clear(settings, source.name, proposal.values)
    return Open(asked.digest, number, proposal)


def _reading(settings: Settings, source: Dataset) -> Reading:
    """Read the book as it stands, or raise QuarantineError when it isn't what is published."""
    stands = book.read(settings, source.name)
    if publishing.current(settings, source.name).book != stands.digest:
        raise QuarantineError(
            "the book of batches has gone on since it was published",
            where=source.name,
            right=f"loanbook settle --dataset {source.name}",
        )
    return snapshots.reading_of(settings, stands, before=stands.digest)


def _table(source: Dataset, held: Sequence[Held], action: Action) -> str:
    tables = sorted({row.table for row in held})
    if len(tables) > 1:
        raise QuarantineError(
            f"the rows are of {', '.join(tables)}", where=source.name, right="Propose table by table"
        )
    barred = [row.row for row in held if not row.whole]
    if action is Action.RELEASE and barred:
        raise QuarantineError(
            f"{', '.join(barred[:3])} can't be released: without key or clock, or not to be read as declared",
            where=f"{source.name}, {tables[0]}",
            right="Repair or reject",
        )
    return tables[0]


def _subjects(settings: Settings, reading: Reading, table: str, names: Sequence[str]) -> tuple[Subject, ...]:
    with lake.connect(settings) as connection:
        told = rows.contents(connection, rows.named(reading, table, names), TABLES[table])
    return tuple(
        Subject(name, rows.part_digest(reading.book, name), rows.content_digest(told[name])) for name in names
    )


def _asked(pen: Pen, source: Dataset, number: int) -> Entry:
    for entry in pen.ledger.entries(PROPOSAL):
        if entry.seq == number and entry.body["dataset"] == source.name:
            return entry
    waiting = [str(one.number) for one in enforcing.waiting(pen.settings, source.name)]
    raise QuarantineError(
        f"ledger entry {number} is no proposal",
        where=source.name,
        right=f"Waiting are {', '.join(waiting) or 'none'}",
    )


def _answered(pen: Pen, asked: Entry, kind: str, person: Person) -> bool:
    """Say whether this very answer stands already; another one raises QuarantineError."""
    for entry in pen.ledger.entries():
        if entry.kind in (RULING, REFUSAL) and entry.body["proposal"] == asked.digest:
            if (entry.kind, entry.actor) == (kind, person.name):
                return True
            raise QuarantineError(
                f"{entry.actor} has answered it: {entry.kind.removeprefix('quarantine-')}",
                where=f"ledger entry {entry.seq}",
                right="Propose again, if it is to be otherwise",
            )
    return False


def _refuse_silence(because: str) -> None:
    if not because.strip():
        raise SignatureError("the reason is empty", right="Say why with --because")


def _refuse_waiting(settings: Settings, source: Dataset, held: Sequence[Held]) -> None:
    names = {row.row for row in held}
    for one in enforcing.waiting(settings, source.name):
        if twice := names & {subject.row for subject in one.proposal.rows}:
            raise QuarantineError(
                f"{', '.join(sorted(twice)[:3])} waits for a second person already",
                where=f"ledger entry {one.number}",
                right=f"loanbook quarantine confirm or refuse {one.number}",
            )


def _refuse_ruled(settings: Settings, proposal: Proposal) -> None:
    """Refuse rows that are released or repaired by now; a rejection may be thought over."""
    stands = book.read(settings, proposal.dataset)
    for one in enforcing.in_force(settings, proposal.dataset):
        if not enforcing.at_hand(settings, stands, one):
            continue
        final = one.proposal.action is not Action.REJECT or proposal.action is Action.REJECT
        twice = {each.row for each in one.proposal.rows} & {each.row for each in proposal.rows}
        if final and twice:
            raise QuarantineError(
                f"{', '.join(sorted(twice)[:3])} is ruled on already: {one.words}", where=proposal.dataset
            )
        if proposal.values is not None and one.proposal.values == proposal.values:
            raise QuarantineError(
                f"these very rows stand already: {one.words}",
                where=proposal.dataset,
                right="Reject the other",
            )


def _refuse_gone(settings: Settings, proposal: Proposal) -> None:
    """Refuse rows whose part is no longer in the book: another mapping, or an erasure, made other rows."""
    stands = book.read(settings, proposal.dataset)
    parts = {part.digest for batch in stands.batches for part in batch.parts}
    if {one.part for one in proposal.rows} - parts:
        raise QuarantineError(
            "the rows were read anew since this was proposed",
            where=proposal.dataset,
            right="Refuse it, and propose on the rows as they stand",
        )


def _kept(settings: Settings, proposal: Proposal, given: Given) -> None:
    """Bring what a repair must keep to the vault; any other ruling takes no values."""
    if proposal.values is None:
        if given:
            raise QuarantineError("values were given, and this is no repair", where=proposal.dataset)
        return
    path = repairs.pending(settings, proposal.dataset, proposal.values)
    if not path.exists():
        raise QuarantineError("the repaired rows are lost", where=str(path), right="Refuse; propose again")
    repairs.keep(settings, proposal.dataset, proposal.table, path, proposal.columns, given)
