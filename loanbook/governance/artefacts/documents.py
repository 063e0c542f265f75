"""candidate → reviewed: what an artefact is: tables of facts, each with the place it was read from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loanbook.governance import reading
from loanbook.governance.basis import Basis
from loanbook.governance.reading import UnreadableFact

FORMAT = 1
SAID = ("what", "is", "fact")


@dataclass(frozen=True)
class Section:
    """One table: `fact` is where its rows were read, where no row says its own place.

    A null in a column of `asks` is unknown; elsewhere it is what this row doesn't have. A table without rows
    is unknown too, unless that says something: `may_be_empty`.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    fact: str = ""
    asks: tuple[str, ...] = ()
    may_be_empty: bool = False


@dataclass(frozen=True)
class Document:
    """One artefact. `unknown` names what it asks for and the facts don't hold."""

    name: str
    title: str
    sections: tuple[Section, ...]
    unknown: tuple[str, ...]


def document(name: str, title: str, sections: Sequence[Section]) -> Document:
    """Put sections together and name what is unknown in them."""
    unknown = [one for section in sections for one in _unknown(section)]
    return Document(name, title, tuple(sections), tuple(dict.fromkeys(unknown)))


def _unknown(section: Section) -> list[str]:
    if section.columns == SAID:
        return [f"{what}: {fact} isn't there" for what, value, fact in section.rows if value is None]
    holes = [
        f"{column} of {row[0]}: {section.fact} doesn't say"
        for row in section.rows
        for column, value in zip(section.columns, row, strict=True)
        if column in section.asks and value is None
    ]
    empty = not section.rows and not section.may_be_empty
    return [f"{section.title}: {section.fact} holds nothing"] if empty else holes


def said(title: str, facts: Mapping[str, Any], wanted: Mapping[str, str]) -> Section:
    """Say one fact a row: what it is called here, and the dotted path at which it is read."""
    return Section(title, SAID, tuple((what, at(facts, path), path) for what, path in wanted.items()))


def each(title: str, facts: Mapping[str, Any], path: str, first: str, asks: Sequence[str] = ()) -> Section:
    """Say a mapping of mappings as a table: a row each, a column for what is asked and whatever any says."""
    rows = dict(sorted(mappings(facts, path).items()))
    columns = tuple(dict.fromkeys([*asks, *(column for one in rows.values() for column in one)]))
    cells = tuple((name, *(one.get(column) for column in columns)) for name, one in rows.items())
    return Section(title, (first, *columns), cells, path, tuple(asks))


def leaves(title: str, facts: Mapping[str, Any], path: str) -> Section:
    """Say whatever stands below a path, a row each, by what is left of its own path."""
    return Section(title, ("measure", "value"), tuple(_leaves(at(facts, path), ())), path)


def _leaves(found: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if isinstance(found, list | tuple) and any(isinstance(one, Mapping) for one in found):
        found = {str(place): one for place, one in enumerate(found)}
    if isinstance(found, Mapping):
        for name, inner in found.items():
            yield from _leaves(inner, (*path, name))
    elif path:
        yield ".".join(path), found


def mappings(facts: Mapping[str, Any], path: str) -> dict[str, Mapping[str, Any]]:
    """Read those members of a mapping that are mappings themselves; none where it isn't there."""
    found = at(facts, path)
    members = found.items() if isinstance(found, Mapping) else ()
    return {name: one for name, one in members if isinstance(one, Mapping)}


def at(facts: Mapping[str, Any], path: str) -> Any:
    """Read the fact at a dotted path; null where it isn't there."""
    try:
        return reading.at(facts, *path.split("."))
    except UnreadableFact:
        return None


def as_json(made: Document, basis: Basis) -> dict[str, Any]:
    """Give the artefact for machines, bound to the evidence that it was made from."""
    return {
        "format": FORMAT,
        "artefact": made.name,
        "title": made.title,
        "of": {
            "model": basis.evidence.model,
            "version": basis.evidence.version,
            "evidence": basis.evidence.digest,
            "policy": basis.policy.digest,
            "bundle": basis.evidence.facts["bundle"]["digest"],
        },
        "sections": [
            {
                "title": section.title,
                "fact": section.fact or None,
                "rows": [dict(zip(section.columns, row, strict=True)) for row in section.rows],
            }
            for section in made.sections
        ],
        "unknown": list(made.unknown),
    }
