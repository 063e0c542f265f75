"""What may be known: how long, counted from which clock, why, and what an erasure leaves."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from loanbook import digests
from loanbook.errors import PolicyError
from loanbook.schema import REFERENCES, TABLES, Privacy, Table

Since = Literal["event_at", "available_at", "last_seen"]
Erasure = Literal["delete", "tokenise", "none"]
FIELDS = ("months", "since", "because", "erasure")
KEEPS = "keeps"
LONGEST = 1200
_NEVER = (Privacy.IDENTIFYING, Privacy.PROTECTED)


@dataclass(frozen=True)
class Rule:
    """One table's rule; `keeps` are the columns that stay of a tokenised row, beside keys and clocks."""

    table: str
    months: int
    since: Since
    because: str
    erasure: Erasure
    keeps: tuple[str, ...]


@dataclass(frozen=True)
class Retention:
    """The rules of every canonical table; `digest` names the file's bytes."""

    rules: Mapping[str, Rule]
    digest: str


def path_of(repo: Path) -> Path:
    """Find the file."""
    return repo / "expectations" / "policies" / "retention.toml"


def read(repo: Path) -> Retention:
    """Read the rules, or raise PolicyError: a table without a rule, a misspelt key, a column unknown."""
    path = path_of(repo)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PolicyError(f"the retention rules can't be read: {error.strerror}", where=str(path)) from error
    return parse(text, str(path))


def parse(text: str, where: str) -> Retention:
    """Read the rules from TOML."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"the retention rules are no TOML: {error}", where=where) from error
    if given.pop("version", None) != 1:
        raise PolicyError("the retention rules are of another version", where=where, right="version = 1")
    _refuse(set(given) - set(TABLES), where, "there is no table", TABLES)
    _refuse(set(TABLES) - set(given), where, "no rule is given for", TABLES)
    rules = {name: _rule(TABLES[name], given[name], f"{where}, {name}") for name in TABLES}
    return Retention(MappingProxyType(rules), digests.of_bytes(text.encode()))


def owner(table: str) -> str | None:
    """Name the column by which a table's rows belong to a person: the customer's, the loan's, or none."""
    if "customer_id" in TABLES[table].names:
        return "customer_id"
    loans = [column for column, parent in REFERENCES.get(table, ()) if parent == "loans"]
    return loans[0] if loans else None


def _rule(table: Table, given: Any, where: str) -> Rule:
    if not isinstance(given, dict):
        raise PolicyError("it is no section", where=where, right=f"Write [{table.name}]")
    tokenised = given.get("erasure") == "tokenise"
    wanted = {*FIELDS, *([KEEPS] if tokenised else [])}
    _refuse(set(given) - wanted, where, "it doesn't take", wanted)
    _refuse(wanted - set(given), where, "it lacks", wanted)
    months, keeps = given["months"], given.get(KEEPS, [])
    if type(months) is not int or not 0 < months <= LONGEST:
        raise PolicyError(f"months is {months}", where=where, right=f"A whole number from 1 to {LONGEST}")
    if not isinstance(given["because"], str) or not given["because"].strip():
        raise PolicyError("no reason is given", where=where, right="Name the law or contract in `because`")
    _one_of(given["since"], get_args(Since), "since", where)
    _one_of(given["erasure"], get_args(Erasure), "erasure", where)
    _agrees(table, given, where)
    _refuse(set(keeps) - set(table.names), where, "it keeps no column", table.names)
    _refuse(
        {column.name for column in table.columns if column.name in keeps and column.privacy in _NEVER},
        where,
        "who was erased can't be known by",
        (),
    )
    return Rule(table.name, months, given["since"], given["because"], given["erasure"], tuple(keeps))


def _agrees(table: Table, given: Mapping[str, Any], where: str) -> None:
    """A table that belongs to persons is erased in some way; of one that doesn't, nothing is."""
    personal = owner(table.name) is not None
    if personal == (given["erasure"] == "none"):
        raise PolicyError(
            f"erasure is {given['erasure']}, and its rows belong to {'persons' if personal else 'nobody'}",
            where=where,
            right="delete or tokenise" if personal else "none",
        )
    if given["since"] == "last_seen" and not personal:
        raise PolicyError("its rows have no customer who was last seen", where=where, right="event_at")


def _one_of(value: object, allowed: tuple[str, ...], name: str, where: str) -> None:
    if value not in allowed:
        raise PolicyError(f"{name} is {value!r}", where=where, right=f"One of {', '.join(allowed)}")


def _refuse(found: set[str], where: str, what: str, known: Any) -> None:
    if found:
        right = f"Known are {', '.join(sorted(known))}" if known else "Leave it out"
        raise PolicyError(f"{what} {', '.join(sorted(found))}", where=where, right=right)
