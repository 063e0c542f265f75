"""raw → validated: one [raw.<name>] of a dataset.toml: where a source lies and how it is read."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from types import MappingProxyType

from loanbook.intake.keys import NAME, Keys
from loanbook.intake.sources import S3, Bucket, Database, RawSource

FORMATS = ("csv", "parquet", "json", "xlsx")
POSTGRESQL = "postgresql"

_DATABASE = ("from", "address", "table", "query", "optional", "columns")
_BUCKET = ("region", "endpoint", "access_key", "secret_key", "session_token")
_FILES = ("from", "files", "format", "union_by_name", "optional", "columns")
_ONLY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"csv": ("encoding", "delimiter", "null"), "xlsx": ("sheet", "header_row", "null")}
)
_RAW = (*_FILES, "encoding", "delimiter", "null", "sheet", "header_row", *_DATABASE[1:4], *_BUCKET)
_VARIABLE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*")
_TYPE = re.compile(
    r"VARCHAR|BOOLEAN|(TINY|SMALL|BIG|HUGE)INT|INTEGER|DOUBLE|FLOAT|DATE|TIMESTAMP"
    r"|DECIMAL\(\d{1,2}, ?\d{1,2}\)"
)


class RawKeys(Keys):
    """Reads one raw source."""

    def source(self, name: str, given: object) -> RawSource:
        """Read [raw.<name>]."""
        place = f"raw.{name}"
        if not NAME.fullmatch(name) or not isinstance(given, dict):
            raise self.wrong(place, "is no source", "Write [raw.<name>], in small letters, digits and _")
        self.known(given, _RAW, place)
        origin = self.text(given, "from", place) or "files"
        if origin not in {"files", POSTGRESQL}:
            raise self.wrong(f"{place}.from", f"is {origin!r}", f"Known are files, {POSTGRESQL}")
        if origin == POSTGRESQL:
            self.none_but(given, _DATABASE, POSTGRESQL, place)
            return RawSource(
                name=name,
                files=(),
                format=POSTGRESQL,
                optional=self.flag(given, "optional", place),
                columns=self.columns(given, place),
                database=self.database(given, place),
            )
        return self.files(name, given, place)

    def files(self, name: str, given: Mapping[str, object], place: str) -> RawSource:
        """Read a source of files, here or in a bucket."""
        kind = self.get(given, "format", str, place)
        if kind not in FORMATS:
            raise self.wrong(f"{place}.format", f"is {kind!r}", f"Known are {', '.join(FORMATS)}")
        self.none_but(given, (*_FILES, *_ONLY.get(kind, ()), *_BUCKET), kind, place)
        default = RawSource(name, (), kind)
        files = self.strings(given, "files", place)
        return RawSource(
            name=name,
            files=files,
            format=kind,
            encoding=self.encoding(given, place),
            delimiter=self.delimiter(given, place),
            null=self.strings(given, "null", place) if "null" in given else default.null,
            union_by_name=self.flag(given, "union_by_name", place),
            optional=self.flag(given, "optional", place),
            columns=self.columns(given, place),
            sheet=self.text(given, "sheet", place),
            header_row=self.header_row(given, place),
            bucket=self.bucket(given, files, place),
        )

    def none_but(self, given: Mapping[str, object], allowed: tuple[str, ...], kind: str, place: str) -> None:
        """Refuse a key that is known, and says nothing of this kind of source."""
        if stray := [key for key in given if key not in allowed]:
            for_whom = next((one for one, keys in _ONLY.items() if stray[0] in keys), "")
            right = f"It is for {for_whom} alone" if for_whom else f"Known are {', '.join(allowed)}"
            raise self.wrong(f"{place}.{stray[0]}", f"says nothing of {kind}", right)

    def database(self, given: Mapping[str, object], place: str) -> Database:
        """Read where a PostgreSQL is asked, and for what; its address never stands here."""
        address = self.variable(given, "address", place)
        if not address:
            right = 'Write address = "env:NAME": the variable holds postgresql://user:password@host/database'
            raise self.wrong(f"{place}.address", "is missing", right)
        table, query = self.text(given, "table", place), self.text(given, "query", place)
        if bool(table) == bool(query.strip()):
            raise self.wrong(
                place, "says both table and query, or neither", "Write table = or query =, one of them"
            )
        return Database(address.removeprefix("env:"), table, query)

    def bucket(self, given: Mapping[str, object], files: tuple[str, ...], place: str) -> Bucket | None:
        """Read how a bucket is reached, when the files lie in one."""
        remote = [pattern.startswith(S3) for pattern in files]
        if any(remote) != all(remote):
            raise self.wrong(f"{place}.files", "lie here and in a bucket", "Make two sources of them")
        if not any(remote):
            if stray := [key for key in _BUCKET if key in given]:
                raise self.wrong(f"{place}.{stray[0]}", "says nothing of files here", f"It is for {S3}")
            return None
        keys = {key: self.variable(given, key, place) for key in _BUCKET[2:]}
        if bool(keys["access_key"]) != bool(keys["secret_key"]):
            raise self.wrong(place, "has half a pair of keys", "Write access_key and secret_key")
        return Bucket(self.text(given, "region", place), self.text(given, "endpoint", place), **keys)

    def variable(self, given: Mapping[str, object], key: str, place: str) -> str:
        """Give `env:NAME`; whatever else stands there may be a secret, and isn't repeated."""
        value = self.text(given, key, place)
        if value and not _VARIABLE.fullmatch(value):
            raise self.wrong(
                f"{place}.{key}", "names no environment variable", f'Write {key} = "env:NAME", not the value'
            )
        return value

    def columns(self, given: Mapping[str, object], place: str) -> Mapping[str, str]:
        """Read the declared types."""
        columns = self.get(given, "columns", dict, place) if "columns" in given else {}
        for name, kind in columns.items():
            if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
                right = "Known are VARCHAR, BOOLEAN, INTEGER, BIGINT, DOUBLE, DECIMAL(18,2), DATE, TIMESTAMP"
                raise self.wrong(f"{place}.columns.{name}", f"is of an unknown type {kind!r}", right)
            if name in {"_file", "_row", "_broken"}:
                raise self.wrong(f"{place}.columns.{name}", "is a name of ours", "Rename it in the raw file")
        return MappingProxyType({name: kind.replace(", ", ",") for name, kind in columns.items()})

    def encoding(self, given: Mapping[str, object], place: str) -> str:
        """Read an encoding that Python knows."""
        name = self.text(given, "encoding", place) or "utf-8"
        try:
            "".encode(name)  # some codecs that Python knows are of no text
            return codecs.lookup(name).name
        except LookupError:
            raise self.wrong(
                f"{place}.encoding", f"is {name!r}", "Write for instance utf-8 or gb18030"
            ) from None

    def delimiter(self, given: Mapping[str, object], place: str) -> str:
        """Read one character that separates fields."""
        mark = self.get(given, "delimiter", str, place) if "delimiter" in given else ","
        if len(mark) != 1 or mark in '"\r\n':
            raise self.wrong(f"{place}.delimiter", f"is {mark!r}", "Write one character, such as , or ;")
        return mark

    def header_row(self, given: Mapping[str, object], place: str) -> int:
        """Read the row of a sheet that names its columns, counted from 1."""
        row = self.get(given, "header_row", int, place) if "header_row" in given else 1
        if isinstance(row, bool) or row < 1:
            raise self.wrong(f"{place}.header_row", f"is {row}", "The first row of a sheet is 1")
        return row
