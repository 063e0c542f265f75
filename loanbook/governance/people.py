"""candidate → champion: who may sign, in which role, with which key."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from loanbook import digests, lake
from loanbook.errors import PolicyError, SignatureError
from loanbook.governance import instants, reading
from loanbook.governance.ledger import Ledger
from loanbook.governance.policy import ROLES
from loanbook.governance.reading import UnreadableFact

FORMAT = 1
KIND = "people"
STEWARD = "steward"  # rules on held rows; no policy asks for it
KNOWN = (*ROLES, STEWARD)


@dataclass(frozen=True)
class Person:
    """One person: name, roles, and the one key that is theirs alone."""

    name: str
    roles: tuple[str, ...]
    keyid: str
    public_key: str
    added_at: datetime


@dataclass(frozen=True)
class People:
    """Everybody who may sign; no name and no key stands twice."""

    people: tuple[Person, ...]

    def __post_init__(self) -> None:
        """Refuse a name or key that stands twice: it would be one person with two votes."""
        for what, seen in (
            ("name", [same_name(person.name) for person in self.people]),
            ("key", [person.keyid for person in self.people]),
            ("key", [person.public_key.strip() for person in self.people]),
        ):
            if len(set(seen)) != len(seen):
                raise SignatureError(f"a {what} stands twice among the people", right="One key, one person")

    @property
    def digest(self) -> str:
        """SHA-256 of all that is said of them."""
        return digests.of_json(_written(self))

    def by_keyid(self, keyid: str) -> Person:
        """Find whose key it is, or raise SignatureError."""
        for person in self.people:
            if person.keyid == keyid:
                return person
        raise SignatureError(
            f"nobody here has the key {keyid[:12]}",
            where="people",
            right=f"Enrolled are {', '.join(person.name for person in self.people) or 'none'}",
        )


def same_name(name: str) -> str:
    """Fold a name so that one person can't be two by case, width or spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def path_of(home: Path) -> Path:
    """Find the file of a home folder."""
    return home / "governance" / "people.json"


def read(path: Path) -> People:
    """Read the file as it stands; nobody, if there is none. One that can't be read is refused."""
    if not path.exists():
        return People(())
    said = lake.read_json(path)
    try:
        if set(said) != {"format", "people"} or reading.count(said, "format") != FORMAT:
            raise UnreadableFact("the format is another")
        return People(tuple(_person(inner) for inner in reading.at(said, "people")))
    except (UnreadableFact, ValueError, TypeError) as error:
        raise SignatureError(f"the people can't be read: {error}", where=str(path)) from None


def trusted(path: Path, ledger: Ledger) -> People:
    """Read the people and hold them to the ledger: a file that was changed by hand is refused."""
    people, (_, after) = read(path), _recorded(ledger)
    if people.digest != after:
        raise SignatureError(
            "the people are not those that the ledger recorded",
            where=str(path),
            right="Restore the file, or enrol again whoever was being enrolled",
        )
    return people


def enrol(path: Path, ledger: Ledger, person: Person, by: str, at: datetime) -> People:
    """Add a person: first to the ledger, then to the file; killed in between, it is run again."""
    _check(person, path)
    people = read(path)
    if people.digest not in _recorded(ledger):
        raise SignatureError(
            "the people were changed behind the ledger", where=str(path), right="Restore the file first"
        )
    grown = People((*people.people, person))
    body = {"added": _person_written(person), "before": people.digest, "after": grown.digest}
    ledger.append(KIND, by, body, at)
    lake.write_json(path, _written(grown))
    return grown


def _check(person: Person, path: Path) -> None:
    unknown = [role for role in person.roles if role not in KNOWN]
    if unknown or not person.roles:
        raise PolicyError(
            f"roles {', '.join(person.roles) or 'none'}", where=str(path), right=f"Of {', '.join(KNOWN)}"
        )
    if not person.name.strip() or person.name != person.name.strip():
        raise PolicyError(f"the name is {person.name!r}", where=str(path), right="Give a name, no margins")


def _recorded(ledger: Ledger) -> tuple[str, str]:
    """Find the digests before and after the last change."""
    entries = ledger.entries(KIND)
    if not entries:
        nobody = People(()).digest
        return nobody, nobody
    return str(entries[-1].body["before"]), str(entries[-1].body["after"])


def _written(people: People) -> dict[str, Any]:
    return {"format": FORMAT, "people": [_person_written(person) for person in people.people]}


def _person_written(person: Person) -> dict[str, Any]:
    return {
        "name": person.name,
        "roles": list(person.roles),
        "keyid": person.keyid,
        "public_key": person.public_key,
        "added_at": instants.text(person.added_at),
    }


def _person(said: Mapping[str, Any]) -> Person:
    person = Person(
        name=reading.text(said, "name"),
        roles=reading.texts(said, "roles"),
        keyid=reading.digest(said, "keyid"),
        public_key=reading.text(said, "public_key"),
        added_at=instants.read(reading.text(said, "added_at")),
    )
    if set(person.roles) - set(KNOWN) or len(said) != 5:
        raise UnreadableFact(f"{person.name} has roles or keys that are unknown here")
    return person
