"""raw → validated: propose how raw tables fill ours: what is guessed, and why, stands beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loanbook.intake.engine import ident
from loanbook.intake.guessing import matching, vocabulary
from loanbook.intake.guessing.deals import propose_deal
from loanbook.intake.guessing.looking import ColumnLook, RawLook
from loanbook.intake.guessing.matching import Match
from loanbook.intake.guessing.persons import from_people
from loanbook.intake.guessing.proposed import (
    Draft,
    Line,
    Proposal,
    clock_of,
    clocks,
    key_of,
    lines_of,
    paid_on,
    read,
    select_of,
)
from loanbook.intake.guessing.referring import Reference
from loanbook.schema import TABLES


def propose(looks: Sequence[RawLook], references: Sequence[Reference]) -> Proposal:
    """Propose what fills each of our tables."""
    kinds = {look.source.name: matching.kind_of(look) for look in looks}
    draft = Draft(left={look.source.name: {} for look in looks})
    lent = _lent(looks, kinds, references)
    people = [look for look in looks if kinds[look.source.name] == "customers"]
    deals = [look for look in looks if kinds[look.source.name] == "applications"]
    dated = [look for look in deals if clock_of(look, "applications")]
    for look in looks:
        kind = kinds[look.source.name]
        if kind == "applications":
            propose_deal(
                draft,
                look,
                only="loans" if look.source.name in lent else "",
                people=people,
                has_lent=bool(lent),
            )
        elif kind == "customers":
            from_people(draft, look, dated)
        elif kind:
            _plain(draft, look, kind)
    for look in looks:
        _leave(draft, look, kinds[look.source.name])
    order = [name for name in TABLES if name in draft.tables]
    return Proposal(
        {name: tuple(draft.tables[name]) for name in order},
        kinds,
        draft.left,
        {look.source.name: draft.used(look) for look in looks},
    )


def _lent(looks: Sequence[RawLook], kinds: Mapping[str, str], references: Sequence[Reference]) -> set[str]:
    """Find tables of loans beside a table of applications: they name its rows."""
    found = set()
    for look in looks:
        if kinds[look.source.name] != "applications":
            continue
        loan = matching.matches(look, "loans")
        asked = [
            reference
            for reference in references
            if reference.table == look.source.name
            and kinds[reference.other] == "applications"
            and "application_id" in loan
            and reference.column == loan["application_id"].column.name
        ]
        if asked and "loan_id" in loan:
            found.add(look.source.name)
    return found


def _plain(draft: Draft, look: RawLook, table: str) -> None:
    """Fill one table from a raw table of its own."""
    found = matching.matches(look, table)
    own: list[Line] = []
    columns: list[ColumnLook] = []
    when = clock_of(look, table)
    if table == "repayments":
        when, own, columns = _instalment(look, found, when)
    if when is None:
        for column in look.columns:
            draft.left[look.source.name].setdefault(column.name, "no column of this table reads as its time")
        return
    if not any(line.column == TABLES[table].key for line in own):
        own = [key_of(look, table), *own]
    if not any(line.column == "event_at" for line in own):
        own = [own[0], *clocks(look, when), *own[1:]]
    lines, reads = lines_of(look, table, found, own)
    columns = [*reads, *columns, when.column]
    draft.add(table, select_of(look, lines, columns))


def _instalment(
    look: RawLook, found: Mapping[str, Match], when: Match | None
) -> tuple[Match | None, list[Line], list[ColumnLook]]:
    """Say when an instalment was paid, or that it wasn't, and how late."""
    due, paid = matching.due(look), paid_on(look) or when
    own: list[Line] = []
    loan, number = found.get("loan_id"), found.get("instalment_no")
    if loan and "repayment_id" not in found:
        part = number.column if number else due.column if due else None
        if part:
            named = f"{ident(loan.column.name)} || '-' || {ident(part.name)}"
            own.append(Line("repayment_id", named, "a loan's instalments, told apart"))
    if not due or not paid or due.column.name == paid.column.name:
        return paid or due, own, []
    told = "what isn't paid is told 31 days after it was due"
    at = f"coalesce({read(paid.column)}::TIMESTAMP, {read(due.column)}::TIMESTAMP + INTERVAL 31 DAYS)"
    later = "known a day later; say here when the lender really knew"
    own += [Line("event_at", at, told), Line("available_at", f"{at} + INTERVAL 1 DAY", later)]
    if "days_past_due" not in found:
        days = f"greatest(date_diff('day', {read(due.column)}::TIMESTAMP, {at}), 0)"
        own.append(Line("days_past_due", days, "by the day it was due, and the day it was paid"))
    return paid, own, [due.column, paid.column]


def _leave(draft: Draft, look: RawLook, kind: str) -> None:
    """Say of every column that isn't used why not."""
    left, used = draft.left[look.source.name], draft.used(look)
    for column in look.columns:
        if column.name in used:
            left.pop(column.name, None)
        elif column.kind == "empty":
            left.setdefault(column.name, "holds no value")
        elif vocabulary.IDENTIFYING.search(column.name) or (column.shape and column.shape != "name"):
            left[column.name] = "identifies a person, and no table of ours holds it"
        else:
            none = "the table was taken for none of ours" if not kind else "nothing of ours is called like it"
            left.setdefault(column.name, none)
