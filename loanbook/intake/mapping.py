"""raw → validated: read a dataset folder: whose data it is, and how its files become our tables."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

from loanbook.errors import DatasetError
from loanbook.intake.declared import RawKeys
from loanbook.intake.keys import NAME
from loanbook.intake.sources import Dataset, Place, RawSource
from loanbook.schema import TABLES

__all__ = ["SHIPPED", "Dataset", "Place", "RawSource", "load", "shipped"]

SHIPPED = Path(__file__).resolve().parents[1] / "datasets"

_TOP = ("name", "title", "currency", "country", "licence", "as_of", "place", "raw", "lines", "explained")
_LINE: Mapping[str, type] = {
    "report_from": date,
    "window_months": int,
    "ripening_months": int,
    "days_past_due": int,
    "shared_customers": bool,
    "every_months": int,
    "report_newcomers": bool,
    "column": str,
    "drawn": bool,
}
_KINDS: Mapping[type, tuple[str, str]] = {
    date: ("no day", "Write it as 2018-01-01"),
    int: ("no whole number", "Write it as 12"),
    bool: ("neither true nor false", "Write true or false"),
    str: ("no text", 'Write "list_price"'),
}
_LINE_NAME = re.compile(r"[a-z][a-z0-9_]*(/[a-z][a-z0-9_]*)?")


def shipped() -> tuple[str, ...]:
    """Name the datasets that come with Loanbook."""
    return tuple(sorted(path.parent.name for path in SHIPPED.glob("*/dataset.toml")))


def load(where: str | Path) -> Dataset:
    """Read a shipped dataset by name, or any folder by path; raise DatasetError."""
    folder = SHIPPED / where if where in shipped() else Path(where)
    toml = folder / "dataset.toml"
    if not toml.is_file():
        raise DatasetError(
            f"there is no dataset {str(where)!r}"
            if not folder.is_dir()
            else "the folder has no dataset.toml",
            where=str(folder),
            right=f"Shipped are {', '.join(shipped())}; or give the path of a folder with a dataset.toml",
        )
    try:
        given = tomllib.loads(toml.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"this is no TOML: {error}", where=str(toml)) from error
    return _Reader(str(toml)).dataset(given, folder)


class _Reader(RawKeys):
    """Reads one dataset.toml; every refusal names the file and the key."""

    def dataset(self, given: Mapping[str, object], folder: Path) -> Dataset:
        self.known(given, _TOP, "")
        name = self.matching(given, "name", NAME, "small letters, digits and _")
        raw = self.get(given, "raw", dict, "")
        if not raw:
            raise self.wrong("raw", "names no source", "Write at least one [raw.<name>]")
        return Dataset(
            name=name,
            title=self.get(given, "title", str, ""),
            currency=self.get(given, "currency", str, ""),
            country=self.get(given, "country", str, ""),
            licence=self.get(given, "licence", str, ""),
            folder=folder,
            as_of=self.day(given),
            place=self.place(given),
            raw=tuple(self.source(key, value) for key, value in raw.items()),
            tables=_tables(folder),
            lines=self.lines(given),
            explained=self.explained(given),
        )

    def place(self, given: Mapping[str, object]) -> Place | None:
        if "place" not in given:
            return None
        box = self.get(given, "place", dict, "")
        self.known(box, ("lat", "lon"), "place")
        return Place(self.span(box, "lat", 90), self.span(box, "lon", 180))

    def span(self, box: Mapping[str, object], key: str, limit: float) -> tuple[float, float]:
        ends = self.get(box, key, list, "place")
        numbers = [float(end) for end in ends if isinstance(end, (int, float)) and abs(end) <= limit]
        if len(numbers) != 2 or len(ends) != 2 or numbers[0] >= numbers[1]:
            raise self.wrong(
                f"place.{key}", f"is {ends}", f"Write two numbers within ±{limit}, smaller first"
            )
        return numbers[0], numbers[1]

    def day(self, given: Mapping[str, object]) -> datetime | None:
        day = given.get("as_of")
        if isinstance(day, datetime) and day.tzinfo is None:
            return day
        if isinstance(day, date) and not isinstance(day, datetime):
            return datetime(day.year, day.month, day.day)
        if day is not None:
            raise self.wrong(
                "as_of", f"is {day!r}", "Write a day or a time in UTC without zone, as 2023-06-30"
            )
        return None

    def lines(self, given: Mapping[str, object]) -> Mapping[str, Mapping[str, object]]:
        lines = self.get(given, "lines", dict, "") if "lines" in given else {}
        for name, settings in lines.items():
            if not _LINE_NAME.fullmatch(name) or not isinstance(settings, dict):
                raise self.wrong(f"lines.{name}", "is no line", 'Write [lines."underwriting/auto"]')
            self.known(settings, _LINE, f"lines.{name}")
            for key, value in settings.items():
                if type(value) is not _LINE[key]:
                    kind, right = _KINDS[_LINE[key]]
                    raise self.wrong(f"lines.{name}.{key}", f"is {kind}", right)
        return MappingProxyType({name: MappingProxyType(settings) for name, settings in lines.items()})

    def explained(self, given: Mapping[str, object]) -> Mapping[str, str]:
        """Read why columns that look like leaks are none, by the column's full name."""
        reasons = self.get(given, "explained", dict, "") if "explained" in given else {}
        for name, reason in reasons.items():
            if not isinstance(reason, str) or not reason.strip():
                raise self.wrong(
                    f"explained.{name}", "gives no reason", 'Write "raw.loans.loan_status" = "why"'
                )
        return MappingProxyType(dict(reasons))


def _tables(folder: Path) -> Mapping[str, str]:
    """Read one SELECT per canonical table."""
    found = {path.stem: path for path in sorted(folder.glob("*.sql"))}
    for stem, path in found.items():
        if stem not in TABLES:
            near = get_close_matches(stem, TABLES, 1)
            hint = f"Perhaps {near[0]}? " if near else ""
            raise DatasetError(
                f"{stem} is no canonical table", where=str(path), right=f"{hint}Known are {', '.join(TABLES)}"
            )
    if not found:
        raise DatasetError(
            "the dataset fills no table",
            where=str(folder),
            right=f"Write one .sql for any of {', '.join(TABLES)}",
        )
    return MappingProxyType({name: found[name].read_text("utf-8") for name in TABLES if name in found})
