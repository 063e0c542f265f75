"""held → ruled: what the ledger says was ruled is what the book of batches does, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from loanbook import digests, lake
from loanbook.errors import QuarantineError, SelfApprovalError, SignatureError
from loanbook.governance import people as enrolled
from loanbook.governance import rulings, signing
from loanbook.governance.chain import Entry
from loanbook.governance.ledger import of_home
from loanbook.governance.people import STEWARD, People, same_name
from loanbook.governance.rulings import Action, Answer, Decision, Proposal
from loanbook.held import repairs
from loanbook.intake import book, publishing
from loanbook.intake.book import Batch, Book, Part, Ruling
from loanbook.intake.readings import snapshot
from loanbook.lake import Lake
from loanbook.settings import Settings

PROPOSAL, RULING, REFUSAL = "quarantine-proposal", "quarantine-ruling", "quarantine-refusal"
KINDS = (PROPOSAL, RULING, REFUSAL)


@dataclass(frozen=True)
class Ruled:
    """A ruling in force: its entry, what was proposed, and who confirmed it (a rejection needs nobody)."""

    entry: str
    number: int
    at: datetime
    proposal: Proposal
    answer: Answer | None

    @property
    def rulings(self) -> tuple[Ruling, ...]:
        """Write it as the book has it, a ruling a row."""
        said = self.proposal
        return tuple(Ruling(one.row, said.table, said.action.value, self.entry) for one in said.rows)

    @property
    def words(self) -> str:
        """Say who ruled what, and why."""
        said = self.proposal
        told = f"{said.action.value} by {said.signer} because “{said.reason}”"
        if self.answer:
            told += f", confirmed by {self.answer.signer} because “{self.answer.reason}”"
        return f"{told} (ledger entry {self.number})"


@dataclass(frozen=True)
class Open:
    """A proposal that waits for a second person; `number` is its entry in the ledger."""

    entry: str
    number: int
    proposal: Proposal


def in_force(settings: Settings, dataset: str) -> tuple[Ruled, ...]:
    """Read what the ledger says was ruled, in order; an entry that doesn't hold raises."""
    entries, known = _entries(settings, dataset)
    if known is None:
        return ()
    proposals = {entry.digest: entry for entry in entries if entry.kind == PROPOSAL}
    return tuple(
        _ruled(settings, dataset, entry, proposals, known) for entry in entries if entry.kind == RULING
    )


def waiting(settings: Settings, dataset: str) -> tuple[Open, ...]:
    """Find the proposals that nobody has answered, oldest first."""
    entries, known = _entries(settings, dataset)
    if known is None:
        return ()
    answered = {entry.body.get("proposal") for entry in entries if entry.kind != PROPOSAL}
    return tuple(
        Open(entry.digest, entry.seq, proposed(settings, dataset, entry, known))
        for entry in entries
        if entry.kind == PROPOSAL and entry.digest not in answered
    )


def proposed(settings: Settings, dataset: str, entry: Entry, known: People) -> Proposal:
    """Verify a proposal's envelope, and that it is a steward's, of this dataset and this place."""
    person, payload = signing.opened(str(entry.body["envelope"]), known)
    proposal = rulings.proposal_of(payload)
    _admit(settings, proposal, proposal.signer, proposal.role, entry)
    signing.refuse_borrowed(proposal.signer, proposal.role, person)
    if proposal.dataset != dataset:
        raise SignatureError(f"signed for dataset {proposal.dataset}", where=_place(entry), right=dataset)
    return proposal


def confirmed(settings: Settings, entry: Entry, asked: Entry, proposal: Proposal, known: People) -> Answer:
    """Verify a yes: a second steward's, on this very proposal."""
    person, payload = signing.opened(str(entry.body["envelope"]), known)
    answer = rulings.answer_of(payload)
    _admit(settings, answer, answer.signer, answer.role, entry)
    signing.refuse_borrowed(answer.signer, answer.role, person)
    refuse_own(proposal, answer.signer)
    if answer.proposal != asked.digest or answer.decision is not Decision.CONFIRM:
        raise SignatureError("the ruling confirms another proposal, or none", where=_place(entry))
    return answer


def refuse_own(proposal: Proposal, signer: str) -> None:
    """Refuse the proposer as the second person."""
    if same_name(signer) == same_name(proposal.signer):
        raise SelfApprovalError(
            f"{signer} proposed this and can't answer it",
            where=f"{proposal.dataset}, {proposal.action.value} of {len(proposal.rows)} rows",
            right="A second steward confirms or refuses",
        )


def hold(settings: Settings, stands: Book) -> None:
    """Refuse a book that does what the ledger doesn't say: a forged ruling, an unconfirmed repair."""
    known = in_force(settings, stands.dataset)
    entered = {ruling: one for one in known for ruling in one.rulings}
    forged = [ruling for ruling in stands.rulings if ruling not in entered]
    if forged or len({ruling.row for ruling in stands.rulings}) != len(stands.rulings):
        raise QuarantineError(
            f"the book of batches holds {len(forged) or 'doubled'} rulings that the ledger doesn't know: "
            f"{', '.join(sorted({ruling.row for ruling in forged})[:3])}",
            where=str(Lake(settings.home).catalog(stands.dataset) / "book.json"),
            right="Restore the book from its copy, and find out who wrote it; nothing was published",
        )
    for ruling in stands.rulings:
        _refuse_other_part(stands, ruling, entered[ruling])
    signed = {one.proposal.values for one in known} - {None}
    for batch in stands.batches:
        if not batch.files:
            _refuse_unconfirmed(settings, stands, batch, signed)


def bring_in(settings: Settings, dataset: str) -> Book:
    """Write into the book what the ledger says was ruled and the book hasn't yet; give the book.

    A process that was killed between ledger and book left exactly that.
    """
    stands = book.read(settings, dataset)
    known = [one for one in in_force(settings, dataset) if at_hand(settings, stands, one)]
    if _missing(stands, known):
        with publishing.alone(Lake(settings.home).published(dataset)):
            stands = book.write(settings, _grown(settings, book.read(settings, dataset), known))
    for one in known:
        if one.proposal.values:
            repairs.clear(settings, dataset, one.proposal.values)
    return stands


def at_hand(settings: Settings, stands: Book, one: Ruled) -> bool:
    """Say whether a ruling can be carried out: a repair whose rows are lost leaves the broken ones held."""
    values, table = one.proposal.values, one.proposal.table
    if not stands.batches or values is None:
        return bool(stands.batches)
    paths = (repairs.pending(settings, stands.dataset, values), _path(settings, stands.dataset, one))
    whole = any(path.exists() and digests.of_file(path) == values for path in paths)
    return whole and snapshot(settings, stands, table) is not None


def _grown(settings: Settings, stands: Book, known: Sequence[Ruled]) -> Book:
    """Enter the missing rulings; a repair brings its rows as a batch without files."""
    missing = _missing(stands, known)
    for one in known:
        if one.proposal.action is Action.REPAIR and set(one.rulings) & set(missing):
            stands = replace(stands, batches=(*stands.batches, _batch(settings, stands, one)))
    rows = {ruling.row for ruling in missing}
    earlier = {ruling for one in known for ruling in one.rulings if ruling.row in rows}
    kept = (ruling for ruling in stands.rulings if ruling not in earlier)
    return replace(stands, rulings=(*kept, *missing))


def _missing(stands: Book, known: Iterable[Ruled]) -> list[Ruling]:
    """Find the rulings that the book lacks; of two on one row the later counts."""
    last = {ruling.row: ruling for one in known for ruling in one.rulings}
    return [ruling for ruling in last.values() if ruling not in stands.rulings]


def _batch(settings: Settings, stands: Book, one: Ruled) -> Batch:
    """Make the batch of a repair: of the day on which the rows it repairs were read."""
    said, rows = one.proposal, len(one.proposal.rows)
    before = snapshot(settings, stands, said.table)
    if before is None or said.values is None:
        raise QuarantineError(f"there is nothing of {said.table} to repair", where=stands.dataset)
    part = Part(said.table, said.values, rows, 0, before.missing_columns)
    target = book.part_path(settings, stands.dataset, part)
    if not target.exists() or digests.of_file(target) != part.digest:
        with lake.whole(target) as draft:
            os.link(repairs.pending(settings, stands.dataset, part.digest), draft)
    last = stands.batches[-1]
    name = book.batch_id(last.id, last.mapping, (), (part,))
    return Batch(name, _day(stands, said), None, last.mapping, (), (part,))


def _day(stands: Book, said: Proposal) -> datetime:
    """Find the day of the rows' batch, so that a belief of an earlier day has row and repair, or neither."""
    parts = {one.part for one in said.rows}
    days = [batch.as_of for batch in stands.batches if {part.digest for part in batch.parts} & parts]
    return max(days, default=stands.batches[-1].as_of)


def _path(settings: Settings, dataset: str, one: Ruled) -> Path:
    """Find where a repair's rows lie once they are among the parts."""
    return Lake(settings.home).snapshots(dataset, one.proposal.table) / f"{one.proposal.values}.parquet"


def _refuse_other_part(stands: Book, ruling: Ruling, one: Ruled) -> None:
    """Hold a row's name, which has the first digits of its part's hash, to the whole hash."""
    signed = next(each.part for each in one.proposal.rows if each.row == ruling.row)
    prefix = ruling.row.partition("-")[0]
    parts = {part.digest for batch in stands.batches for part in batch.parts if part.table == ruling.table}
    if any(digest.startswith(prefix) and digest != signed for digest in parts):
        raise QuarantineError(
            f"row {ruling.row} lies in another part than the one that was signed for",
            where=stands.dataset,
            right="Restore the book from its copy",
        )


def _refuse_unconfirmed(settings: Settings, stands: Book, batch: Batch, signed: set[str | None]) -> None:
    """Refuse rows written by hand that nobody confirmed; those erased since have another hash."""
    for part in batch.parts:
        path = book.part_path(settings, stands.dataset, part)
        known = part.digest in signed or part.erased
        if not known or not path.exists() or digests.of_file(path) != part.digest:
            raise QuarantineError(
                f"batch {batch.id[:12]} has no file and is no repair that two people signed",
                where=str(path),
                right="Restore book and lake from their copy; nothing was published",
            )


def _ruled(
    settings: Settings, dataset: str, entry: Entry, proposals: Mapping[str, Entry], known: People
) -> Ruled:
    asked = entry if entry.body["proposal"] is None else proposals.get(str(entry.body["proposal"]))
    if asked is None:
        raise SignatureError("the ruling answers no proposal", where=_place(entry))
    proposal = proposed(settings, dataset, asked, known)
    answer = None if asked is entry else confirmed(settings, entry, asked, proposal, known)
    if answer is None and proposal.action is not Action.REJECT:
        raise SignatureError(
            f"one person alone can't {proposal.action.value} a row", where=_place(entry), right="Two do"
        )
    return Ruled(entry.digest, entry.seq, entry.at, proposal, answer)


def _entries(settings: Settings, dataset: str) -> tuple[tuple[Entry, ...], People | None]:
    ledger = of_home(settings.home)
    entries = tuple(
        entry for entry in ledger.entries() if entry.kind in KINDS and entry.body.get("dataset") == dataset
    )
    return entries, enrolled.trusted(enrolled.path_of(settings.home), ledger) if entries else None


def _admit(settings: Settings, said: Proposal | Answer, signer: str, role: str, entry: Entry) -> None:
    if role != STEWARD:
        raise SignatureError(f"{signer} signed as {role}", where=_place(entry), right=f"It takes a {STEWARD}")
    if said.environment != settings.environment:
        raise SignatureError(
            f"{signer} signed for {said.environment}", where=_place(entry), right=settings.environment
        )


def _place(entry: Entry) -> str:
    return f"ledger entry {entry.seq}"
