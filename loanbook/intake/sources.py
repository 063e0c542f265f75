"""raw → validated: what a dataset is: its raw sources, and one SELECT per canonical table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

S3 = "s3://"


@dataclass(frozen=True)
class Place:
    """The box where customers live, in degrees north and east, smaller first."""

    lat: tuple[float, float]
    lon: tuple[float, float]


@dataclass(frozen=True)
class Database:
    """A table or a query of a PostgreSQL; `address` names the environment variable that holds where."""

    address: str
    table: str = ""
    query: str = ""


@dataclass(frozen=True)
class Bucket:
    """How S3 is reached; each of these is a value, or `env:NAME`. Empty: as AWS's own variables say."""

    region: str = ""
    endpoint: str = ""
    access_key: str = ""
    secret_key: str = ""
    session_token: str = ""


@dataclass(frozen=True)
class RawSource:
    """One relation `raw.<name>` and what fills it; `columns` are read as the type they declare.

    `sheet` and `header_row` speak of a workbook. A source with a `database` has no files.
    """

    name: str
    files: tuple[str, ...]
    format: str
    encoding: str = "utf-8"
    delimiter: str = ","
    null: tuple[str, ...] = ("",)
    union_by_name: bool = False
    optional: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    sheet: str = ""
    header_row: int = 1
    database: Database | None = None
    bucket: Bucket | None = None


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
