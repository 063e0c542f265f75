"""raw → validated: propose what a table of deals fills: applications, loans, and what it says beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loanbook.intake.engine import ident
from loanbook.intake.guessing import matching, naming, vocabulary
from loanbook.intake.guessing.looking import ColumnLook, RawLook
from loanbook.intake.guessing.matching import Match
from loanbook.intake.guessing.persons import from_deals, joined
from loanbook.intake.guessing.proposed import (
    Draft,
    Line,
    car_of,
    clock_of,
    clocks,
    key_of,
    lines_of,
    paid_on,
    person_of,
    read,
    select_of,
    wide,
)


def after(look: RawLook) -> dict[str, str]:
    """Name the columns of a table of deals that look filled in when the outcome was known, and why."""
    asked = clock_of(look, "applications") or clock_of(look, "loans")
    bureau = matching.matches(look, "bureau_reports")
    known = {match.column.name for match in bureau.values() if match.score >= matching.SURE}
    found = dict.fromkeys(wide(look), "a ledger in wide columns: UNPIVOT it into repayments by hand")
    for column in look.columns:
        if column.name in found:
            continue
        plain = "_".join(naming.words(column.name)) or column.name
        said = vocabulary.AFTERWARDS.search(column.name) or vocabulary.AFTERWARDS.search(plain)
        if said and column.name not in known:
            found[column.name] = "looks filled in when the outcome was known: a feature of it would be a leak"
        elif asked and _later(column, asked.column):
            found[column.name] = (
                "its days lie long after the application: filled in later, it would be a leak"
            )
    return found


def _later(column: ColumnLook, asked: ColumnLook) -> bool:
    """Tell whether a time goes on far past the last application."""
    if column.kind != "time" or not column.last or not asked.last or column.name == asked.name:
        return False
    return (column.last - asked.last).days > 90 and not naming.tokens(column.name) & {
        "due",
        "birth",
        "maturity",
    }


def propose_deal(
    draft: Draft, look: RawLook, *, only: str, people: Sequence[RawLook], has_lent: bool
) -> None:
    """Fill applications and loans from a table of deals, and what it says of people, bureaus and cars."""
    leave = after(look)
    draft.left[look.source.name] |= leave
    asked, lent = clock_of(look, "applications"), clock_of(look, "loans")
    asked, lent = asked or lent, lent or asked
    if asked is None or lent is None:
        for column in look.columns:
            draft.left[look.source.name].setdefault(column.name, "no column of this table reads as its time")
        return
    key = key_of(look, "loans" if only else "applications")
    person = person_of(look, key)
    cars = matching.matches(look, "vehicles", leave)
    car = car_of(cars, key)
    auto = car is not None
    product = Line("product", "'auto'" if auto else "'consumer'", "by whether it tells of vehicles")
    if not only:
        own = [key, *clocks(look, asked), person, product]
        own += [Line("vehicle_id", car.sql, car.guessed)] if car else []
        found = matching.matches(look, "applications", leave)
        lines, reads = lines_of(look, "applications", found, own)
        lines, join = joined(lines, people, person)
        if not has_lent and not any(line.column == "decision" for line in lines):
            lines.append(
                Line("decision", "'approved'", "the table has no decision: all that stands there was lent")
            )
        draft.add("applications", select_of(look, lines, [*reads, asked.column], join=join))
    if only or not has_lent:
        _loans(draft, look, key, person, product, lent, leave)
    _beside(draft, look, key, person, asked, leave, car, people)


def _loans(
    draft: Draft, look: RawLook, key: Line, person: Line, product: Line, lent: Match, leave: Mapping[str, str]
) -> None:
    found = matching.matches(look, "loans", leave)
    loan_key = Line("loan_id", key.sql, key.guessed)
    own = [loan_key, *clocks(look, lent)]
    if "application_id" not in found or found["application_id"].score < matching.SURE:
        own.append(Line("application_id", key.sql, "one application to a loan, of the same name"))
    lines, reads = lines_of(look, "loans", found, [*own, person, product])
    draft.add("loans", select_of(look, lines, [*reads, lent.column]))
    due, paid = matching.due(look), paid_on(look)
    if due and paid:
        days = f"greatest(date_diff('day', {read(due.column)}, {read(paid.column)}), 0)"
        told = "by the day it was paid and the day it was due; what was never paid is left null"
        lines = [
            Line("repayment_id", f"{key.sql} || '-1'", "one row per loan: its first or only instalment"),
            *clocks(look, paid),
            Line("loan_id", key.sql),
            Line("instalment_no", "1"),
            Line("days_past_due", days, told),
        ]
        columns = [due.column, paid.column]
        for column in columns:
            draft.left[look.source.name].pop(column.name, None)
        draft.add("repayments", select_of(look, lines, columns, where=f"{read(paid.column)} IS NOT NULL"))


def _beside(
    draft: Draft,
    look: RawLook,
    key: Line,
    person: Line,
    asked: Match,
    leave: Mapping[str, str],
    car: Line | None,
    people: Sequence[RawLook],
) -> None:
    """Fill customers, bureau reports, vehicles and links from what a deal's table tells beside the deal."""
    found = matching.matches(look, "customers", leave)
    if not people:
        from_deals(draft, look, person, asked, found)
    bureau = {
        n: m
        for n, m in matching.matches(look, "bureau_reports", leave).items()
        if n not in ("report_id", "customer_id")
    }
    if "score" in bureau or len(bureau) >= 2:
        own = [
            Line("report_id", key.sql, "one pull an application"),
            *clocks(look, asked),
            person,
        ]
        oldest = _oldest(look, asked)
        lines, reads = lines_of(look, "bureau_reports", bureau, [*own, *(line for _, line in oldest)])
        reads += [column for column, _ in oldest]
        draft.add("bureau_reports", select_of(look, lines, [*reads, asked.column]))
    if car:
        own = [car, *clocks(look, asked)]
        lines, reads = lines_of(look, "vehicles", matching.matches(look, "vehicles", leave), own)
        draft.add("vehicles", select_of(look, lines, [*reads, asked.column]))
    _links(draft, look, key, person, asked, leave)


def _oldest(look: RawLook, asked: Match) -> list[tuple[ColumnLook, Line]]:
    """Count the age of the oldest account, where the day it was opened is told."""
    name = "oldest_account_months"
    words = vocabulary.words("bureau_reports")[name]
    for column in look.columns:
        if column.kind == "time" and naming.nearness(column.name, words) >= matching.SURE:
            sql = f"date_diff('month', {read(column)}, {read(asked.column)})"
            return [(column, Line(name, sql, "from the day it was opened to the application"))]
    return []


def _links(
    draft: Draft, look: RawLook, key: Line, person: Line, asked: Match, leave: Mapping[str, str]
) -> None:
    for kind, words in vocabulary.linking().items():
        for column in look.columns:
            if column.name in leave or column.kind not in {"text", "number"} or not column.filled:
                continue
            if naming.nearness(column.name, words) >= matching.SURE:
                lines = [
                    Line("link_id", f"{key.sql} || '-{kind}'"),
                    *clocks(look, asked),
                    person,
                    Line("kind", f"'{kind}'"),
                    Line("shared_key", ident(column.name), f"customers who share it are linked by a {kind}"),
                ]
                where = f"{ident(column.name)} IS NOT NULL"
                draft.add("links", select_of(look, lines, [column, asked.column], where=where))
                break
