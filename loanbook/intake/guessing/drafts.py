"""raw → validated: write a proposal as a dataset folder: dataset.toml and one SELECT per table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loanbook.intake import tracing
from loanbook.intake.engine import SHOWN, ident, text
from loanbook.intake.guessing.looking import ColumnLook, RawLook
from loanbook.intake.guessing.proposed import Line, Proposal, Select
from loanbook.intake.sources import RawSource
from loanbook.schema import TABLES

MONEY = "DECIMAL(18,2)"
_HEAD = (
    "Proposed by `loanbook dataset new` from what the raw tables look like.",
    "Whatever is marked `guessed` waits for somebody who knows the lender.",
)


@dataclass(frozen=True)
class Titles:
    """What a dataset says of itself; an empty one is guessed, and told to be."""

    name: str
    currency: str = ""
    country: str = ""
    licence: str = ""


def written(proposal: Proposal, looks: Sequence[RawLook], titles: Titles) -> dict[str, str]:
    """Write each file's text by its name. No raw value stands in any of them."""
    named = {look.source.name: look for look in looks}
    files = {f"{table}.sql": _sql(table, selects, named) for table, selects in proposal.tables.items()}
    return {"dataset.toml": _toml(proposal, looks, titles), **files}


def _sql(table: str, selects: Sequence[Select], looks: Mapping[str, RawLook]) -> str:
    given = {line.column for select in selects for line in select.lines}
    absent = [name for name in TABLES[table].names if name not in given]
    head = [f"-- grain: {TABLES[table].grain}", *(f"-- {line}" for line in _HEAD)]
    if absent:
        head.append(f"-- null, for nothing like them was found: {', '.join(absent)}")
    parts = [_select(select, looks[select.source]) for select in selects]
    return "\n".join(head) + "\n" + "\nUNION ALL BY NAME\n".join(parts) + "\n"


def _select(select: Select, look: RawLook) -> str:
    """Write one SELECT, a line for each column, its guess behind it."""
    rows = [*map(_line, select.lines), *_provenance(select)]
    body = [
        f"    {sql}{',' if place < len(rows) - 1 else ''}{f' -- {told}' if told else ''}"
        for place, (sql, told) in enumerate(rows)
    ]
    end = [f"FROM {_from(select, look)} AS raw_row"]
    end += [select.join] if select.join else []
    end += [f"WHERE {select.where}"] if select.where else []
    end += [f"GROUP BY {select.group}"] if select.group else []
    return "\n".join(["SELECT", *body, *end])


def _line(line: Line) -> tuple[str, str]:
    sql = line.sql if line.sql == ident(line.column) else f"{line.sql} AS {line.column}"
    return sql, f"guessed: {_one_line(line.guessed)}" if line.guessed else ""


def _provenance(select: Select) -> list[tuple[str, str]]:
    """Carry where a row came from; of several rows put together, where the first did."""
    if select.group:
        when = next(line.sql for line in select.lines if line.column == "event_at")
        first = when.removeprefix("min(").removesuffix(")")
        found = [f"arg_min({name}, {first}) AS {name}" for name in ("_file", "_row")]
        return [(sql, "") for sql in (*found, "max(_broken) AS _broken")]
    broken = "coalesce(_broken, person._theirs) AS _broken" if " AS person " in select.join else "_broken"
    return [("_file", ""), ("_row", ""), (broken, "")]


def _from(select: Select, look: RawLook) -> str:
    """Name the raw table; what a plain cast doesn't read is read first, and what can't be is told."""
    name = f"raw.{ident(look.source.name)}"
    if not select.reads:
        return name
    values = [f"{column.read.format(ident(column.name))} AS {ident(column.name)}" for column in select.reads]
    replaced = ",\n        ".join([*values, _broken(select)])
    return f"(\n    SELECT * REPLACE (\n        {replaced}\n    ) FROM {name}\n)"


def _broken(select: Select) -> str:
    """Say what can't be read: of what may name a person or is protected, only how it looks."""
    told = []
    for column in select.reads:
        name = ident(column.name)
        broken = f"{name} IS NOT NULL AND {column.read.format(name)} IS NULL"
        ends = {line.column for line in select.lines if name in line.sql}
        start, sign = f"left({name}, {SHOWN})", "="
        if not ends or ends & tracing.HIDDEN:
            start, sign = (
                f"regexp_replace(regexp_replace({start}, '\\pL', 'A', 'g'), '\\pN', '9', 'g')",
                " like ",
            )
        told.append(f"CASE WHEN {broken} THEN {text(column.name + sign)} || {start} END")
    return f"nullif(concat_ws('; ', _broken, {', '.join(told)}), '') AS _broken"


def _toml(proposal: Proposal, looks: Sequence[RawLook], titles: Titles) -> str:
    chinese = any("一" <= sign <= "鿿" for look in looks for column in look.columns for sign in column.name)
    currency = titles.currency or ("CNY" if chinese else "XXX")
    country = titles.country or ("CN" if chinese else "ZZ")
    by = "by its Chinese headers" if chinese else "nothing tells; XXX and ZZ stand for none"
    lines = [*(f"# {line}" for line in _HEAD), "", f"name = {_quoted(titles.name)}"]
    lines += [f"title = {_quoted(titles.name.replace('_', ' ').capitalize())}"]
    lines += [f"currency = {_quoted(currency)}{'' if titles.currency else f' # guessed: {by}'}"]
    lines += [f"country = {_quoted(country)}{'' if titles.country else f' # guessed: {by}'}"]
    lines += [f"licence = {_quoted(titles.licence or 'internal')}"]
    for look in looks:
        lines += ["", *_source(proposal, look)]
    return "\n".join(lines) + "\n"


def _source(proposal: Proposal, look: RawLook) -> list[str]:
    """Write one [raw.<name>], with the types of what is used and a word on what isn't."""
    source, name = look.source, look.source.name
    table = proposal.taken_for[name]
    lines = [f"# guessed: {look.rows:,} rows, taken for {table or 'none of our tables'}", f"[raw.{name}]"]
    lines += [f"{key} = {_value(value)}" for key, value in _settings(source).items()]
    lines += _left(proposal.left_out[name])
    used = [column for column in look.columns if column.name in proposal.used[name]]
    if used:
        lines += ["", f"[raw.{name}.columns]"]
        lines += [f"{_bare(column.name)} = {_quoted(_type(proposal, name, column))}" for column in used]
    return lines


def _settings(source: RawSource) -> dict[str, object]:
    """Give what must be said of a source, in the order in which it is written."""
    if source.database:
        address = f"env:{source.database.address}"
        return {"from": "postgresql", "address": address, "table": source.database.table}
    settings: dict[str, object] = {"files": list(source.files), "format": source.format}
    if source.format == "csv":
        settings |= {"encoding": source.encoding, "delimiter": source.delimiter}
    if source.format == "xlsx" and source.sheet:
        settings["sheet"] = source.sheet
    if source.format in {"csv", "xlsx"}:
        settings["null"] = list(source.null)
    return settings | ({"union_by_name": True} if source.union_by_name else {})


def _left(left: Mapping[str, str]) -> list[str]:
    """Say what is left out, by reason."""
    by_reason: dict[str, list[str]] = {}
    for name, why in left.items():
        by_reason.setdefault(why, []).append(_one_line(name))
    return [f"# left out: {', '.join(names)}: {why}" for why, names in by_reason.items()]


def _type(proposal: Proposal, source: str, column: ColumnLook) -> str:
    """Declare a column's type: a key is a text, an amount a decimal; what is read by a format is a text."""
    if column.read or column.kind in {"text", "flag"}:
        return "BOOLEAN" if column.type == "BOOLEAN" else "VARCHAR"
    served = [
        TABLES[table].column(line.column)
        for table, selects in proposal.tables.items()
        for select in selects
        if select.source == source
        for line in select.lines
        if ident(column.name) in line.sql
    ]
    if any(each.type == "VARCHAR" for each in served) and column.kind == "number":
        return "VARCHAR"
    return MONEY if any(each.type == MONEY for each in served) else column.type


def _value(value: object) -> str:
    return (
        {True: "true", False: "false"}[value]
        if isinstance(value, bool)
        else json.dumps(value, ensure_ascii=False)
    )


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _bare(name: str) -> str:
    plain = name.replace("_", "").replace("-", "")
    return name if plain.isascii() and plain.isalnum() else _quoted(name)


def _one_line(said: str) -> str:
    return " ".join(said.split())
