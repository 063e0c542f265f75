"""raw → validated: propose customers: from a table of people, or from what their deals say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loanbook.intake.engine import ident
from loanbook.intake.guessing import matching
from loanbook.intake.guessing.looking import RawLook
from loanbook.intake.guessing.matching import Match
from loanbook.intake.guessing.proposed import Draft, Line, clock_of, clocks, lines_of, read, select_of, unique

# What tables of people say, and an application should.
PERSONAL = ("employment_status", "employment_months", "housing", "lat", "lon", "declared_income")


def from_deals(draft: Draft, look: RawLook, person: Line, asked: Match, found: Mapping[str, Match]) -> None:
    """Fill customers from their deals: what the first deal said of them."""
    when = read(asked.column)
    plain, reads = lines_of(look, "customers", found, [person])
    columns = [*reads, asked.column]
    if person.column != "customer_id" or person.guessed.startswith("no column"):
        lines = [person, *clocks(look, asked), *plain[1:]]
        draft.add("customers", select_of(look, lines, columns))
        return
    lines = [
        person,
        Line("event_at", f"min({when})", "a customer is known from the first application on"),
        Line("available_at", f"min({when})", "taken for known when it happened"),
        *(Line(line.column, f"arg_min({line.sql}, {when})", line.guessed) for line in plain[1:]),
    ]
    draft.add("customers", select_of(look, lines, columns, group=person.sql))


def from_people(draft: Draft, look: RawLook, deals: Sequence[RawLook]) -> None:
    """Fill customers from a table of people; without a time of its own, the first deal gives it."""
    found = matching.matches(look, "customers")
    if "customer_id" not in found:
        return
    person = Line(
        "customer_id", ident(found["customer_id"].column.name), unique(look, found["customer_id"].column)
    )
    own = clock_of(look, "customers")
    plain, reads = lines_of(look, "customers", found, [person])
    if own and own.score >= matching.ENOUGH:
        lines = [person, *clocks(look, own), *plain[1:]]
        draft.add("customers", select_of(look, lines, [*reads, own.column]))
        return
    met = _met(deals)
    if not met:
        draft.left[look.source.name][found["customer_id"].column.name] = (
            "nothing says when a customer was known"
        )
        return
    told = "the table has no time: a customer is known from the first application on"
    join = f"JOIN (\n    {met}\n) AS met ON met._who = raw_row.{person.sql}"
    lines = [person, Line("event_at", "met._met", told), Line("available_at", "met._met", told), *plain[1:]]
    draft.add("customers", select_of(look, lines, reads, join=join))


def _met(deals: Sequence[RawLook]) -> str:
    """Write when each customer was first met."""
    parts = []
    for look in deals:
        found = matching.matches(look, "applications").get("customer_id")
        asked = clock_of(look, "applications")
        if found and asked:
            parts.append(
                f"SELECT {ident(found.column.name)} AS _who, {read(asked.column)} AS _at "
                f"FROM raw.{ident(look.source.name)}"
            )
    if not parts:
        return ""
    return (
        "SELECT _who, min(_at) AS _met FROM (\n    "
        + "\n    UNION ALL ".join(parts)
        + "\n    ) GROUP BY _who"
    )


def joined(lines: list[Line], people: Sequence[RawLook], person: Line) -> tuple[list[Line], str]:
    """Take from the tables of people what an application should say, and its own table doesn't."""
    have, told, parts = {line.column for line in lines}, set[str](), []
    if person.guessed:
        return lines, ""
    for look in people:
        found = matching.matches(look, "applications")
        key = matching.matches(look, "customers").get("customer_id")
        wanted = {name: found[name] for name in PERSONAL if name in found and name not in have}
        if key and wanted:
            told |= set(wanted)
            picked = "".join(f", {read(match.column)} AS _{name}" for name, match in wanted.items())
            rows = f"raw.{ident(look.source.name)}"
            parts.append(f"SELECT {ident(key.column.name)} AS _who{picked}, _broken AS _theirs FROM {rows}")
    if not parts:
        return lines, ""
    names = [name for name in PERSONAL if name in told]
    picked = "".join(f", any_value(_{name}) AS _{name}" for name in names)
    rows = "\n    UNION ALL BY NAME ".join(parts)
    join = (
        f"LEFT JOIN (\n    SELECT _who{picked}, max(_theirs) AS _theirs\n"
        f"    FROM (\n    {rows}\n    ) GROUP BY _who\n) "
        f"AS person ON person._who = raw_row.{person.sql}"
    )
    why = "told once a person: perhaps on a later day than the application"
    return [*lines, *(Line(name, f"person._{name}", why) for name in names)], join
