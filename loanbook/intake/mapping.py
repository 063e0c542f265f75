"""raw → validated: read a dataset folder: whose data it is, and how its files become our tables."""

from __future__ import annotations

import codecs
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from loanbook.errors import DatasetError
from loanbook.schema import TABLES

SHIPPED = Path(__file__).resolve().parents[1] / "datasets"
FORMATS = ("csv", "parquet", "json")

_TOP = ("name", "title", "currency", "country", "licence", "as_of", "place", "raw", "lines", "explained")
_RAW = ("files", "format", "encoding", "delimiter", "null", "union_by_name", "optional", "columns")
_CSV_ONLY = ("encoding", "delimiter", "null")
_LINE: Mapping[str, type] = {
    "report_from": date,
    "window_months": int,
    "ripening_months": int,
    "days_past_due": int,
    "shared_customers": bool,
}
_KINDS: Mapping[type, tuple[str, str]] = {
    date: ("no day", "Write it as 2018-01-01"),
    int: ("no whole number", "Write it as 12"),
    bool: ("neither true nor false", "Write true or false"),
}
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LINE_NAME = re.compile(r"[a-z][a-z0-9_]*(/[a-z][a-z0-9_]*)?")
_TYPE = re.compile(
    r"VARCHAR|BOOLEAN|(TINY|SMALL|BIG|HUGE)INT|INTEGER|DOUBLE|FLOAT|DATE|TIMESTAMP"
    r"|DECIMAL\(\d{1,2}, ?\d{1,2}\)"
)
T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """The box where customers live, in degrees north and east, smaller first."""

    lat: tuple[float, float]
    lon: tuple[float, float]


@dataclass(frozen=True)
class RawSource:
    """One relation `raw.<name>` and the files that fill it; `columns` are read as the type they declare."""

    name: str
    files: tuple[str, ...]
    format: str
    encoding: str = "utf-8"
    delimiter: str = ","
    null: tuple[str, ...] = ("",)
    union_by_name: bool = False
    optional: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """A mapping from somebody's raw files to canonical tables; `tables` holds one SELECT each.

    `explained` says why columns that look as if they told the outcome don't.
    """

    name: str
    title: str
    currency: str
    country: str
    licence: str
    folder: Path
    as_of: datetime | None
    place: Place | None
    raw: tuple[RawSource, ...]
    tables: Mapping[str, str]
    lines: Mapping[str, Mapping[str, object]]
    explained: Mapping[str, str] = field(default_factory=dict)

    def source(self, name: str) -> RawSource:
        """Find a raw source by name, or raise KeyError."""
        for source in self.raw:
            if source.name == name:
                return source
        raise KeyError(name)


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


@dataclass(frozen=True)
class _Reader:
    """Reads one dataset.toml; every refusal names the file and the key."""

    where: str

    def dataset(self, given: Mapping[str, object], folder: Path) -> Dataset:
        self.known(given, _TOP, "")
        name = self.matching(given, "name", _NAME, "small letters, digits and _")
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

    def source(self, name: str, given: object) -> RawSource:
        place = f"raw.{name}"
        if not _NAME.fullmatch(name) or not isinstance(given, dict):
            raise self.wrong(place, "is no source", "Write [raw.<name>], in small letters, digits and _")
        self.known(given, _RAW, place)
        kind = self.get(given, "format", str, place)
        if kind not in FORMATS:
            raise self.wrong(f"{place}.format", f"is {kind!r}", f"Known are {', '.join(FORMATS)}")
        if kind != "csv" and (stray := [key for key in _CSV_ONLY if key in given]):
            raise self.wrong(f"{place}.{stray[0]}", f"says nothing of {kind}", "It is for csv alone")
        default = RawSource(name, (), kind)
        return RawSource(
            name=name,
            files=self.strings(given, "files", place),
            format=kind,
            encoding=self.encoding(given, place),
            delimiter=self.delimiter(given, place),
            null=self.strings(given, "null", place) if "null" in given else default.null,
            union_by_name=self.flag(given, "union_by_name", place),
            optional=self.flag(given, "optional", place),
            columns=self.columns(given, place),
        )

    def columns(self, given: Mapping[str, object], place: str) -> Mapping[str, str]:
        columns = self.get(given, "columns", dict, place) if "columns" in given else {}
        for name, kind in columns.items():
            if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
                right = "Known are VARCHAR, BOOLEAN, INTEGER, BIGINT, DOUBLE, DECIMAL(18,2), DATE, TIMESTAMP"
                raise self.wrong(f"{place}.columns.{name}", f"is of an unknown type {kind!r}", right)
            if name in {"_file", "_row", "_broken"}:
                raise self.wrong(f"{place}.columns.{name}", "is a name of ours", "Rename it in the raw file")
        return MappingProxyType({name: kind.replace(", ", ",") for name, kind in columns.items()})

    def encoding(self, given: Mapping[str, object], place: str) -> str:
        name = self.get(given, "encoding", str, place) if "encoding" in given else "utf-8"
        try:
            return codecs.lookup(name).name
        except LookupError:
            raise self.wrong(
                f"{place}.encoding", f"is {name!r}", "Write for instance utf-8 or gb18030"
            ) from None

    def delimiter(self, given: Mapping[str, object], place: str) -> str:
        mark = self.get(given, "delimiter", str, place) if "delimiter" in given else ","
        if len(mark) != 1 or mark in '"\r\n':
            raise self.wrong(f"{place}.delimiter", f"is {mark!r}", "Write one character, such as , or ;")
        return mark

    def flag(self, given: Mapping[str, object], key: str, place: str) -> bool:
        return self.get(given, key, bool, place) if key in given else False

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

    def known(self, given: Mapping[str, object], allowed: Collection[str], place: str) -> None:
        for key in given:
            if key not in allowed:
                near = get_close_matches(key, allowed, 1)
                right = f"Known are {', '.join(allowed)}"
                full = f"{place}.{key}" if place else key
                raise self.wrong(full, "is no known key", f"Perhaps {near[0]}? {right}" if near else right)

    def get(self, given: Mapping[str, object], key: str, kind: type[T], place: str) -> T:
        full = f"{place}.{key}" if place else key
        if key not in given:
            raise self.wrong(full, "is missing", f"Write it as a {kind.__name__}")
        value = given[key]
        if not isinstance(value, kind):
            raise self.wrong(full, f"is a {type(value).__name__}", f"Write it as a {kind.__name__}")
        return value

    def strings(self, given: Mapping[str, object], key: str, place: str) -> tuple[str, ...]:
        values = self.get(given, key, list, place)
        if not values or not all(isinstance(value, str) for value in values):
            raise self.wrong(f"{place}.{key}", f"is {values}", "Write a list of texts")
        return tuple(values)

    def matching(self, given: Mapping[str, object], key: str, pattern: re.Pattern[str], says: str) -> str:
        value = self.get(given, key, str, "")
        if not pattern.fullmatch(value):
            raise self.wrong(key, f"is {value!r}", f"Write it in {says}")
        return value

    def wrong(self, key: str, what: str, right: str) -> DatasetError:
        return DatasetError(f"{key} {what}", where=self.where, right=right)


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
