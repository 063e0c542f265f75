"""candidate → champion: what law and supervisors ask of a version, read strictly from its TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from loanbook import digests
from loanbook.errors import PolicyError
from loanbook.governance import showing
from loanbook.schema import Purpose

FORCES = ("law", "guidance")
NEEDED: Mapping[str, type] = MappingProxyType(
    {
        "source": str,
        "article": str,
        "jurisdiction": str,
        "force": str,
        "demands": str,
        "effective": date,
        "shown_by": list,
        "certain": bool,
    }
)
OPTIONAL: Mapping[str, type] = MappingProxyType(
    {
        "until": date,
        "superseded_by": str,
        "purposes": list,
        "read_as": str,
        "fresh_months": int,
        "doubt": str,
    }
)


@dataclass(frozen=True)
class Obligation:
    """One demand of one source, from one day on, perhaps until another.

    `demands` is what the source asks; `read_as`, what the facts in `shown_by` are held to here. Where
    `shown_by` is empty, no fact of ours can show it. `doubt` says what of the citation wasn't checked.
    `fresh_months` is the lender's own: a fact that is older shows it no longer.
    """

    name: str
    source: str
    article: str
    jurisdiction: str
    force: str
    demands: str
    effective: date
    shown_by: tuple[str, ...]
    certain: bool
    until: date | None = None
    superseded_by: str = ""
    purposes: tuple[Purpose, ...] = ()
    read_as: str = ""
    fresh_months: int | None = None
    doubt: str = ""


@dataclass(frozen=True)
class Obligations:
    """Every obligation of the file; `digest` is the SHA-256 of its text."""

    version: int
    each: tuple[Obligation, ...]
    digest: str


def parse(text: str, where: str) -> Obligations:
    """Read the file, or raise PolicyError naming the obligation, the key, and what is allowed."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"this is no TOML: {error}", where=where) from None
    unknown = set(table) - {"version", "obligation"}
    if unknown:
        raise PolicyError(
            f"unknown key {sorted(unknown)[0]}", where=where, right="Known are version, obligation"
        )
    version, entries = table.get("version"), table.get("obligation")
    if type(version) is not int or not isinstance(entries, dict) or not entries:
        raise PolicyError(
            "no version, or no obligation", where=where, right="Begin one with [obligation.NAME]"
        )
    found = tuple(_obligation(name, entry, f"{where}, {name}") for name, entry in entries.items())
    return Obligations(version, found, digests.of_bytes(text.encode()))


def _obligation(name: str, entry: Any, where: str) -> Obligation:
    if not isinstance(entry, dict):
        raise PolicyError("this is no table", where=where, right=f"It needs {', '.join(NEEDED)}")
    for key, value in entry.items():
        kind = {**NEEDED, **OPTIONAL}.get(key)
        if kind is None:
            allowed = ", ".join([*NEEDED, *OPTIONAL])
            raise PolicyError(f"unknown key {key!r}", where=where, right=f"Known are {allowed}")
        if type(value) is not kind or value == "":
            raise PolicyError(f"{key} is {value!r}", where=where, right=f"It is a {kind.__name__}, not empty")
    lacking = [key for key in NEEDED if key not in entry]
    if lacking:
        raise PolicyError(f"{lacking[0]} is missing", where=where, right="Absence is refusal")
    _agree(entry, where)
    lists = {
        "shown_by": tuple(entry["shown_by"]),
        "purposes": tuple(Purpose(one) for one in entry.get("purposes", [])),
    }
    return Obligation(name=name, **{**entry, **lists})


def _agree(entry: Mapping[str, Any], where: str) -> None:
    """Refuse what contradicts itself: a doubt without doubt, an end before the beginning, an unknown fact."""
    unknown = [one for one in entry["shown_by"] if not showing.known(one)]
    strange = [one for one in entry.get("purposes", []) if one not in set(Purpose)]
    faults = {
        f"force is {entry['force']!r}": entry["force"] not in FORCES,
        f"shown_by names {', '.join(map(str, unknown))}, which no fact answers": bool(unknown),
        f"purposes names {', '.join(map(str, strange))}": bool(strange),
        "certain and doubt contradict each other": entry["certain"] == ("doubt" in entry),
        "shown_by without read_as, or read_as without shown_by": bool(entry["shown_by"])
        != ("read_as" in entry),
        "superseded_by without until": "superseded_by" in entry and "until" not in entry,
        "it ends before it begins": "until" in entry and entry["until"] <= entry["effective"],
        "fresh_months is under 1": entry.get("fresh_months", 1) < 1,
    }
    for fault, there in faults.items():
        if there:
            raise PolicyError(
                fault, where=where, right=f"Forces are {', '.join(FORCES)}; facts {showing.KNOWN}"
            )
